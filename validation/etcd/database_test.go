package etcd

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/internal/lost"
	"github.com/redline-go/redline/validation/etcd/harness"
	"github.com/redline-go/redline/validation/etcd/server"
	"github.com/redline-go/redline/validation/etcd/slowdisk"
)

// Compactions as kube-apiserver orders them, in a steady state of updates: how long they take, how large the
// db becomes.
func TestCompaction(t *testing.T) {
	type steady struct {
		delay time.Duration
		keys  int
		value int
		rate  float64
		every time.Duration
	}
	cases := []steady{{0, 2000, 1024, 1000, 2 * time.Second}, {ms(4), 3000, 500, 1000, 2500 * time.Millisecond}, {ms(15), 1000, 2000, 500, 2500 * time.Millisecond}}
	if long() {
		cases = append(cases, steady{0, 50_000, 1024, 2000, 10 * time.Second}, steady{ms(2), 20_000, 256, 2000, 10 * time.Second}, steady{ms(10), 500, 1024, 2000, 10 * time.Second})
	}
	ctx := limited(t)
	cpu := calibrateProcessor(ctx, t, harness.Start(t, harness.Config{Data: []string{slowdisk.ForTest(t, 0).Dir()}}))
	var table *comparison
	for _, s := range cases {
		disk := slowdisk.ForTest(t, s.delay)
		cluster := harness.Start(t, harness.Config{Data: []string{disk.Dir()}})
		if table == nil {
			table = compare("compaction "+cluster.Model().String(), "delay ms", "keys", "value B", "updates/s", "every s", "compaction ms", "revisions deleted", "db MB")
		}
		d, err := etcdmodel.Calibrate(ctx, disk.Dir())
		require.NoError(t, err)
		op := etcdmodel.Op{Kind: etcdmodel.Put, Key: key, Value: s.value}
		load := etcdmodel.Load{Streams: []etcdmodel.Stream{{Name: "updates", Op: op, Rate: s.rate, Keys: s.keys}}}
		p, err := etcdmodel.Predict(etcdmodel.Cluster{Version: cluster.Model(), Members: 1, Disks: []etcdmodel.Disk{d}, CPU: cpu, CompactEvery: s.every, CompactKeep: s.every}, load)
		require.NoError(t, err)

		running, stop := context.WithCancel(ctx)
		var compacted []harness.Compacted
		done := make(chan error, 1)
		go func() {
			var err error
			compacted, err = cluster.CompactEvery(running, s.every)
			done <- err
		}()
		before := lost.ReadProcessor()
		m, err := cluster.Run(ctx, load, 0, 5*s.every+s.every/2)
		stop()
		require.NoError(t, errors.Join(err, <-done))
		table.others = append(table.others, lost.ReadProcessor().OthersSince(before))
		require.GreaterOrEqual(t, len(compacted), 4)
		t.Logf("backend commit: predicted %v, measured %.1f ms; %d revisions in %d batches predicted",
			p.BackendCommit.Mean, 1000*m.Commit.Mean(), p.Compaction.Revisions, p.Compaction.Batches)
		var took, deleted []float64
		for _, c := range compacted[2:] { // from the third on the state is steady
			took, deleted = append(took, millis(c.Took)), append(deleted, c.Deleted)
		}
		last := compacted[len(compacted)-1]
		duration := pair{median(took), millis(p.Compaction.Duration)}
		plateau := pair{last.DB, float64(p.DB.Plateau)}
		table.add("duration", duration)
		table.spread["duration"] = append(table.spread["duration"], spread(took)/2)
		table.add("plateau", plateau)
		table.row(fmt.Sprint(s.delay.Milliseconds()), fmt.Sprint(s.keys), fmt.Sprint(s.value), fmt.Sprint(s.rate), figure(s.every.Seconds()),
			versus(duration), versus(pair{median(deleted), float64(p.Compaction.Deletes)}), versus(pair{plateau.measured / 1e6, plateau.predicted / 1e6}))
	}
	table.print(t)
	table.within(t, "duration", 0.20)
	table.counts(t, "plateau", 0.20)
}

// Events at a steady rate until the quota: when, what etcd says then, and that compacting and disarming do not help.
func TestQuota(t *testing.T) {
	ctx := limited(t)
	const quota, value, rate = 24 << 20, 834, 1200.0
	cluster := harness.Start(t, harness.Config{Etcd: server.Config{Quota: quota}})
	op := etcdmodel.Op{Kind: etcdmodel.Put, Key: 70, Value: value, Lease: true} // over a hundred keys, so that there is something to compact
	before, err := cluster.Metrics(0)
	require.NoError(t, err)
	size := before.Value("etcd_mvcc_db_total_size_in_bytes")
	full, err := cluster.UntilNoSpace(ctx, op, 100, rate, time.Minute)
	require.NoError(t, err)
	require.ErrorIs(t, full.Err, rpctypes.ErrNoSpace)

	// The rate is the one that arrived: a Poisson process of n arrivals is off by 1/sqrt(n).
	arrived := float64(full.Answered) / full.After.Seconds()
	p, err := etcdmodel.Predict(etcdmodel.Cluster{Version: cluster.Model(), Members: 1, Quota: quota, DB: int64(size), CompactEvery: -1},
		etcdmodel.Load{Streams: []etcdmodel.Stream{{Name: "events", Op: op, Rate: arrived, Keys: 100}}})
	require.NoError(t, err)
	table := compare("quota "+cluster.Model().String(), "quota MiB", "value B", "rate/s", "s until NOSPACE", "db MB then")
	until := pair{full.After.Seconds(), p.DB.QuotaIn.Seconds()}
	table.add("time to quota", until)
	table.row(fmt.Sprint(quota>>20), fmt.Sprint(value), figure(arrived), versus(until), versus(pair{full.DB / 1e6, (quota + float64(p.DB.Overshoot)) / 1e6}))
	table.print(t)
	table.counts(t, "time to quota", 0.02)
	assert.InEpsilon(t, quota+float64(p.DB.Overshoot), full.DB, 0.03, "the size at which it stops")
	assert.NotEmpty(t, p.DB.NoSpace)

	require.NoError(t, cluster.CompactAndDisarm(ctx))
	assert.ErrorIs(t, cluster.PutOne(ctx), rpctypes.ErrNoSpace, "compaction frees no page of the file")
	require.NoError(t, cluster.DefragAndDisarm(ctx))
	assert.NoError(t, cluster.PutOne(ctx), "defragmentation does")
}
