package sim

import (
	"context"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
)

// Run lets the scenario happen. The same scenario gives the same bytes. An invalid field is an
// error that names it. A cancelled context ends the run early with the context's error.
func Run(ctx context.Context, s scenario.Scenario) (*story.Result, error) {
	c, err := simulate(ctx, &s, true)
	if err != nil {
		return nil, err
	}
	r := &story.Result{Scenario: s, Timeline: c.rec.timeline, Grid: s.Grid, Verdict: c.rec.verdict()}
	r.Totals, r.Warnings = c.rec.totals()
	for q, values := range c.rec.series {
		r.Series = append(r.Series, story.Series{Name: quantityNames[q][0], Unit: quantityNames[q][1], Values: values})
	}
	return r, nil
}

// Judge is like Run but returns the verdict and the totals alone, at less cost.
func Judge(ctx context.Context, s scenario.Scenario) (story.Verdict, story.Totals, error) {
	c, err := simulate(ctx, &s, false)
	if err != nil {
		return story.Verdict{}, story.Totals{}, err
	}
	t, _ := c.rec.totals()
	return c.rec.verdict(), t, nil
}

// simulate fills in the scenario's defaults and runs it. keep says whether to record timeline and
// series.
func simulate(ctx context.Context, s *scenario.Scenario, keep bool) (*cluster, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	*s = s.WithDefaults()
	c, err := newCluster(s, keep)
	if err != nil {
		return nil, err
	}
	return c, c.runUntil(ctx)
}
