package cascade

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
)

func TestMapFindsTheTrap(t *testing.T) {
	delays := Axis{Parameter: scenario.ParamDelay, Values: []float64{0.25, 1.5, 4}}
	m, err := Map(context.Background(), Tipping(), delays, Linear(scenario.ParamNodes, 50, 100, 2))
	require.NoError(t, err)
	for _, row := range m.Cells {
		require.Equal(t, byte('.'), row[0].Letter())
		require.LessOrEqual(t, row[0].After, story.Outlast, "no hysteresis on a disk that is good enough")
		require.Equal(t, byte('T'), row[1].Letter(), "renews by itself, does not after a spell")
		require.Less(t, row[1].Down, story.Outlast)
		require.Equal(t, byte('d'), row[2].Letter(), "down as long as the disk is slow, and no longer")
	}
	again, err := Mapper{Workers: 1}.Map(context.Background(), Tipping(), m.X, m.Y)
	require.NoError(t, err)
	require.Equal(t, m, again, "whatever the number of cores")
	_, err = Map(context.Background(), Tipping(), Axis{Parameter: scenario.ParamDelay, Values: []float64{2, 1}}, m.Y)
	require.ErrorContains(t, err, "cascade: Axis.Values of delay is [2 1], want at least one, ascending")
}

// The reduced chain's escape times agree with runs that it was not counted on.
func TestChainEscapesAsTheSimulationDoes(t *testing.T) {
	for _, delay := range []float64{1.5, 1.75, 2} {
		s, err := scenario.ParamDelay.Apply(Tipping(), delay)
		require.NoError(t, err)
		s.Length = 20 * time.Minute
		s, err = scenario.ParamDuration.Apply(s, 900)
		require.NoError(t, err)
		c, err := Reduce(context.Background(), s, Spell{}, 40)
		require.NoError(t, err)
		escape, err := c.Escape()
		require.NoError(t, err)
		t.Log(delay, escape, c.Observed)
		require.Equal(t, 20, c.Runs)
		apart := math.Abs(math.Log(escape.Seconds() / c.Observed.Seconds()))
		require.Less(t, apart, math.Log(1.5), "%v against %v", escape, c.Observed)
	}
	_, err := Reduce(context.Background(), Scenario{}, Spell{}, 10)
	require.ErrorContains(t, err, "cascade: Reduce needs a scenario")
}

func TestSensitivitiesRankTheDisk(t *testing.T) {
	ranges := []Range{
		{Parameter: scenario.ParamPending, Low: 0, High: 900},
		{Parameter: scenario.ParamDelay, Low: 0.5, High: 4},
		{Parameter: scenario.ParamServices, Low: 10, High: 5000},
	}
	a, err := Sensitivities(context.Background(), Tipping(), 4, ranges...)
	require.NoError(t, err)
	require.Equal(t, scenario.ParamDelay, a[0].Parameter)
	require.Less(t, a[1].Mean, a[0].Mean/10, "pending pods do next to nothing")
	require.Zero(t, a[2].Mean)
	b, err := Sensitivities(context.Background(), Tipping(), 4, ranges...)
	require.NoError(t, err)
	require.Equal(t, a, b)
	_, err = Sensitivities(context.Background(), Tipping(), 1, ranges...)
	require.ErrorContains(t, err, "cascade: trajectories is 1")
}
