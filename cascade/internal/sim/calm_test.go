package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
)

// While all is quiet, Leases are counted once a grid point. No node goes NotReady for that.
func TestQuietNodesStayReady(t *testing.T) {
	r := run(t, scenario.Scenario{Grid: time.Minute, Length: 20 * time.Minute, Actions: []scenario.Action{
		{At: time.Minute, Do: scenario.Delay, For: 60 * time.Millisecond}, {At: 2 * time.Minute, Do: scenario.Delay}}})
	require.Zero(t, r.Totals.PeakNotReady)
	require.Equal(t, story.Healthy, r.Verdict.State)
}

// With an etcd of their own, Leases are renewed at the speed of its healthy disk, whatever the
// cluster's disk does.
func TestSeparateLeasesAreRenewedAtOnce(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		s := fault(seed, 4)
		s.Etcd.SeparateLeases = true
		r := run(t, s)
		require.Zero(t, r.Totals.LeasesFailed)
		require.Less(t, r.Totals.LeaseP99, 100*time.Millisecond)
		require.Zero(t, r.Totals.PeakNotReady)
		require.Equal(t, never, r.Totals.FirstLeaderLoss)
		require.Positive(t, r.Totals.ServerKills, "the liveness probe asks the cluster's own etcd")
	}
}

// The scheduler is told of the latency and the errors of the etcd that each kind of write goes to.
func TestSeparateEtcdsAnswerForThemselves(t *testing.T) {
	s := fault(1, 4)
	s.Etcd.SeparateEvents, s.Etcd.SeparateLeases = true, true
	s = s.WithDefaults()
	p, err := newCluster(&s, false)
	require.NoError(t, err)
	p.end = sec(200)
	p.run()
	require.Greater(t, p.etcd.writeLatency(), time.Second, "not that of the Leases, which land all the time")
	require.Equal(t, restLatency(time.Millisecond), p.etcd.latencyOf(forPodEvent))
	require.Greater(t, p.etcd.latencyOf(forPodMessage), 4*time.Second)
	p.lastWrite = etcdTimeout
	p.sched.apiAnswers()
	require.EqualValues(t, 1, p.sched.api.PatchErrors)
	require.Zero(t, p.sched.api.EventRejects)
	s.Etcd.SeparateEvents = false
	p.sched.apiAnswers()
	require.EqualValues(t, 1, p.sched.api.EventRejects)
}
