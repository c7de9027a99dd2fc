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

// TestTwoDisks has the WAL on one disk and the db on another, as --wal-dir does, now the one slow
// and now the other. Nothing is fitted to it.
func TestTwoDisks(t *testing.T) {
	ctx := limited(t)
	wal, db := slowdisk.ForTest(t, 0), slowdisk.ForTest(t, 0)
	cluster := harness.Start(t, harness.Config{Data: []string{db.Dir()}, WAL: []string{wal.Dir()}})
	cpu := calibrateProcessor(ctx, t, cluster)
	table := compare(
		"two disks "+cluster.Model().String(), "WAL delay ms", "db delay ms", "load", "value B", "throughput/s",
		"p50 ms", "p99 ms", "ops/fsync", "backend commit ms",
	)
	known := calibrated{}
	for _, delays := range [][2]time.Duration{{ms(15), 0}, {ms(2), ms(40)}} {
		disk, other := known.slowed(ctx, t, wal, delays[0]), known.slowed(ctx, t, db, delays[1])
		disk.DB = &other
		for _, c := range []cell{{clients: 20, value: 1024}, {rate: 300, value: 1500}} {
			p, err := etcdmodel.Predict(
				etcdmodel.Cluster{Version: cluster.Model(), Members: 1, Disks: []etcdmodel.Disk{disk}, CPU: cpu}, c.load(),
			)
			require.NoError(t, err)
			r, m := measure(ctx, t, cluster, c.load(), p, table, 400*time.Millisecond, 3*time.Second)
			if c.clients > 0 {
				table.add("throughput", r.throughput)
			}
			commit := pair{1000 * m.Commit.Mean(), millis(p.BackendCommit.Mean)}
			table.add("p50", r.p50)
			table.add("p99", r.p99)
			table.add("ops/fsync", r.opsFsync)
			if delays[1] > 0 { // one of a few ms is mostly the page cache's
				table.add("backend commit", commit)
			}
			table.row(fmt.Sprint(delays[0].Milliseconds()), fmt.Sprint(delays[1].Milliseconds()), c.String(),
				fmt.Sprint(c.value),
				versus(r.throughput), versus(r.p50), versus(r.p99), versus(r.opsFsync), versus(commit))
		}
	}
	table.print(t)
	table.within(t, "ops/fsync", 0.10)
	table.within(t, "throughput", 0.15)
	table.within(t, "p50", 0.15)
	table.within(t, "p99", 0.35)
	table.within(t, "backend commit", 0.20)
}
