// Package story holds what came of a scenario: events with their causes, series over time, a
// verdict and totals.
//
//	result, err := cascade.Run(ctx, s)
//	for _, event := range result.Timeline {
//		fmt.Println(event) // each with its cause
//	}
//	fmt.Println(result.Verdict.State) // healthy, degraded or metastable
package story

import (
	"time"

	"github.com/redline-go/redline/cascade/scenario"
)

// Result is the outcome of one run.
type Result struct {
	Scenario scenario.Scenario // with its defaults
	Timeline []Event
	Grid     time.Duration
	Series   []Series
	Verdict  Verdict
	Totals   Totals
	Warnings []error // of kube-proxy's costs: beyond what was measured, or unknown
}

// Series is one quantity on the grid. Values[i] is at i x Result.Grid. Rates, users' failing
// requests and dead endpoints are over the interval that ends there.
type Series struct {
	Name, Unit string
	Values     []float64
}

// Values returns the series of that name, nil if there is none.
func (r *Result) Values(name string) []float64 {
	for i := range r.Series {
		if r.Series[i].Name == name {
			return r.Series[i].Values
		}
	}
	return nil
}
