package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/redline-go/redline/cascade"
	"github.com/redline-go/redline/cascade/incident8829"
	"github.com/redline-go/redline/cascade/report"
)

// pageOf returns what was found in words and tables.
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
		fmt.Sprintf("%d writes landed, %d of %d proposals changed nothing, %d lease renewals failed, leaders were lost "+
			"%d times, API servers killed %d times, at most %d nodes were NotReady and %d pods pending.",
			t.Writes, t.Wasted, t.Proposals, t.LeasesFailed, t.LeaderLosses, t.ServerKills, t.PeakNotReady, t.PeakPending))
	p.Tables = append(p.Tables, counterfactuals(c))
	return p
}

// withReport returns the page with what the incident report claims before its tables.
func withReport(p report.Page, r *cascade.Result) report.Page {
	p.Tables = append([]report.Table{claims(r), free()}, p.Tables...)
	return p
}

// claims returns the table of the report's claims.
func claims(r *cascade.Result) report.Table {
	t := report.Table{Title: "The report's claims", Header: []string{"claim", "here", "finding", "why"}}
	for _, o := range incident8829.Claims(r) {
		t.Rows = append(t.Rows, []string{o.Claim, o.Here, string(o.Verdict), o.Why})
	}
	return t
}

// free returns the table of the choices that the scenario makes.
func free() report.Table {
	t := report.Table{
		Title:  "What the report does not say and the scenario had to choose",
		Header: []string{"parameter", "chosen", "pinned down by the report"},
	}
	for _, f := range incident8829.FreeParameters() {
		t.Rows = append(t.Rows, []string{f.Field, f.Value, f.Pinned})
	}
	return t
}

// counterfactuals returns the table of changes. It has a column for the report's action items if
// any change stands for one.
func counterfactuals(c cascade.Comparison) report.Table {
	items := slices.ContainsFunc(c.Rows, func(r cascade.Row) bool { return r.Change.Item != "" })
	line := func(name, item string, rest ...string) []string {
		if items {
			return append([]string{name, item}, rest...)
		}
		return append([]string{name}, rest...)
	}
	t := report.Table{
		Title:  fmt.Sprintf("What each change would have done to the outage (mean of %d seeds, 95 %% confidence)", c.Seeds),
		Header: line("change", "the report's action item", "outage", "effect", "pending pods", "nodes NotReady"),
		Rows: [][]string{line("none", "", round(c.Baseline.Outage), "",
			fmt.Sprintf("%.0f", c.Baseline.PeakPending), fmt.Sprintf("%.1f", c.Baseline.PeakNotReady))},
	}
	rows := c.Rows
	if c.BestPair.Change.Name != "" {
		rows = append(rows[:len(rows):len(rows)], c.BestPair)
	}
	for _, r := range rows {
		effect := r.String()
		if r.Same {
			effect += " (every run is identical)"
		}
		t.Rows = append(t.Rows, line(r.Change.Name, r.Change.Item, round(r.Outcome.Outage), effect,
			fmt.Sprintf("%.0f", r.Outcome.PeakPending), fmt.Sprintf("%.1f", r.Outcome.PeakNotReady)))
	}
	t.Note = note(c)
	return t
}

// note says what prevents the outage, and which two changes do best.
func note(c cascade.Comparison) string {
	text := "No change of these prevents the outage, and no two together."
	var names []string
	for _, r := range c.Cheapest {
		names = append(names, r.Change.Name)
	}
	if len(names) > 0 {
		text = "The cheapest that prevents the outage: " + strings.Join(names, ", or ")
	}
	if c.BestPair.Change.Name != "" {
		text += fmt.Sprintf("\nThe best two together of those that do not prevent it alone: %s, %s.",
			c.BestPair.Change.Name, c.BestPair)
	}
	return text
}
