package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/etcdmodel"
)

// heartbeats returns what a cluster of 100 nodes at rest writes, as etcdmodel's streams.
func heartbeats(s scenario.Scenario) []etcdmodel.Stream {
	s = s.WithDefaults()
	lease, node := classes[classLease], classes[classNode]
	lease.Rate = float64(s.Nodes)/(1.02*s.Leases.Renew.Seconds()) + 2/s.Elections.Retry.Seconds() + 0.2
	node.Rate = float64(s.Nodes) / 305
	return []etcdmodel.Stream{lease, node}
}

// predicted returns what etcdmodel says of the scenario's etcd under its heartbeats.
func predicted(t *testing.T, s scenario.Scenario) etcdmodel.Prediction {
	t.Helper()
	etcd := etcdmodel.Cluster{Version: s.WithDefaults().Etcd.Version, Members: 1, Quota: int64(s.Etcd.Quota)}
	p, err := etcdmodel.Predict(etcd, etcdmodel.Load{Streams: heartbeats(s)})
	require.NoError(t, err)
	return p
}

// A db reaches its quota in a quiet run when etcdmodel says so. Below the quota it reaches the
// plateau that etcdmodel predicts.
func TestQuotaIsReachedWhileAllIsQuiet(t *testing.T) {
	for _, quota := range []int{3e6, 4e6, 5e6} {
		s := scenario.Scenario{Length: 20 * time.Minute, Etcd: scenario.Etcd{Quota: quota}}
		p := predicted(t, s)
		r := run(t, s)
		t.Logf("quota %d: %v, predicted %v", quota, r.Totals.NoSpace, p.DB.QuotaIn)
		require.InDelta(t, p.DB.QuotaIn.Seconds(), r.Totals.NoSpace.Seconds(), 0.05*p.DB.QuotaIn.Seconds()+10,
			"one interval of the grid, and 5 %%")
		require.NotEqual(t, story.Healthy, r.Verdict.State, "no write lands any more")
		found := false
		for _, e := range r.Timeline {
			found = found || e.Kind == story.QuotaReached
		}
		require.True(t, found)
	}
	s := scenario.Scenario{Length: 3 * time.Hour}
	p := predicted(t, s)
	r := run(t, s)
	require.Negative(t, r.Totals.NoSpace)
	require.InEpsilon(t, p.DB.Plateau, r.Totals.DB, 0.05)
	require.Equal(t, story.Healthy, r.Verdict.State)
}

// Retries whose Events nothing clears fill a small quota. kube-apiserver cannot compact any more.
// Hours later a defragmentation ends that, and the cluster is well again. The next compaction asks
// for a revision that the operator's has removed, so for up to ten minutes nothing is compacted:
// with a quota of 12 MB the writes of the recovery would fill it once more.
func TestADefragmentationEndsNoSpace(t *testing.T) {
	s := scenario.Scenario{Length: 3 * time.Hour, Etcd: scenario.Etcd{Quota: 13e6}, Actions: []scenario.Action{
		scale(30, 500),
		{At: 150 * time.Minute, Do: scenario.Scale, N: 50},
		{At: 151 * time.Minute, Do: scenario.Clear},
		{At: 152 * time.Minute, Do: scenario.Defrag},
	}}
	r := run(t, s)
	require.Greater(t, r.Totals.NoSpace, 10*time.Minute)
	require.Less(t, r.Totals.NoSpace, 150*time.Minute)
	last := len(r.Values("etcd writes")) - 1
	require.Positive(t, r.Values("etcd writes")[last])
	require.Zero(t, r.Values("etcd writes")[149*6], "no write lands")
	require.Equal(t, float64(components), r.Values("leaders leading")[last])
	require.Zero(t, r.Values("nodes NotReady")[last])
}

// Bindings that a full etcd refuses are tried again, and their pods start once it takes writes.
func TestBindingsSurviveNoSpace(t *testing.T) {
	s := scenario.Scenario{
		Length: 40 * time.Minute, Observe: true,
		Workload: scenario.Workload{Replicas: new(50), Room: 50}, Etcd: scenario.Etcd{Quota: 5e6},
		Actions: []scenario.Action{
			scale(200, 100), {At: sec(600), Do: scenario.Room, N: 100}, {At: sec(900), Do: scenario.Defrag},
		},
	}.WithDefaults()
	p, err := newCluster(&s, true)
	require.NoError(t, err)
	p.end = sec(890)
	p.run()
	require.Positive(t, p.rec.full)
	require.Less(t, p.rec.full, sec(600))
	require.Len(t, p.pods.binding, 50, "none has landed")
	p.end = s.Length
	p.run()
	checkPods(t, p)
	require.Zero(t, p.pods.idle)
	require.Equal(t, 100, p.pods.running)
	require.Equal(t, 100, p.endpoints.writers[0].posted)
}

// At the quota unscheduled pods can be deleted. Bound ones cannot: their DELETE is first an update.
func TestDeletesAtTheQuota(t *testing.T) {
	s := scenario.Scenario{
		Length: time.Hour, Etcd: scenario.Etcd{Quota: 13e6}, Actions: []scenario.Action{scale(30, 500)},
	}.WithDefaults()
	p, err := newCluster(&s, true)
	require.NoError(t, err)
	for p.end = time.Minute; p.rec.full < 0 && p.end < s.Length; p.end += time.Second {
		p.run()
	}
	require.True(t, p.etcd.server.Full())
	require.Equal(t, 500, p.replicas.have)
	landed := p.rec.wroteBy[forPodDelete]
	p.replicas.want = 20
	p.replicas.sync()
	require.Equal(t, 50, p.replicas.have, "the 50 that are bound stay")
	require.Positive(t, p.replicas.retries)
	p.end += 30 * time.Second
	p.run()
	require.Greater(t, p.rec.wroteBy[forPodDelete], landed+300, "a delete puts nothing")
}
