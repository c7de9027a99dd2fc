package cascade

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/redline-go/redline/internal/stream"
)

// Range gives the values between which a sensitivity analysis moves a parameter.
type Range struct {
	Parameter Parameter
	Low, High float64
}

// Sensitivity says what a parameter does to the time that the cluster is down, by Morris'
// elementary effects. An effect is the change of that time as one parameter moves by two thirds of
// its range, scaled to the whole range.
type Sensitivity struct {
	Parameter Parameter
	Mean      time.Duration // of the effects' sizes (mu*): how much it matters
	Spread    time.Duration // standard deviation of the effects (sigma): how much that depends on the others
}

// Sensitivities ranks parameters by Morris' method (Technometrics 33, 1991; mu* after Campolongo
// et al., 2007) on four levels, the most important first. Each trajectory, 2 to 100,000 of them,
// is a random walk through the ranges that moves every parameter once. It costs len(ranges)+1
// runs. The scenario's seed decides the walks.
func Sensitivities(ctx context.Context, s Scenario, trajectories int, ranges ...Range) ([]Sensitivity, error) {
	if trajectories < 2 || trajectories > 100_000 {
		return nil, bad("trajectories", trajectories, "2 to 100000")
	}
	for _, r := range ranges {
		if !(r.Low < r.High) {
			return nil, bad("Range of "+string(r.Parameter), r.Low, "below its High")
		}
	}
	k := len(ranges)
	walks := make([]walk, trajectories)
	draws := stream.New(s.Seed, "morris")
	for i := range walks {
		walks[i] = newWalk(&draws, k)
	}
	down := make([]float64, trajectories*(k+1))
	err := each(ctx, 0, len(down), func(j int) error {
		c := s.WithDefaults()
		for q, level := range walks[j/(k+1)].at(j % (k + 1)) {
			var err error
			if c, err = ranges[q].Parameter.Apply(c, ranges[q].Low+level*(ranges[q].High-ranges[q].Low)); err != nil {
				return err
			}
		}
		v, _, err := Judge(ctx, c)
		down[j] = v.Down.Seconds()
		return err
	})
	if err != nil {
		return nil, err
	}
	return effects(walks, down, ranges), nil
}

// walk is a trajectory: a starting point on the levels 0, 1/3, 2/3, 1 and the order in which the
// parameters move.
type walk struct {
	start []float64
	order []int
}

// leap is the part of its range by which a parameter moves: two thirds, with which four levels are
// equally likely.
const leap = 2.0 / 3

func newWalk(draws *stream.Source, k int) walk {
	w := walk{start: make([]float64, k), order: make([]int, k)}
	for q := range k {
		w.start[q] = float64(draws.Below(4)) / 3
		j := draws.Below(q + 1)
		w.order[q] = w.order[j]
		w.order[j] = q
	}
	return w
}

// moved returns the level that a parameter moves to from this one.
func moved(level float64) float64 {
	if level+leap <= 1+1e-9 {
		return min(1, level+leap)
	}
	return max(0, level-leap)
}

// at returns the point after so many moves.
func (w walk) at(moves int) []float64 {
	x := slices.Clone(w.start)
	for _, q := range w.order[:moves] {
		x[q] = moved(x[q])
	}
	return x
}

// effects returns what each parameter does, the most important first.
func effects(walks []walk, down []float64, ranges []Range) []Sensitivity {
	k, n := len(ranges), float64(len(walks))
	sum, size, square := make([]float64, k), make([]float64, k), make([]float64, k)
	for i, w := range walks {
		for m, q := range w.order {
			e := (down[i*(k+1)+m+1] - down[i*(k+1)+m]) / (moved(w.start[q]) - w.start[q])
			sum[q] += e
			size[q] += math.Abs(e)
			square[q] += e * e
		}
	}
	out := make([]Sensitivity, k)
	for q, r := range ranges {
		variance := (square[q] - sum[q]*sum[q]/n) / (n - 1)
		out[q] = Sensitivity{
			Parameter: r.Parameter, Mean: seconds(size[q] / n), Spread: seconds(math.Sqrt(max(0, variance))),
		}
	}
	slices.SortStableFunc(out, func(a, b Sensitivity) int { return cmp.Compare(b.Mean, a.Mean) })
	return out
}
