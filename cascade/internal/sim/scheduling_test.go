package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/incident8829"
	"github.com/redline-go/redline/cascade/scenario"
)

// Pods beyond one a node are on nodes, too: a scale down finds and deletes them.
func TestManyPodsOnFewNodes(t *testing.T) {
	s := scenario.Scenario{
		Length: 10 * time.Minute, Nodes: 10, Workload: scenario.Workload{Replicas: new(10), Room: 100},
		Actions: []scenario.Action{scale(30, 50), scale(200, 5)},
	}.WithDefaults()
	p, err := newCluster(&s, true)
	require.NoError(t, err)
	p.end = sec(150)
	p.run()
	require.Equal(t, 50, p.pods.running)
	require.Equal(t, 50, p.endpoints.ready())
	require.Equal(t, 50, p.endpoints.writers[0].posted)
	for i := range p.nodes {
		require.EqualValues(t, 5, p.nodes[i].serving)
	}
	p.end = sec(400)
	p.run()
	require.Equal(t, 5, p.replicas.have)
	require.Equal(t, 5, p.pods.running)
	require.Equal(t, 5, p.endpoints.writers[0].posted)
}

// Nothing is bound while every node is NotReady, and all of it when they are back.
func TestNothingIsBoundWithoutAReadyNode(t *testing.T) {
	s := replayed(1, 900,
		scenario.Action{At: sec(60), Do: scenario.Silence}, scale(300, 60), scenario.Action{At: sec(400), Do: scenario.Awake})
	s.Nodes, s.Workload = 5, scenario.Workload{Room: 100}
	r := run(t, s)
	require.Equal(t, 5, r.Totals.PeakNotReady)
	require.EqualValues(t, 10, r.Values("pods pending")[380])
	require.Zero(t, r.Values("pods pending")[890])
	require.EqualValues(t, 60, r.Values("endpoints ready")[890])
}

// A quota at what fits leaves nothing pending. It does not prevent the outage, which the disk
// causes alone. A quota that admits nothing is not the same as none.
func TestAQuotaAtWhatFits(t *testing.T) {
	var with, without time.Duration
	for seed := uint64(1); seed <= 5; seed++ {
		s := fault(seed, 4)
		without += run(t, s).Verdict.Down
		s.Workload.Quota = new(50)
		r := run(t, s)
		require.Zero(t, r.Totals.PeakPending)
		require.Zero(t, r.Totals.PodsCreated)
		require.Positive(t, r.Totals.PodsRefused)
		with += r.Verdict.Down
	}
	require.InEpsilon(t, without, with, 0.1, "and does not prevent the outage")
	s := scenario.Scenario{
		Workload: scenario.Workload{Replicas: new(0), Room: 50, Quota: new(0)}, Actions: []scenario.Action{scale(30, 100)},
	}
	require.Zero(t, run(t, s).Totals.PodsCreated)
	require.Zero(t, run(t, incident8829.ActionItems()[1].Apply(s)).Totals.PodsCreated, "twice none is none")
	s.Workload.Quota = new(-1)
	require.ErrorContains(t, s.Check(), "cascade: Workload.Quota is -1, want 0 to")
}

// Nodes that go NotReady change what the scheduler says, and a bound pod deleted every few seconds
// wakes the pods that wait. Their patches and Events come at the pace of two clients of 50 QPS,
// about 100 writes/s, and never at 450/s.
func TestMessageChurnHasACeiling(t *testing.T) {
	for _, version := range scenario.Modelled() {
		s := scenario.Scenario{Version: version, Length: 10 * time.Minute, OtherPods: 20, Actions: []scenario.Action{
			scale(10, 500), {At: sec(60), Do: scenario.Churn, For: sec(4)}, {At: sec(90), Do: scenario.Silence},
		}}.WithDefaults()
		p, err := newCluster(&s, false)
		require.NoError(t, err)
		most, sustained := 0.0, 0.0
		var before [2]int
		for x := 10.0; x <= 300; x += 10 {
			p.end = sec(x)
			p.run()
			rate := float64(p.rec.messages+p.rec.events-before[0]-before[1]) / 10
			before = [2]int{p.rec.messages, p.rec.events}
			t.Logf("%v at %3.0f s: %5.1f writes/s, %d NotReady", version, x, rate, p.life.notReady)
			most = max(most, rate)
			if x > 160 && x <= 220 {
				sustained += rate / 6
			}
		}
		require.LessOrEqual(t, most, 120.0, "two buckets of 100 that refill at 50/s, in ten seconds")
		require.InEpsilon(t, 94, sustained, 0.25, "measured: 94/s")
	}
}
