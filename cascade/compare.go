package cascade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/redline-go/redline/cascade/scenario"
)

// Comparison holds the answer of [Compare].
type Comparison struct {
	Seeds    int
	Baseline Outcome // without any change
	Rows     []Row   // one a change, in the order given

	// Pairs has the pairs of changes that prevent the outage although neither does alone.
	Pairs []Row

	// BestPair is the pair with the shortest outage, of changes that do not prevent it alone. Its
	// change has no name if none was looked at.
	BestPair Row

	Cheapest []Row // the rows and pairs that prevent the outage at the least cost
}

// Outcome holds what came of a scenario, as means over all seeds.
type Outcome struct {
	Outage       time.Duration // [Verdict].Impaired: Down, or a leader lease or an API server lost
	Down         time.Duration // renewals failing, nodes NotReady or endpoints drained
	Recovered    time.Duration // after the trigger's end
	PeakNotReady float64       // nodes
	PeakPending  float64       // pods
	EventWrites  float64       // by the scheduler
	Prevented    float64       // share of the seeds without any outage
}

// Row compares one change with the baseline.
type Row struct {
	Change  Change
	Effect  Effect
	Outcome Outcome

	// Shorter is by how much the outage is shorter than without the change, seed by seed. Low and
	// High are the ends of its 95 % confidence interval.
	Shorter, Low, High time.Duration

	Pending float64 // how many fewer pods were pending at the most
	Same    bool    // every seed gave the very same run
}

// Effect says what a change does to the outage.
type Effect string

// The effects.
const (
	Prevented  Effect = "prevented"  // no outage with any seed
	Shortened  Effect = "shortened"  // the confidence interval is above zero
	Lengthened Effect = "lengthened" // it is below zero
	NoEffect   Effect = "no effect"  // it holds zero
)

// String returns the row's finding in words.
func (r Row) String() string {
	switch r.Effect {
	case Shortened, Lengthened:
		return fmt.Sprintf("%s by %v (%v to %v)", r.Effect, r.Shorter.Abs().Round(time.Second),
			r.Low.Round(time.Second), r.High.Round(time.Second))
	}
	return string(r.Effect)
}

// Comparer compares with settings of its own. Its zero value does what [Compare] does.
type Comparer struct {
	Seeds   int  // zero: 200
	Workers int  // zero: all cores
	Pairs   bool // also look at pairs of changes
}

// Compare runs the scenario with and without each change, and says what each would have done. All
// runs of a seed have the same chance events (common random numbers): a change shifts no other
// component's draws.
func Compare(ctx context.Context, s Scenario, changes ...Change) (Comparison, error) {
	return Comparer{}.Compare(ctx, s, changes...)
}

// sample holds one seed's run.
type sample struct {
	verdict Verdict
	totals  Totals
}

// Compare is like the function of that name.
func (c Comparer) Compare(ctx context.Context, s Scenario, changes ...Change) (Comparison, error) {
	if len(changes) == 0 {
		return Comparison{}, errors.New("cascade: Compare got no change, want at least one")
	}
	seeds := cmp.Or(c.Seeds, 200)
	if seeds < 2 || seeds > 1_000_000 {
		return Comparison{}, bad("Comparer.Seeds", seeds, "2 to 1000000")
	}
	variants := []Scenario{s}
	for _, ch := range changes {
		if ch.Apply == nil {
			return Comparison{}, bad("Change.Apply", "nil", "a function")
		}
		variants = append(variants, ch.Apply(s))
	}
	samples, err := c.sample(ctx, variants, seeds)
	if err != nil {
		return Comparison{}, err
	}
	r := Comparison{Seeds: seeds, Baseline: outcome(samples[0])}
	for i, ch := range changes {
		r.Rows = append(r.Rows, row(ch, samples[0], samples[i+1]))
	}
	if c.Pairs {
		if err := c.pairs(ctx, s, changes, samples[0], &r); err != nil {
			return Comparison{}, err
		}
	}
	r.cheapest()
	return r, nil
}

// sample runs every variant with every seed. Variants that are equal after defaults are simulated
// once and share their samples: a run is a function of its scenario.
func (c Comparer) sample(ctx context.Context, variants []Scenario, seeds int) ([][]sample, error) {
	out := make([][]sample, len(variants))
	for i := range out {
		if err := variants[i].Check(); err != nil {
			return nil, err
		}
		variants[i] = variants[i].WithDefaults()
	}
	var different []int
	for i := range variants {
		if j := slices.IndexFunc(different, func(j int) bool { return reflect.DeepEqual(variants[i], variants[j]) }); j >= 0 {
			out[i] = out[different[j]]
			continue
		}
		out[i] = make([]sample, seeds)
		different = append(different, i)
	}
	return out, each(ctx, c.Workers, len(different)*seeds, func(k int) error {
		i := different[k/seeds]
		s := variants[i]
		s.Seed += uint64(k % seeds)
		v, t, err := Judge(ctx, s)
		out[i][k%seeds] = sample{verdict: v, totals: t}
		return err
	})
}

