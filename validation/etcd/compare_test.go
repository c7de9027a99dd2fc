package etcd

import (
	"fmt"
	"math"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/validation/internal/lost"
)

// A pair is one quantity, measured and predicted.
type pair struct{ measured, predicted float64 }

// err returns the relative error of the prediction.
func (p pair) err() float64 {
	if p.measured == 0 {
		return 0
	}
	return math.Abs(p.predicted-p.measured) / math.Abs(p.measured)
}

// A comparison collects the errors of quantities over a grid and the table of it.
type comparison struct {
	name   string
	head   []string
	rows   [][]string
	errors map[string][]float64
	spread map[string][]float64 // of the same cell, measured again
	others []float64            // share of the processors that others had while a cell was measured
	extra  int                  // repeats made of cells that were far from their prediction

	retried int // runs made again because the machine was elsewhere
}

func compare(name string, head ...string) *comparison {
	return &comparison{name: name, head: head, errors: map[string][]float64{}, spread: map[string][]float64{}}
}

// add notes the error of a quantity.
func (c *comparison) add(quantity string, p pair) {
	c.errors[quantity] = append(c.errors[quantity], p.err())
}

// row adds a line to the table.
func (c *comparison) row(cells ...string) { c.rows = append(c.rows, cells) }

// median returns the median of a quantity's errors.
func (c *comparison) median(quantity string) float64 { return median(c.errors[quantity]) }

// noise returns how far two measurements of the same cell are apart, in the median over the cells
// that were measured more than once. No prediction can be confirmed to less than that.
func (c *comparison) noise(quantity string) float64 { return median(c.spread[quantity]) }

// stretch returns the share by which processor time was longer than on an idle machine, in the
// median cell. The model does not know who else is on the machine.
func (c *comparison) stretch() float64 { return lost.Stretch(median(c.others)) }

// within asserts that the median error of a quantity is within its budget, given the noise of this
// very run: how far repeats of the same cell lie apart, and how much others did on the machine
// meanwhile. On an idle machine both are near zero.
func (c *comparison) within(t *testing.T, quantity string, budget float64) {
	t.Helper()
	require.NotEmpty(t, c.errors[quantity], "%s: no cell has %s", c.name, quantity)
	got, noise, stretch := c.median(quantity), c.noise(quantity), c.stretch()
	t.Logf("%s: %s: median error %.1f %%, worst %.1f %%, budget %.0f %% "+
		"(n = %d; repeats %.0f %% apart, others stretch processor time by %.0f %%)",
		c.name, quantity, 100*got, 100*worst(c.errors[quantity]), 100*budget, len(c.errors[quantity]), 100*noise, 100*stretch)
	assert.LessOrEqual(
		t, got, budget+noise+stretch, "%s: the median error of %s against its budget and the noise of the run",
		c.name, quantity,
	)
}

// counts asserts the median error of a count of bytes, or of what follows from it. The machine's
// noise is no excuse here.
func (c *comparison) counts(t *testing.T, quantity string, budget float64) {
	t.Helper()
	require.NotEmpty(t, c.errors[quantity], "%s: no cell has %s", c.name, quantity)
	got := c.median(quantity)
	t.Logf(
		"%s: %s: median error %.2f %%, worst %.1f %%, budget %.0f %% (n = %d)", c.name, quantity, 100*got,
		100*worst(c.errors[quantity]), 100*budget, len(c.errors[quantity]),
	)
	assert.LessOrEqual(t, got, budget, "%s: the median error of %s", c.name, quantity)
}

// print logs the table and, if asked, writes it into the page between its markers.
func (c *comparison) print(t *testing.T) {
	t.Helper()
	table := c.markdown()
	t.Log("\n" + table)
	if os.Getenv("REDLINE_DOCS") == "" {
		return
	}
	const page = "../RESULTS/etcdmodel.md"
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	begin, end := "<!-- "+c.name+": begin -->\n", "<!-- "+c.name+": end -->"
	before, rest, ok := strings.Cut(string(text), begin)
	if !ok {
		t.Logf("%s has no table %q", page, c.name)
		return
	}
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok, "%s has no %q", page, end)
	require.NoError(t, os.WriteFile(page, []byte(before+begin+table+end+after), 0o644))
}

func (c *comparison) markdown() string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(c.head)
	rule := make([]string, len(c.head))
	for i := range rule {
		rule[i] = "---:"
	}
	line(rule)
	for _, r := range c.rows {
		line(r)
	}
	b.WriteString("\n")
	var names []string
	for name := range c.errors {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		sep := map[bool]string{true: "Median error (worst), n: ", false: "; "}[i == 0]
		fmt.Fprintf(
			&b, "%s%s %.1f %% (%.0f %%), %d", sep, name, 100*c.median(name), 100*worst(c.errors[name]),
			len(c.errors[name]),
		)
	}
	b.WriteString(".\n")
	if len(c.others) > 0 {
		fmt.Fprintf(&b, "Others had %.0f %% of the processors in the median cell.\n", 100*median(c.others))
	}
	return b.String()
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	s := append([]float64(nil), x...)
	sort.Float64s(s)
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

func worst(x []float64) float64 {
	most := 0.0
	for _, v := range x {
		most = max(most, v)
	}
	return most
}

// versus prints a measured duration and what was predicted, in ms.
func versus(p pair) string { return fmt.Sprintf("%s / %s", figure(p.measured), figure(p.predicted)) }

// figure returns a number with three digits.
func figure(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
