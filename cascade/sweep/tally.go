package sweep

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/redline-go/redline/cascade"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/internal/histogram"
)

// Deciles is the number of equal parts into which [Tally].Along cuts each range.
const Deciles = 10

// States lists the verdicts in the order of [Counts].
var States = [...]story.State{story.Healthy, story.Degraded, story.Metastable}

// Counts holds how many runs ended in each of [States].
type Counts [len(States)]int

// Tally holds what some or all runs of a plan came to.
type Tally struct {
	Plan   string   `json:"plan"`   // fingerprint of the plan
	Shards int      `json:"shards"` // in how many the plan was cut; 1 once all are merged
	Done   []int    `json:"done"`   // which of them are in here, sorted
	Runs   int      `json:"runs"`
	States Counts   `json:"states"`
	Along  []Along  `json:"along,omitempty"` // one for each range
	Of     []Amount `json:"of"`
}

// Along tells how the verdicts lie along one range.
type Along struct {
	Range   Range           `json:"range"`
	Deciles [Deciles]Counts `json:"deciles"`
}

// bins has sixteen bins to a doubling.
const bins = histogram.Scale(4)

// Amount is the distribution of one measured quantity, in whole units. Its sum and extremes are
// exact, its quantiles within 1/16.
type Amount struct {
	Name string      `json:"name"`
	Unit string      `json:"unit"`
	Sum  int64       `json:"sum"`
	Min  int64       `json:"min"`
	Max  int64       `json:"max"`
	Bins map[int]int `json:"bins"` // by bin
}

// quantity is a number of a run that is tallied.
type quantity struct {
	name, unit string
	of         func(*cascade.Result) int64
}

// millis returns a time in whole milliseconds, zero where it is negative.
func millis(d time.Duration) int64 { return max(d.Milliseconds(), 0) }

// quantities has a row for each entry of [Tally].Of.
var quantities = []quantity{
	{"down", "ms", func(r *cascade.Result) int64 { return millis(r.Verdict.Down) }},
	{"to recover", "ms", func(r *cascade.Result) int64 { return millis(r.Verdict.Recovered) }},
	{"peak NotReady", "nodes", func(r *cascade.Result) int64 { return int64(r.Totals.PeakNotReady) }},
	{"peak pending", "pods", func(r *cascade.Result) int64 { return int64(r.Totals.PeakPending) }},
	{"leader losses", "", func(r *cascade.Result) int64 { return int64(r.Totals.LeaderLosses) }},
	{"apiserver kills", "", func(r *cascade.Result) int64 { return int64(r.Totals.ServerKills) }},
	{"lease PUT p50", "ms", func(r *cascade.Result) int64 { return millis(r.Totals.LeaseP50) }},
	{"etcd commit p99", "ms", func(r *cascade.Result) int64 { return millis(r.Totals.CommitP99) }},
	{"db growth", "B", func(r *cascade.Result) int64 { return int64(r.Totals.DBGrowth) }},
}

// newTally returns an empty tally of a shard.
func newTally(p Plan, shard Shard) (*Tally, error) {
	plan, err := p.fingerprint()
	if err != nil {
		return nil, err
	}
	t := &Tally{Plan: plan, Shards: shard.Count, Done: []int{shard.Index}}
	for _, r := range p.Ranges {
		t.Along = append(t.Along, Along{Range: r})
	}
	for _, q := range quantities {
		t.Of = append(t.Of, Amount{
			Name: q.name, Unit: q.unit, Min: math.MaxInt64, Max: math.MinInt64, Bins: map[int]int{},
		})
	}
	return t, nil
}

// add counts one run: its verdict along each range, and its quantities.
func (t *Tally) add(shares []float64, r *cascade.Result) {
	state := slices.Index(States[:], r.Verdict.State)
	t.Runs++
	t.States[state]++
	for i, share := range shares {
		t.Along[i].Deciles[min(int(share*Deciles), Deciles-1)][state]++
	}
	for i, q := range quantities {
		a, v := &t.Of[i], q.of(r)
		a.Sum += v
		a.Min, a.Max = min(a.Min, v), max(a.Max, v)
		a.Bins[bins.Bin(v)]++
	}
}

// include adds another tally's runs. Both must be of one plan.
func (t *Tally) include(o *Tally) {
	t.Runs += o.Runs
	addCounts(&t.States, o.States)
	for i := range t.Along {
		for d := range t.Along[i].Deciles {
			addCounts(&t.Along[i].Deciles[d], o.Along[i].Deciles[d])
		}
	}
	for i := range t.Of {
		a, b := &t.Of[i], &o.Of[i]
		a.Sum += b.Sum
		a.Min, a.Max = min(a.Min, b.Min), max(a.Max, b.Max)
		for k, n := range b.Bins {
			a.Bins[k] += n
		}
	}
}

func addCounts(to *Counts, from Counts) {
	for i, n := range from {
		to[i] += n
	}
}

// Merge puts shards of one plan together. It returns an error for tallies of different plans and
// for one shard twice. Shards that are missing are not an error: see [Tally.Missing].
func Merge(parts ...*Tally) (*Tally, error) {
	if len(parts) == 0 {
		return nil, fmt.Errorf("sweep: Merge: no tallies, want one at least")
	}
	for i, p := range parts {
		switch first := parts[0]; {
		case p == nil || p.Shards < 1 || len(p.Of) != len(quantities) || len(p.Along) != len(first.Along):
			return nil, fmt.Errorf("sweep: Merge: tally %d is not one that Run made", i)
		case p.Plan != first.Plan || p.Shards != first.Shards:
			return nil, fmt.Errorf("sweep: Merge: tally %d is of plan %s in %d shards, want %s in %d as the first",
				i, p.Plan, p.Shards, first.Plan, first.Shards)
		}
	}
	t := parts[0].clone()
	for i, p := range parts[1:] {
		for _, shard := range p.Done {
			if slices.Contains(t.Done, shard) {
				return nil, fmt.Errorf("sweep: Merge: tally %d has shard %d a second time, want each once", i+1, shard)
			}
		}
		t.Done = append(t.Done, p.Done...)
		t.include(p)
	}
	slices.Sort(t.Done)
	if len(t.Missing()) == 0 {
		t.Shards, t.Done = 1, []int{0}
	}
	return t, nil
}

// Missing returns the shards that have not been merged yet.
func (t *Tally) Missing() (shards []int) {
	for i := range t.Shards {
		if !slices.Contains(t.Done, i) {
			shards = append(shards, i)
		}
	}
	return shards
}

func (t *Tally) clone() *Tally {
	c := *t
	c.Done, c.Along, c.Of = slices.Clone(t.Done), slices.Clone(t.Along), slices.Clone(t.Of)
	for i := range c.Of {
		c.Of[i].Bins = maps.Clone(c.Of[i].Bins)
	}
	return &c
}

// Quantile returns the value that a share q of the runs do not exceed. It is at most 1/16 too low,
// and NaN if there are no runs.
func (a Amount) Quantile(q float64) float64 {
	keys := make([]int, 0, len(a.Bins))
	total := 0
	for k, n := range a.Bins {
		keys = append(keys, k)
		total += n
	}
	if total == 0 {
		return math.NaN()
	}
	slices.Sort(keys)
	rank := min(max(int(math.Ceil(q*float64(total))), 1), total)
	for _, k := range keys {
		if rank -= a.Bins[k]; rank <= 0 {
			return float64(min(max(bins.Floor(k), a.Min), a.Max))
		}
	}
	return float64(a.Max)
}
