package main

import (
	"fmt"

	"github.com/redline-go/redline/cascade"
	"github.com/redline-go/redline/cascade/report"
)

// pageOf puts what was found into words and tables.
func pageOf(r *cascade.Result, c cascade.Comparison) report.Page {
	p := report.Page{Title: "What happened: " + r.Scenario.Name}
	for _, e := range r.Timeline {
		p.Story = append(p.Story, e.String())
	}
	v, t := r.Verdict, r.Totals
	p.Summary = append(p.Summary,
		fmt.Sprintf("Verdict: %s. Degraded %s after the disk began to slow down, impaired for %s, down for %s, "+
			"recovered %s after the disk did.",
			v.State, round(v.Degraded), round(v.Impaired), round(v.Down), round(v.Recovered)),
		fmt.Sprintf("%d writes landed, %d of %d proposals changed nothing, %d lease renewals failed, "+
			"leaders were lost %d times, API servers killed %d times, at most %d nodes were NotReady and %d pods pending.",
			t.Writes, t.Wasted, t.Proposals, t.LeasesFailed, t.LeaderLosses, t.ServerKills, t.PeakNotReady, t.PeakPending))
	if len(r.Observables) > 0 {
		p.Tables = append(p.Tables, observables(r), free())
	}
	p.Tables = append(p.Tables, counterfactuals(c))
	return p
}

func observables(r *cascade.Result) report.Table {
	t := report.Table{Title: "The report's claims", Header: []string{"claim", "here", "finding", "why"}}
	for _, o := range r.Observables {
		t.Rows = append(t.Rows, []string{o.Claim, o.Here, string(o.Verdict), o.Why})
	}
	return t
}

func free() report.Table {
	t := report.Table{
		Title:  "What the report does not say and the scenario had to choose",
		Header: []string{"parameter", "chosen", "pinned down by the report"},
	}
	for _, f := range cascade.FreeParameters() {
		t.Rows = append(t.Rows, []string{f.Field, f.Value, f.Pinned})
	}
	return t
}

func counterfactuals(c cascade.Comparison) report.Table {
	t := report.Table{
		Title:  fmt.Sprintf("What each change would have done to the outage (mean of %d seeds, 95 %% confidence)", c.Seeds),
		Header: []string{"change", "the report's action item", "outage", "effect", "pending pods", "nodes NotReady"},
	}
	row := func(change, item, effect string, o cascade.Outcome) {
		t.Rows = append(t.Rows, []string{change, item, round(o.Outage), effect,
			fmt.Sprintf("%.0f", o.PeakPending), fmt.Sprintf("%.1f", o.PeakNotReady)})
	}
	row("none", "", "", c.Baseline)
	rows := c.Rows
	if c.BestPair.Change.Name != "" {
		rows = append(rows[:len(rows):len(rows)], c.BestPair)
	}
	for _, r := range rows {
		effect := r.String()
		if r.Same {
			effect += " (every run is identical)"
		}
		row(r.Change.Name, r.Change.Item, effect, r.Outcome)
	}
	t.Note = "No change of these prevents the outage, and no two together."
	for i, r := range c.Cheapest {
		if i == 0 {
			t.Note = "The cheapest that prevents the outage: "
		} else {
			t.Note += ", or "
		}
		t.Note += r.Change.Name
	}
	if c.BestPair.Change.Name != "" {
		t.Note += fmt.Sprintf("\nThe best two together of those that do not prevent it alone: %s, %s.",
			c.BestPair.Change.Name, c.BestPair)
	}
	return t
}
