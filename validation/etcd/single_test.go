package etcd

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/harness"
	"github.com/redline-go/redline/validation/etcd/slowdisk"
)

// The points like those that the coefficients come from have 0, 2, 10 and 50 ms, 1 and 100
// clients, 100 and 3000/s, 256, 1024 and 4096 bytes. The others are held out.
var shortGrid = []cell{
	{delay: ms(0), clients: 1, value: 1024, fitted: true},
	{delay: ms(0), clients: 30, value: 512},
	{delay: ms(0), rate: 400, value: 2000},
	{delay: ms(3), clients: 1, value: 700},
	{delay: ms(3), clients: 30, value: 1024},
	{delay: ms(3), rate: 1500, value: 512},
	{delay: ms(10), clients: 100, value: 2000},
	{delay: ms(10), rate: 100, value: 1024, fitted: true},
	{delay: ms(10), rate: 700, value: 3000},
	{delay: ms(25), clients: 10, value: 1024},
	{delay: ms(25), rate: 50, value: 1024},
	{delay: ms(50), clients: 100, value: 1024, fitted: true},
	{delay: ms(50), rate: 400, value: 700},
}

// longGrid returns the product of the same ranges.
func longGrid() []cell {
	var grid []cell
	for _, delay := range []float64{0, 1, 2, 5, 10, 25, 50} {
		for _, value := range []int{256, 1024, 4096, 16384} {
			for _, clients := range []int{1, 10, 100} {
				grid = append(grid, cell{delay: ms(delay), clients: clients, value: value, fitted: true})
			}
			for _, rate := range []float64{50, 300, 1000} {
				grid = append(grid, cell{delay: ms(delay), rate: rate, value: value})
			}
		}
	}
	return grid
}

// One member: calibrate the disk, predict, measure, compare.
func TestSingleMember(t *testing.T) {
	ctx := limited(t)
	grid := shortGrid
	if long() {
		grid = longGrid()
	}
	disk := slowdisk.ForTest(t, 0)
	cluster := harness.Start(t, harness.Config{Data: []string{disk.Dir()}})
	table := compare("single "+cluster.Model().String(), "delay ms", "load", "value B", "held out",
		"fsync ms: calibrated", "in etcd",
		"throughput/s", "p50 ms", "p99 ms", "ops/fsync", "WAL B/op")
	cpu := calibrateProcessor(ctx, t, cluster)
	known := calibrated{}
	for _, c := range grid {
		d := known.slowed(ctx, t, disk, c.delay)
		p, err := etcdmodel.Predict(
			etcdmodel.Cluster{Version: cluster.Model(), Members: 1, Disks: []etcdmodel.Disk{d}, CPU: cpu}, c.load(),
		)
		require.NoError(t, err)
		r, m := measure(ctx, t, cluster, c.load(), p, table, 400*time.Millisecond, max(2500*time.Millisecond, 50*c.delay))
		table.addResult(c, r)
		table.add(batched, pair{m.WALBytesOp, c.op().WALBytes(cluster.Model(), m.OpsPerFsync)})
		table.row(fmt.Sprint(c.delay.Milliseconds()), c.String(), fmt.Sprint(c.value),
			map[bool]string{true: "", false: "yes"}[c.fitted],
			figure(millis(d.FsyncMean())), figure(1000*m.Fsync.Mean()),
			versus(r.throughput), versus(r.p50), versus(r.p99), versus(r.opsFsync), versus(r.walBytes))
	}
	table.print(t)
	table.counts(t, batched, 0.01)
	// Where others are on the processors batches are larger, and what is written once for each is
	// less of a request.
	table.counts(t, "WAL bytes", 0.01+0.05*table.stretch())
	table.within(t, "ops/fsync", 0.10)
	table.within(t, "throughput", 0.15)
	table.within(t, "p50", 0.15)
	table.within(t, "p99", 0.35)
}

// batched is the WAL bytes of a request if as many share an fsync as did, whatever the machine was
// doing.
const batched = "WAL bytes, batches as measured"

// addResult notes what the budgets are about. Of throughput that is a closed load only, for an
// open one has what is offered.
func (c *comparison) addResult(point cell, r result) {
	if point.clients > 0 {
		c.add("throughput", r.throughput)
	}
	c.add("p50", r.p50)
	c.add("p99", r.p99)
	c.add("ops/fsync", r.opsFsync)
	c.add("WAL bytes", r.walBytes)
}
