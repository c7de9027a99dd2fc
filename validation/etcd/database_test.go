package etcd

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/harness"
	"github.com/redline-go/redline/validation/etcd/server"
)

// TestQuota writes Events at a steady rate until the quota. It compares the time, checks what etcd
// answers then, and that compacting and disarming do not help.
func TestQuota(t *testing.T) {
	ctx := limited(t)
	const quota, value, rate = 24 << 20, 834, 1200.0
	cluster := harness.Start(t, harness.Config{Etcd: server.Config{Quota: quota}})
	// over a hundred keys, so that there is something to compact
	op := etcdmodel.Op{Kind: etcdmodel.Put, Key: 70, Value: value, Lease: true}
	before, err := cluster.Metrics(0)
	require.NoError(t, err)
	size := before.Value("etcd_mvcc_db_total_size_in_bytes")
	full, err := cluster.UntilNoSpace(ctx, op, 100, rate, time.Minute)
	require.NoError(t, err)
	require.ErrorIs(t, full.Err, rpctypes.ErrNoSpace)

	// The rate is the one that arrived: a Poisson process of n arrivals is off by 1/sqrt(n).
	arrived := float64(full.Answered) / full.After.Seconds()
	p, err := etcdmodel.Predict(etcdmodel.Cluster{
		Version: cluster.Model(), Members: 1, Quota: quota, DB: int64(size), CompactEvery: etcdmodel.NoCompaction,
	},
		etcdmodel.Load{Streams: []etcdmodel.Stream{{Name: "events", Op: op, Rate: arrived, Keys: 100}}})
	require.NoError(t, err)
	table := compare("quota "+cluster.Model().String(), "quota MiB", "value B", "rate/s", "s until NOSPACE", "db MB then")
	until := pair{full.After.Seconds(), p.DB.QuotaIn.Seconds()}
	table.add("time to quota", until)
	table.row(
		fmt.Sprint(quota>>20), fmt.Sprint(value), figure(arrived), versus(until),
		versus(pair{full.DB / 1e6, (quota + float64(p.DB.Overshoot)) / 1e6}),
	)
	table.print(t)
	table.counts(t, "time to quota", 0.02)
	assert.InEpsilon(t, quota+float64(p.DB.Overshoot), full.DB, 0.03, "the size at which it stops")
	assert.NotEmpty(t, p.DB.NoSpace)

	require.NoError(t, cluster.CompactAndDisarm(ctx))
	assert.ErrorIs(t, cluster.PutOne(ctx), rpctypes.ErrNoSpace, "compaction frees no page of the file")
	require.NoError(t, cluster.DefragAndDisarm(ctx))
	assert.NoError(t, cluster.PutOne(ctx), "defragmentation does")
}
