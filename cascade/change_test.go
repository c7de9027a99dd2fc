package cascade

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/incident8829"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
)

// The cap on maxReplicas holds for what an HPA asks for. The scenario that is given keeps its own.
func TestHPAMaximumAtWhatFits(t *testing.T) {
	s := Scenario{
		Length: 20 * time.Minute, Workload: scenario.Workload{Room: 60, HPA: &scenario.Autoscaler{Max: 500}},
		Actions: []scenario.Action{{At: time.Minute, Do: scenario.Load, N: 1000}},
	}
	require.Positive(t, run(t, s).Totals.PeakPending)
	for _, c := range incident8829.ActionItems() {
		if c.Name != "HPA maxReplicas at what fits" {
			continue
		}
		capped := c.Apply(s)
		require.Equal(t, 60, capped.Workload.HPA.Max)
		require.Equal(t, 500, s.Workload.HPA.Max)
		r := run(t, capped)
		require.Equal(t, 10, r.Totals.Bound)
		require.LessOrEqual(t, r.Totals.PeakPending, 10, "until they are bound")
		require.Zero(t, r.Values("pods pending")[100])
		return
	}
	t.Fatal("no such change")
}

// The best pair is made of changes that do not prevent the outage alone.
func TestBestPair(t *testing.T) {
	var changes []Change
	for _, c := range incident8829.ActionItems() {
		switch c.Name {
		case "separate etcd for Leases", "leader leases of 2 min, livez after 60 failures", "LimitRange":
			changes = append(changes, c)
		}
	}
	s := fault(1, 4)
	s.Observe = false
	c, err := Comparer{Seeds: 3, Pairs: true}.Compare(t.Context(), s, changes...)
	require.NoError(t, err)
	require.Equal(t, "separate etcd for Leases + leader leases of 2 min, livez after 60 failures", c.BestPair.Change.Name)
	require.LessOrEqual(t, c.BestPair.Outcome.Outage, c.Baseline.Outage)
	c, err = Comparer{Seeds: 3}.Compare(t.Context(), s, changes...)
	require.NoError(t, err)
	require.Empty(t, c.BestPair.Change.Name)
}

func TestNVMePreventsIt(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		r := run(t, incident8829.ActionItems()[0].Apply(fault(seed, 4)))
		require.Equal(t, story.Healthy, r.Verdict.State)
		require.Zero(t, r.Totals.PeakNotReady)
	}
}