// outcome returns the means over the runs of one variant.
func outcome(xs []sample) Outcome {
	var o Outcome
	n := float64(len(xs))
	for _, x := range xs {
		o.Outage += x.verdict.Impaired
		o.Down += x.verdict.Down
		o.Recovered += x.verdict.Recovered
		o.PeakNotReady += float64(x.totals.PeakNotReady) / n
		o.PeakPending += float64(x.totals.PeakPending) / n
		o.EventWrites += float64(x.totals.Events) / n
		if x.verdict.Impaired == 0 {
			o.Prevented += 1 / n
		}
	}
	o.Outage, o.Down, o.Recovered = o.Outage/time.Duration(n), o.Down/time.Duration(n), o.Recovered/time.Duration(n)
	return o
}

// row compares two variants seed by seed. It returns the mean of the differences, and its interval
// by Student's t.
func row(c Change, before, after []sample) Row {
	r := Row{Change: c, Outcome: outcome(after), Same: slices.EqualFunc(before, after, alike)}
	d := make([]float64, len(before))
	prevented := true
	for i := range d {
		d[i] = (before[i].verdict.Impaired - after[i].verdict.Impaired).Seconds()
		r.Pending += float64(before[i].totals.PeakPending-after[i].totals.PeakPending) / float64(len(d))
		prevented = prevented && after[i].verdict.Impaired == 0
	}
	mean, sd := stat.MeanStdDev(d, nil)
	half := distuv.StudentsT{Sigma: 1, Nu: float64(len(d) - 1)}.Quantile(0.975) * sd / math.Sqrt(float64(len(d)))
	r.Shorter, r.Low, r.High = seconds(mean), seconds(mean-half), seconds(mean+half)
	switch {
	case prevented && r.Shorter > 0:
		r.Effect = Prevented
	case r.Low > 0:
		r.Effect = Shortened
	case r.High < 0:
		r.Effect = Lengthened
	default:
		r.Effect = NoEffect
	}
	return r
}

// pairs looks at all pairs of changes of which neither prevents alone. It tries all with few
// seeds, and those that prevented with all seeds. The best pair has the shortest outage: of equals
// the cheapest, then the first.
func (c Comparer) pairs(ctx context.Context, s Scenario, changes []Change, before []sample, r *Comparison) error {
	var pairs []Change
	for i := range changes {
		for j := i + 1; j < len(changes); j++ {
			if r.Rows[i].Effect != Prevented && r.Rows[j].Effect != Prevented && !r.Rows[i].Same && !r.Rows[j].Same {
				pairs = append(pairs, scenario.Both(changes[i], changes[j]))
			}
		}
	}
	var best Row
	for round, seeds := range []int{2, len(before)} {
		var variants []Scenario
		for _, p := range pairs {
			variants = append(variants, p.Apply(s))
		}
		samples, err := c.sample(ctx, variants, seeds)
		if err != nil {
			return err
		}
		var left []Change
		r.Pairs = r.Pairs[:0]
		for i, p := range pairs {
			x := row(p, before[:seeds], samples[i])
			if round == 0 && (best.Change.Apply == nil || x.better(best)) {
				best = x
			}
			if x.Effect == Prevented {
				left, r.Pairs = append(left, p), append(r.Pairs, x)
			}
		}
		if pairs = left; len(pairs) == 0 {
			break
		}
	}
	if best.Change.Apply == nil {
		return nil
	}
	samples, err := c.sample(ctx, []Scenario{best.Change.Apply(s)}, len(before))
	if err == nil {
		r.BestPair = row(best.Change, before, samples[0])
	}
	return err
}

// better reports whether the row's outage is shorter than another's, or as short at less cost.
func (r Row) better(than Row) bool {
	if r.Outcome.Outage != than.Outcome.Outage {
		return r.Outcome.Outage < than.Outcome.Outage
	}
	return r.Change.RelativeCost() < than.Change.RelativeCost()
}

// alike reports whether two runs of the control plane are the same. It leaves out the data plane:
// what kube-proxy's syncs cost, for how long its rules are stale, and what users see.
func alike(a, b sample) bool {
	a.totals.ProxySync, a.totals.ProxySyncs = b.totals.ProxySync, b.totals.ProxySyncs
	a.totals.ProxyStaleness = b.totals.ProxyStaleness
	a.totals.WorstErrors, a.totals.ErrorSeconds = b.totals.WorstErrors, b.totals.ErrorSeconds
	return a == b
}

// cheapest fills in Cheapest from the rows and pairs.
func (r *Comparison) cheapest() {
	var all []Row
	for _, x := range append(slices.Clone(r.Rows), r.Pairs...) {
		if x.Effect == Prevented {
			all = append(all, x)
		}
	}
	slices.SortStableFunc(all, func(a, b Row) int { return cmp.Compare(a.Change.RelativeCost(), b.Change.RelativeCost()) })
	for _, x := range all {
		if x.Change.RelativeCost() == all[0].Change.RelativeCost() {
			r.Cheapest = append(r.Cheapest, x)
		}
	}
}
