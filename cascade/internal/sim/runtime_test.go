package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/incident8829"
	"github.com/redline-go/redline/cascade/scenario"
)

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
	stalled := incident8829.Scenario()
	stalled.Actions = []scenario.Action{{At: sec(60), Do: scenario.Stall, N: 10, For: 5 * time.Minute}}
	require.Equal(t, 10, run(t, stalled).Totals.PLEGFails)
	require.Zero(t, run(t, incident8829.Scenario()).Totals.PLEGFails)
	err := scenario.Scenario{Actions: []scenario.Action{{Do: scenario.Stall, For: 4 * time.Minute}}}.Check()
	require.ErrorContains(t, err, "cascade: Actions[0].N is 0, want 1 to 100, the nodes")
}
