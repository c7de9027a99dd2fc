package sim

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
)

// The verdict on runtimes that hang counts from when they hang, and from when they go on.
func TestVerdictOnRuntimesThatHang(t *testing.T) {
	v := run(t, replayed(1, 600, scenario.Action{At: sec(60), Do: scenario.Stall, N: 10, For: 5 * time.Minute})).Verdict
	require.Equal(t, story.Degraded, v.State)
	require.InDelta(t, plegPatience.Seconds(), v.Degraded.Seconds(), 15)
	require.Positive(t, v.Recovered)
	require.LessOrEqual(t, v.Recovered, story.Outlast)
}

// An operator clears the Events that have not expired.
func TestClearFindsTheLiveEvents(t *testing.T) {
	r := run(t, scenario.Scenario{
		Length: 3 * time.Hour, Actions: []scenario.Action{scale(30, 500), {At: 170 * time.Minute, Do: scenario.Clear}},
	})
	cleared := r.Timeline[len(r.Timeline)-1]
	require.Equal(t, story.EventsCleared, cleared.Kind)
	n, err := strconv.Atoi(cleared.Who)
	require.NoError(t, err)
	require.Positive(t, n)
	require.Less(t, n, r.Totals.Events/2, "of almost three hours those of one")
}
