package cascade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"gonum.org/v1/gonum/mat"

	"github.com/redline-go/redline/cascade/scenario"
)

// Chain reduces the trap of a slow disk to a Markov chain of three states. In each interval the
// cluster renews less than a quarter of the Leases that are due (dead), less than half
// (struggling), or more (renewing). The transition matrix is counted over runs of the simulation.
//
// [Chain.Escape] computes the time to escape in closed form. Where it agrees with Observed, the
// three states are enough to know that time.
type Chain struct {
	Step  time.Duration
	P     *mat.Dense // P.At(i, j) is the share of steps from state i that lead to state j
	Steps int        // transitions counted

	// Observed is the mean time from the spell's end until the cluster renews, over runs that were
	// not counted in P. Runs is how many of them escaped before their end.
	Observed time.Duration
	Runs     int

	start [states]float64 // shares of the runs in each state at the spell's end
}

// The states of a [Chain], in the order of its matrix.
const (
	Dead = iota
	Struggling
	Renewing
	states
)

// Reduce runs the scenario with a worse spell first (see [Map]) with so many seeds, 4 to 100,000.
// It counts the chain over the first half of the runs and observes escapes in the other half.
func Reduce(ctx context.Context, s Scenario, spell Spell, seeds int) (*Chain, error) {
	if seeds < 4 || seeds > 100_000 {
		return nil, bad("seeds", seeds, "4 to 100000")
	}
	s = s.WithDefaults()
	s.Grid = 5 * time.Second
	spell.Delay, spell.For = cmp.Or(spell.Delay, 8*time.Second), cmp.Or(spell.For, 2*time.Minute)
	worse, begun := spell.before(s)
	if !begun {
		return nil, errors.New("cascade: Reduce needs a scenario whose longest delay is less than the spell's " +
			"and lasts longer")
	}
	paths := make([][]int, seeds)
	err := each(ctx, 0, seeds, func(k int) error {
		c := worse
		c.Seed += uint64(k)
		r, err := Run(ctx, c)
		if err == nil {
			paths[k] = path(r)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return reduce(paths, 4*s.Grid)
}

// path returns the run's states from the spell's end to the disk's, one for every four grid
// points.
func path(r *Result) []int {
	_, to := r.Scenario.Trigger()
	last := mends(&r.Scenario, to)
	due := float64(r.Scenario.Nodes) / (1.02 * r.Scenario.Leases.Renew.Seconds())
	renewals := r.Values("lease renewals")
	var out []int
	for i := int(to / r.Grid); i+4 <= int(last/r.Grid); i += 4 {
		share := (renewals[i] + renewals[i+1] + renewals[i+2] + renewals[i+3]) / 4 / due
		switch {
		case share < 0.25:
			out = append(out, Dead)
		case share < 0.5:
			out = append(out, Struggling)
		default:
			out = append(out, Renewing)
		}
	}
	return out
}

// mends returns when the disk becomes faster than it is at the time given. A disk that never does
// mends with the scenario's end.
func mends(s *Scenario, from time.Duration) time.Duration {
	slow := time.Duration(0)
	for _, a := range s.Actions {
		switch {
		case a.Do != scenario.Delay:
		case a.At <= from:
			slow = a.For
		case a.For < slow:
			return a.At
		}
	}
	return s.Length
}

// reduce counts the chain over the first half of the paths, and escapes over the other.
func reduce(paths [][]int, step time.Duration) (*Chain, error) {
	c := &Chain{Step: step, P: mat.NewDense(states, states, nil)}
	half := len(paths) / 2
	for _, p := range paths[:half] {
		if len(p) > 0 {
			c.start[p[0]] += 1 / float64(half)
		}
		for i := 1; i < len(p) && p[i-1] != Renewing; i++ {
			c.P.Set(p[i-1], p[i], c.P.At(p[i-1], p[i])+1)
			c.Steps++
		}
	}
	for i := range states - 1 {
		sum := mat.Sum(c.P.RowView(i))
		for j := range states {
			if sum > 0 {
				c.P.Set(i, j, c.P.At(i, j)/sum)
			}
		}
	}
	c.P.Set(Renewing, Renewing, 1)
	total := 0
	for _, p := range paths[half:] {
		for i, state := range p {
			if state == Renewing {
				total += i
				c.Runs++
				break
			}
		}
	}
	if c.Runs > 0 {
		c.Observed = time.Duration(float64(total) / float64(c.Runs) * float64(step))
	}
	return c, nil
}

// Escape returns the mean time from the spell's end until the cluster renews: the states' shares
// at the spell's end times (I-Q)^-1 1. Q is the part of P between the states that are not
// renewing.
func (c *Chain) Escape() (time.Duration, error) {
	n := states - 1
	q := mat.NewDense(n, n, nil)
	for i := range n {
		for j := range n {
			q.Set(i, j, -c.P.At(i, j))
		}
		q.Set(i, i, q.At(i, i)+1)
	}
	ones := mat.NewVecDense(n, nil)
	for i := range n {
		ones.SetVec(i, 1)
	}
	var t mat.VecDense
	if err := t.SolveVec(q, ones); err != nil {
		return 0, fmt.Errorf("cascade: the chain never escapes: %w", err)
	}
	steps := 0.0
	for i := range n {
		steps += c.start[i] * t.AtVec(i)
	}
	return time.Duration(steps * float64(c.Step)), nil
}
