package etcd

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/harness"
	"github.com/redline-go/redline/validation/etcd/slowdisk"
)

// TestDefragmentation defragments dbs of several sizes on disks of several delays, at rest and
// under load. It compares the fsyncs, and the time with the range that the model gives. A put that
// is sent meanwhile waits for the end.
func TestDefragmentation(t *testing.T) {
	type db struct{ keys, value int }
	delays, dbs, repeats := []float64{0, 20}, []db{{12_000, 1024}}, 1
	if long() {
		delays, repeats = []float64{0, 5, 50}, 3
		dbs = []db{{20_000, 100}, {60_000, 256}, {15_000, 1024}, {60_000, 1024}, {12_000, 8192}, {100_000, 1}}
	}
	ctx := limited(t)
	table := (*comparison)(nil)
	disk := slowdisk.ForTest(t, 0)
	for _, x := range dbs {
		require.NoError(t, disk.SetDelay(0))
		cluster := harness.Start(t, harness.Config{Data: []string{disk.Dir()}})
		run, err := cluster.StartChurn(ctx, harness.Churn{
			Op: etcdmodel.Op{Key: key, Value: x.value}, Live: x.keys, Creates: 100, Deletes: 100,
		})
		require.NoError(t, err)
		if table == nil {
			table = compare("defrag "+cluster.Model().String(), "delay ms", "revisions", "MB", "load", "fsyncs", "ms",
				"range ms", "a put meanwhile ms")
		}
		for _, delay := range delays {
			require.NoError(t, disk.SetDelay(ms(delay)))
			for _, loaded := range []bool{false, true} {
				for range repeats {
					defragment(ctx, t, table, cluster, disk, delay, run, loaded)
				}
			}
		}
		require.NoError(t, disk.SetDelay(0))
	}
	table.print(t)
	table.counts(t, "fsyncs", 0.15)
}

func defragment(
	ctx context.Context, t *testing.T, table *comparison, cluster *harness.Cluster, disk *slowdisk.Disk, delay float64,
	run func(context.Context) harness.Churned, loaded bool,
) {
	running, stop := context.WithCancel(ctx)
	churned := make(chan harness.Churned, 1)
	if loaded {
		go func() { churned <- run(running) }()
	}
	time.Sleep(300*time.Millisecond + 5*ms(delay)) // the load runs, or the backend's last commit ends
	state, err := cluster.State(ctx)
	require.NoError(t, err)
	put := make(chan time.Duration, 1)
	time.AfterFunc(30*time.Millisecond, func() {
		start := time.Now()
		assert.NoError(t, cluster.PutOne(ctx))
		put <- time.Since(start)
	})
	before, err := disk.Fsyncs()
	require.NoError(t, err)
	d, err := cluster.Defragment(ctx, 0)
	require.NoError(t, err)
	after, err := disk.Fsyncs()
	require.NoError(t, err)
	waited := <-put
	stop()
	if loaded {
		assert.Zero(t, (<-churned).Errors, "shorter than etcd's timeout")
	}
	load := etcdmodel.Load{Streams: []etcdmodel.Stream{{Op: etcdmodel.Op{Kind: etcdmodel.Range}, Rate: 1}}}
	p, err := etcdmodel.Estimate(etcdmodel.Cluster{
		Members: 1, State: state, Disks: []etcdmodel.Disk{etcdmodel.FixedDisk(ms(delay + 0.4))},
	}, load)
	require.NoError(t, err)
	fsyncs := pair{float64(after - before), float64(p.Defrag.Fsyncs)}
	name := "none"
	if loaded {
		name = "200/s" // the WAL is on the same disk
	} else {
		table.add("fsyncs", fsyncs)
	}
	took := pair{millis(d.Took), millis(p.Defrag.Likely)}
	table.add("time", took)
	table.row(figure(delay), fmt.Sprint(state.Keys), figure(d.After/1e6), name, versus(fsyncs), versus(took),
		fmt.Sprintf("%.0f to %.0f", millis(p.Defrag.Least), millis(p.Defrag.Most)), figure(millis(waited)))
	assert.GreaterOrEqual(t, d.Took, p.Defrag.Least)
	assert.LessOrEqual(t, d.Took, p.Defrag.Most)
}
