package incident8829

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/story"
)

func TestNVMePreventsIt(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		r := run(t, ActionItems()[0].Apply(fault(seed, 4)))
		require.Equal(t, story.Healthy, r.Verdict.State)
		require.Zero(t, r.Totals.PeakNotReady)
	}
}
