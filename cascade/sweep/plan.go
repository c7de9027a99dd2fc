// Package sweep answers: over all the clusters that mine might be, how often does the control plane
// stay healthy, degrade or stay down?
//
//	plan := sweep.Plan{Scenario: cascade.Incident8829(), Runs: 100_000, Ranges: []sweep.Range{
//		{Parameter: scenario.ParamDelay, High: 6},
//		{Parameter: scenario.ParamNodes, Low: 10, High: 1000, Log: true},
//	}}
//	tally, err := sweep.Run(ctx, plan, sweep.Shard{}, nil)
//	fmt.Println(tally.States) // how many runs ended in each of sweep.States
//
// Each run draws every parameter from its range, by the number of the run alone. How runs are
// shared out changes nothing. A [Tally] holds whole numbers only, so that merging is exact in any
// order. The shards of a Kubernetes Indexed Job ([Job]), merged, are the single run bit for bit.
package sweep

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/redline-go/redline/cascade"
)

// Plan says which runs to make.
type Plan struct {
	Scenario cascade.Scenario // run i has its seed + i
	Runs     int              // how many
	Seed     uint64           // of the draws from Ranges
	Ranges   []Range          // each parameter at most once; none: only the seeds differ
}

// Range gives the values between which a parameter is drawn.
type Range struct {
	Parameter cascade.Parameter
	Low, High float64
	Log       bool // uniform in the logarithm; Low must be > 0
}

// ParseRange reads name=low:high or name=low:high:log, as flags have it.
func ParseRange(text string) (Range, error) {
	name, rest, ok := strings.Cut(text, "=")
	parts := strings.Split(rest, ":")
	if !ok || len(parts) < 2 || len(parts) > 3 || len(parts) == 3 && parts[2] != "log" {
		return Range{}, fmt.Errorf("sweep: Range is %q, want name=low:high or name=low:high:log", text)
	}
	r := Range{Parameter: cascade.Parameter(name), Log: len(parts) == 3}
	var err error
	if r.Low, err = strconv.ParseFloat(parts[0], 64); err == nil {
		r.High, err = strconv.ParseFloat(parts[1], 64)
	}
	if err != nil {
		return Range{}, fmt.Errorf("sweep: Range %q: %w", text, err)
	}
	return r, nil
}

// String returns the range as [ParseRange] reads it.
func (r Range) String() string {
	low, high := strconv.FormatFloat(r.Low, 'g', -1, 64), strconv.FormatFloat(r.High, 'g', -1, 64)
	s := string(r.Parameter) + "=" + low + ":" + high
	if r.Log {
		s += ":log"
	}
	return s
}

// at returns the value a share of the way through the range.
func (r Range) at(share float64) float64 {
	if r.Log {
		return r.Low * math.Pow(r.High/r.Low, share)
	}
	return r.Low + (r.High-r.Low)*share
}

// Check returns an error that names the first invalid field. It tries the ends of each range.
func (p Plan) Check() error {
	if p.Runs < 1 {
		return fmt.Errorf("sweep: Plan.Runs is %d, want >= 1", p.Runs)
	}
	if err := p.Scenario.Check(); err != nil {
		return fmt.Errorf("sweep: Plan.Scenario: %w", err)
	}
	seen := map[cascade.Parameter]bool{}
	for _, r := range p.Ranges {
		switch {
		case seen[r.Parameter]:
			return fmt.Errorf("sweep: Plan.Ranges has parameter %s twice, want each once", r.Parameter)
		case !(r.Low <= r.High):
			return fmt.Errorf("sweep: Range %s: Low is %v, want <= High %v", r, r.Low, r.High)
		case r.Log && r.Low <= 0:
			return fmt.Errorf("sweep: Range %s: Low is %v, want > 0 with Log", r, r.Low)
		}
		seen[r.Parameter] = true
		for _, v := range []float64{r.Low, r.High} {
			if _, err := r.Parameter.Apply(p.Scenario, v); err != nil {
				return fmt.Errorf("sweep: Range %s: %w", r, err)
			}
		}
	}
	return nil
}

// Point returns the i-th run: how far into each range it lies (0 to 1), and the scenario there.
func (p Plan) Point(i int) ([]float64, cascade.Scenario, error) {
	r := rand.New(rand.NewPCG(p.Seed, uint64(i)))
	s := p.Scenario
	shares := make([]float64, len(p.Ranges))
	for k, along := range p.Ranges {
		shares[k] = r.Float64()
		var err error
		if s, err = along.Parameter.Apply(s, along.at(shares[k])); err != nil {
			return nil, s, fmt.Errorf("sweep: run %d: %w", i, err)
		}
	}
	s.Seed = p.Scenario.Seed + uint64(i)
	return shares, s, nil
}

// fingerprint returns a hash of the plan. Tallies of different plans must not be merged.
func (p Plan) fingerprint() (string, error) {
	p.Scenario = p.Scenario.WithDefaults()
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("sweep: Plan: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}
