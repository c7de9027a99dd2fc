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

// A trio is three members, the leader first, each with a delay of its own.
type trio struct {
	name   string
	delays [3]time.Duration
	load   etcdmodel.Load
}

// trios returns loads of three members: closed and open, over all members and at the leader alone.
// None is fitted to.
func trios() []trio {
	op := etcdmodel.Op{Kind: etcdmodel.Put, Key: key, Value: 1024}
	closed := func(n int) etcdmodel.Load { return etcdmodel.Load{Clients: n, Op: op} }
	open := func(rate float64) etcdmodel.Load {
		return etcdmodel.Load{Streams: []etcdmodel.Stream{{Name: "puts", Op: op, Rate: rate}}, LeaderOnly: true}
	}
	all := func(d float64) [3]time.Duration { return [3]time.Duration{ms(d), ms(d), ms(d)} }
	list := []trio{
		{"all 10 ms", all(10), closed(30)},
		{"all 10 ms", all(10), open(200)},
		{"all 100 ms", all(100), closed(30)},
		{"leader 100 ms", [3]time.Duration{ms(100), 0, 0}, closed(30)},
		{"one follower 100 ms", [3]time.Duration{0, ms(100), 0}, open(200)},
		{"followers 50 ms", [3]time.Duration{0, ms(50), ms(50)}, closed(30)},
	}
	if long() {
		for _, d := range []float64{0, 5, 50, 200, 500} {
			for _, n := range []int{1, 10, 100} {
				list = append(list, trio{fmt.Sprintf("all %.0f ms", d), all(d), closed(n)},
					trio{fmt.Sprintf("leader %.0f ms", d), [3]time.Duration{ms(d), 0, 0}, closed(n)},
					trio{fmt.Sprintf("one follower %.0f ms", d), [3]time.Duration{0, ms(d), 0}, closed(n)})
			}
		}
	}
	return list
}

// Three members, with all disks slow, one, or two.
func TestThreeMembers(t *testing.T) {
	ctx := limited(t)
	var disks []*slowdisk.Disk
	var dirs []string
	for range 3 {
		d := slowdisk.ForTest(t, 0)
		disks, dirs = append(disks, d), append(dirs, d.Dir())
	}
	cluster := harness.Start(t, harness.Config{Members: 3, Data: dirs})
	table := compare(
		"three "+cluster.Model().String(), "slow", "load", "throughput/s", "p50 ms", "p99 ms", "ops/fsync",
		"late heartbeats/s",
	)
	cpu := calibrateProcessor(ctx, t, cluster)
	known := calibrated{}
	for _, c := range trios() {
		for _, d := range disks {
			require.NoError(t, d.SetDelay(0))
		}
		require.NoError(t, cluster.Lead(ctx, 0))
		cl := etcdmodel.Cluster{Version: cluster.Model(), Members: 3, CPU: cpu}
		for i, delay := range c.delays {
			cl.Disks = append(cl.Disks, known.slowed(ctx, t, disks[i], delay))
		}
		p, err := etcdmodel.Predict(cl, c.load)
		require.NoError(t, err)
		seconds := max(2500*time.Millisecond, 40*max(c.delays[0], c.delays[1]))
		r, m := measure(ctx, t, cluster, c.load, p, table, time.Second, seconds)
		if c.load.Clients > 0 {
			table.add("throughput", r.throughput)
		}
		table.add("p50", r.p50)
		table.add("p99", r.p99)
		table.add("ops/fsync", r.opsFsync)
		table.row(c.name, cell{
			clients: c.load.Clients, rate: rateOf(c.load),
		}.String(), versus(r.throughput), versus(r.p50), versus(r.p99), versus(r.opsFsync),
			versus(pair{m.LateHeartbeats / m.Seconds, 2 * p.HeartbeatsLate}))
	}
	table.print(t)
	table.within(t, "p50", 0.20)
	table.within(t, "throughput", 0.20)
}

func rateOf(l etcdmodel.Load) float64 {
	sum := 0.0
	for _, s := range l.Streams {
		sum += s.Rate
	}
	return sum
}
