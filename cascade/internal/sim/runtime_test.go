package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/incident8829"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
)

// pleg is the finding on the report's claim, without the reason.
func pleg(r *story.Result) (found incident8829.Observable) {
	for _, o := range r.Observables {
		if o.Claim == "PLEG is not healthy" {
			found = incident8829.Observable{Claim: o.Claim, Here: o.Here, Verdict: o.Verdict}
		}
	}
	return found
}

func TestARuntimeThatHangsMakesItsNodeNotReady(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		s := replayed(seed, 600, scenario.Action{At: sec(60), Do: scenario.Stall, N: 10, For: 5 * time.Minute})
		r := run(t, s)
		require.Equal(t, 10, r.Totals.PeakNotReady)
		first := r.Totals.FirstNotReady - sec(60)
		require.GreaterOrEqual(t, first, plegPatience)
		require.LessOrEqual(t, first, plegPatience+11*time.Second, "by the next status round")
		require.Zero(t, r.Values("nodes NotReady")[380], "a relist, and the next round")
		require.Zero(t, r.Totals.LeasesFailed, "the kubelets go on renewing their Leases")
		s.Actions[0].For = 2 * time.Minute
		require.Zero(t, run(t, s).Totals.PeakNotReady, "PLEG is patient for three minutes")
	}
	stalled := incident8829.Incident8829()
	stalled.Actions = []scenario.Action{{At: sec(60), Do: scenario.Stall, N: 10, For: 5 * time.Minute}}
	require.Equal(t, incident8829.Observable{Claim: "PLEG is not healthy", Here: "10 times", Verdict: incident8829.Reproduced}, pleg(run(t, stalled)))
	require.Equal(t, incident8829.Observable{Claim: "PLEG is not healthy", Here: "0 times", Verdict: incident8829.NotHere}, pleg(run(t, incident8829.Incident8829())))
	err := scenario.Scenario{Actions: []scenario.Action{{Do: scenario.Stall, For: 4 * time.Minute}}}.Check()
	require.ErrorContains(t, err, "cascade: Actions[0].N is 0, want 1 to 100, the nodes")
}
