package cascade

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
)

// Judge tells the same as Run, without timeline and series.
func TestJudgeIsRun(t *testing.T) {
	s := fault(3, 4)
	r := run(t, s)
	verdict, totals, err := Judge(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, r.Verdict, verdict)
	require.Equal(t, r.Totals, totals)
}

// A question that cannot be answered is an error that names the field.
func TestBadQuestions(t *testing.T) {
	ctx, s := t.Context(), Tipping()
	nothing := Change{Name: "nothing", Apply: scenario.Edit(func(*Scenario) {})}
	broken := Change{Name: "broken", Apply: scenario.Edit(func(s *Scenario) { s.Nodes = -1 })}
	delays, nodes := Linear(scenario.ParamDelay, 1, 2, 2), Linear(scenario.ParamNodes, 10, 20, 2)
	for want, ask := range map[string]func() error{
		"Compare got no change, want at least one": func() error {
			_, err := Compare(ctx, s)
			return err
		},
		"Comparer.Seeds is 1, want 2 to 1000000": func() error {
			_, err := Comparer{Seeds: 1}.Compare(ctx, s, nothing)
			return err
		},
		"Change.Apply is nil, want a function": func() error {
			_, err := Compare(ctx, s, Change{Name: "none"})
			return err
		},
		"Scenario.Nodes is -1, want 1 to 100000": func() error {
			_, err := Compare(ctx, s, broken)
			return err
		},
		`Parameter is "nods", want one of delay`: func() error {
			_, err := Map(ctx, s, delays, Axis{Parameter: "nods", Values: []float64{1}})
			return err
		},
		"Parameter delay: the scenario has no action that delays the disk": func() error {
			_, err := Map(ctx, Scenario{}, delays, nodes)
			return err
		},
		"seeds is 3, want 4 to 100000": func() error {
			_, err := Reduce(ctx, s, Spell{}, 3)
			return err
		},
		"Range of delay is 2, want below its High": func() error {
			_, err := Sensitivities(ctx, s, 4, Range{Parameter: scenario.ParamDelay, Low: 2, High: 2})
			return err
		},
		"Parameter nodes is -": func() error {
			_, err := Sensitivities(ctx, s, 4, Range{Parameter: scenario.ParamNodes, Low: -5, High: -4})
			return err
		},
	} {
		require.ErrorContains(t, ask(), "cascade: "+want)
	}
}

// A cancelled context ends every question.
func TestContextEndsQuestions(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := Tipping()
	nothing := Change{Name: "nothing", Apply: func(s Scenario) Scenario { return s }}
	_, err := Compare(ctx, s, nothing)
	require.ErrorIs(t, err, context.Canceled)
	_, err = Map(ctx, s, Linear(scenario.ParamDelay, 1, 2, 2), Linear(scenario.ParamNodes, 10, 20, 2))
	require.ErrorIs(t, err, context.Canceled)
	_, err = Reduce(ctx, s, Spell{}, 4)
	require.ErrorIs(t, err, context.Canceled)
	_, _, err = Judge(ctx, s)
	require.ErrorIs(t, err, context.Canceled)
}

// Of several that fail, the first is reported, on any number of cores.
func TestTheFirstErrorIsReported(t *testing.T) {
	failures := map[int]error{3: errors.New("three"), 7: errors.New("seven")}
	for _, workers := range []int{0, 1, 4} {
		done := make([]bool, 10)
		err := each(t.Context(), workers, len(done), func(k int) error {
			done[k] = true
			return failures[k]
		})
		require.EqualError(t, err, "three")
		require.NotContains(t, done, false)
	}
}

// A change that changes nothing gives the very same runs. A change for the worse says so.
func TestEffects(t *testing.T) {
	s := fault(1, 1)
	c, err := Comparer{Seeds: 6}.Compare(t.Context(), s,
		Change{Name: "nothing", Apply: func(s Scenario) Scenario { return s }},
		Change{Name: "a slower disk", Apply: scenario.Edit(func(s *Scenario) { s.Actions[1].For = sec(4) })},
		Change{Name: "the disk of old", Cost: 3, Apply: scenario.Edit(func(s *Scenario) { s.Actions[1].For = 0 })},
	)
	require.NoError(t, err)
	nothing, slower, fast := c.Rows[0], c.Rows[1], c.Rows[2]
	require.True(t, nothing.Same)
	require.Equal(t, "no effect", nothing.String())
	require.Equal(t, c.Baseline, nothing.Outcome)
	require.Equal(t, Lengthened, slower.Effect)
	require.Negative(t, slower.High)
	require.Regexp(t, `^lengthened by \S+ \(-\S+ to -\S+\)$`, slower.String())
	require.Equal(t, Prevented, fast.Effect)
	require.InDelta(t, 1, fast.Outcome.Prevented, 1e-9)
	require.Zero(t, fast.Outcome.Outage)
	require.Len(t, c.Cheapest, 1)
	require.Equal(t, "the disk of old", c.Cheapest[0].Change.Name)
}

func TestAxes(t *testing.T) {
	require.Equal(t, []float64{1, 2, 3}, Linear(scenario.ParamDelay, 1, 3, 3).Values)
	require.Equal(t, []float64{5}, Linear(scenario.ParamDelay, 5, 9, 1).Values)
	require.InDeltaSlice(t, []float64{1, 10, 100}, Geometric(scenario.ParamNodes, 1, 100, 3).Values, 1e-9)
}

func TestAMapIsDrawnUpwards(t *testing.T) {
	m := PhaseMap{
		X: Linear(scenario.ParamDelay, 1, 4, 4), Y: Linear(scenario.ParamNodes, 50, 100, 2),
		Spell: Spell{Delay: 8 * time.Second},
		Cells: [][]Cell{
			{{State: story.Healthy}, {State: story.Healthy, Trap: true}, {State: story.Degraded}, {State: story.Degraded}},
			{{State: story.Healthy}, {State: story.Degraded}, {State: story.Degraded}, {State: story.Metastable}},
		},
	}
	require.Equal(t, "nodes (up) over delay (right): . healthy, d degraded, M metastable, T trapped after a spell of 8s\n"+
		"     100 .ddM\n"+
		"      50 .Tdd\n"+
		"         1 to 4\n", m.String())
}
