package cascade

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/kube"
)

// Axis gives the values at which a map looks at a parameter.
type Axis struct {
	Parameter Parameter
	Values    []float64 // ascending
}

// Linear returns an axis of n values from one end to the other, evenly apart.
func Linear(p Parameter, from, to float64, n int) Axis {
	a := Axis{Parameter: p, Values: make([]float64, n)}
	for i := range a.Values {
		a.Values[i] = from + (to-from)*float64(i)/float64(max(1, n-1))
	}
	return a
}

// Geometric returns an axis of n values from one end to the other, each the same multiple of the
// one before.
func Geometric(p Parameter, from, to float64, n int) Axis {
	a := Axis{Parameter: p, Values: make([]float64, n)}
	for i := range a.Values {
		a.Values[i] = from * math.Pow(to/from, float64(i)/float64(max(1, n-1)))
	}
	return a
}

// PhaseMap holds a cluster's state over two parameters. Print it to see it.
type PhaseMap struct {
	X, Y  Axis
	Cells [][]Cell // Cells[j][i] is at X.Values[i] and Y.Values[j]
	Spell Spell    // with its defaults
}

// Cell is one point of a [PhaseMap].
type Cell struct {
	X, Y  float64
	State story.State   // of the scenario as it is
	Down  time.Duration // of the scenario as it is
	Peak  int           // nodes NotReady

	// Trap reports hysteresis. The scenario as it is keeps renewing its leases, but for moments
	// that make no more than [story.Outlast] in all. After a worse spell that is over it does not,
	// for longer than that. After is the time from the spell's end until it renews them again.
	Trap  bool
	After time.Duration
}

// Spell is the worse disk that a map's second look begins with, to find hysteresis. Every fsync
// takes Delay longer for the time For, from a minute into the scenario's longest delay on. Then it
// takes as long as that delay again.
type Spell struct {
	Delay time.Duration // zero: 8 s
	For   time.Duration // zero: 2 min
}

// Tipping returns the scenario of the tipping-point maps: a cluster at rest whose etcd disk is
// slow from the second minute to the ninth of twelve.
func Tipping() Scenario {
	return Scenario{
		Name: "tipping", Seed: 1, Length: 12 * time.Minute, Grid: 5 * time.Second, OtherPods: 20, Observe: true,
		Version: kube.V1_29, Etcd: scenario.Etcd{Version: etcdmodel.V3_5},
		Actions: []scenario.Action{
			{At: 30 * time.Second, Do: scenario.Scale, N: 500},
			{At: 2 * time.Minute, Do: scenario.Delay, For: 2 * time.Second},
			{At: 9 * time.Minute, Do: scenario.Delay},
		},
	}
}

// Map runs the scenario at every pair of values of the two axes, and once more with a worse spell
// first. Cells do not depend on each other or on the number of cores.
func Map(ctx context.Context, s Scenario, x, y Axis) (PhaseMap, error) {
	return Mapper{}.Map(ctx, s, x, y)
}

// Mapper maps with settings of its own. Its zero value does what [Map] does.
type Mapper struct {
	Spell   Spell
	Workers int // zero: all cores
}

// Map is like the function of that name.
func (m Mapper) Map(ctx context.Context, s Scenario, x, y Axis) (PhaseMap, error) {
	m.Spell.Delay, m.Spell.For = cmp.Or(m.Spell.Delay, 8*time.Second), cmp.Or(m.Spell.For, 2*time.Minute)
	r := PhaseMap{X: x, Y: y, Spell: m.Spell}
	for _, a := range []Axis{x, y} {
		if len(a.Values) == 0 || !slices.IsSorted(a.Values) {
			return r, bad("Axis.Values of "+string(a.Parameter), a.Values, "at least one, ascending")
		}
	}
	scenarios := make([]Scenario, 0, len(x.Values)*len(y.Values))
	for _, yv := range y.Values {
		row := make([]Cell, 0, len(x.Values))
		for _, xv := range x.Values {
			c, err := x.Parameter.Apply(s, xv)
			if err == nil {
				c, err = y.Parameter.Apply(c, yv)
			}
			if err != nil {
				return r, err
			}
			scenarios = append(scenarios, c)
			row = append(row, Cell{X: xv, Y: yv})
		}
		r.Cells = append(r.Cells, row)
	}
	return r, each(ctx, m.Workers, len(scenarios), func(k int) error {
		return m.cell(ctx, scenarios[k], &r.Cells[k/len(x.Values)][k%len(x.Values)])
	})
}

// cell judges the scenario as it is and, if it was not down for long, after a spell.
func (m Mapper) cell(ctx context.Context, s Scenario, c *Cell) error {
	v, t, err := Judge(ctx, s)
	if err != nil {
		return err
	}
	c.State, c.Down, c.Peak = v.State, v.Down, t.PeakNotReady
	worse, begun := m.Spell.before(s)
	if !begun || v.Down > story.Outlast {
		return nil
	}
	if v, _, err = Judge(ctx, worse); err != nil {
		return err
	}
	c.After = v.Recovered
	c.Trap = v.Recovered > story.Outlast
	return nil
}

// before returns the scenario with the spell put into its longest delay. It reports false if there
// is no delay that is less than the spell's, or none that goes on for long enough after it.
func (p Spell) before(s Scenario) (Scenario, bool) {
	i := s.LongestDelay()
	if i < 0 || s.Actions[i].For >= p.Delay {
		return s, false
	}
	at := s.Actions[i].At + time.Minute
	end := at + p.For
	for _, a := range s.Actions {
		if a.Do == scenario.Delay && a.At > s.Actions[i].At && a.At <= end+2*story.Outlast {
			return s, false // the slow stretch is too short to look at what follows the spell
		}
	}
	mild := s.Actions[i].For
	s.Actions = append(slices.Clone(s.Actions),
		scenario.Action{At: at, Do: scenario.Delay, For: p.Delay},
		scenario.Action{At: end, Do: scenario.Delay, For: mild})
	slices.SortStableFunc(s.Actions, func(a, b scenario.Action) int { return int(a.At - b.At) })
	return s, true
}

// Letter returns the cell's state as one character: "." healthy, "d" degraded, "M" metastable, "T"
// a trap.
func (c Cell) Letter() byte {
	switch {
	case c.Trap:
		return 'T'
	case c.State == story.Metastable:
		return 'M'
	case c.State == story.Degraded:
		return 'd'
	}
	return '.'
}

// String draws the map: x to the right, y upwards.
func (m PhaseMap) String() string {
	out := fmt.Sprintf("%s (up) over %s (right): . healthy, d degraded, M metastable, T trapped after a spell of %v\n",
		m.Y.Parameter, m.X.Parameter, m.Spell.Delay)
	for j := len(m.Cells) - 1; j >= 0; j-- {
		line := fmt.Sprintf("%8.3g ", m.Y.Values[j])
		for _, c := range m.Cells[j] {
			line += string(c.Letter())
		}
		out += line + "\n"
	}
	first, last := m.X.Values[0], m.X.Values[len(m.X.Values)-1]
	return out + fmt.Sprintf("%8s %.3g to %.3g\n", "", first, last)
}
