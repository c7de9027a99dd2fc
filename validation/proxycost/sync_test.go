package proxycost

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/redline-go/redline/proxymodel"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// size is a cluster to measure. None is a size that Calibrate measures.
type size struct {
	mode                string
	services, endpoints int
}

// The short form leaves out sizes that take long. REDLINE_LONG=1 adds them. REDLINE_SIZE=10000x2
// leaves out all other sizes.
var (
	shortSizes = []size{
		{"legacy", 300, 2}, {"legacy", 1000, 1}, {"legacy", 1000, 10},
		{"legacy", 4500, 1}, {"legacy", 4500, 2}, {"legacy", 10000, 1},
		{"nft", 300, 2}, {"nft", 1000, 2}, {"nft", 2000, 1}, {"nft", 3000, 1},
		{"nftables", 300, 2}, {"nftables", 1000, 1}, {"nftables", 1000, 10},
		{"nftables", 2000, 2}, {"nftables", 4500, 1}, {"nftables", 10000, 1},
	}
	longSizes = []size{
		{"legacy", 4500, 10}, {"legacy", 10000, 2}, {"nft", 4500, 1}, {"nft", 1000, 10}, {"nft", 10000, 1},
		{"nftables", 4500, 2}, {"nftables", 4500, 10}, {"nftables", 7000, 2}, {"nftables", 10000, 2},
	}
)

// sizesOf returns the sizes of a mode to measure.
func sizesOf(mode string) (out []size) {
	sizes := shortSizes
	if os.Getenv("REDLINE_LONG") != "" {
		sizes = slices.Concat(shortSizes, longSizes)
	}
	only := os.Getenv("REDLINE_SIZE")
	for _, s := range sizes {
		if s.mode == mode && (only == "" || only == fmt.Sprintf("%dx%d", s.services, s.endpoints)) {
			out = append(out, s)
		}
	}
	return out
}

// repetitions returns the number of times that a round measures each sync of a size: once where it
// takes so long that it needs no others.
func (s size) repetitions() int {
	if slices.Contains(longSizes, s) {
		return 1
	}
	return 3
}

// The budget of the error of CPU time, which hardly depends on what else the machine does.
const (
	medianBudget = 0.15
	worstBudget  = 0.40
)

// rounds counts the times that a mode is calibrated and its sizes measured, in turn. A virtual
// machine's caches are shared with others, and one second's speed is not the next one's, by half.
// Both sides get the same minutes of it.
const rounds = 3

// comparison is a measured sync beside the predicted one: of each round, and the medians of both.
type comparison struct {
	measured
	predicted proxymodel.Sync
	noise     float64 // of the measured and the predicted CPU time together, from round to round
}

func (c comparison) error() float64     { return c.predicted.CPU().Seconds()/c.cpu() - 1 }
func (c comparison) wallError() float64 { return c.predicted.Duration().Seconds()/c.Wall - 1 }

// For each mode the test calibrates this machine, predicts sizes it was not calibrated on, then
// runs the real proxiers at those sizes.
func TestSyncCost(t *testing.T) {
	needs(t, "legacy", "nft", "nftables")
	for _, mode := range []string{"legacy", "nft", "nftables"} {
		t.Run(mode, func(t *testing.T) {
			if len(sizesOf(mode)) == 0 {
				t.Skip("proxycost: no such size of this mode")
			}
			rows, drift := compareMode(t, mode)
			table(t, rows)
			cpu, wall := summary(rows, comparison.error), summary(rows, comparison.wallError)
			beyond := summary(rows, func(c comparison) float64 { return max(0, math.Abs(c.error())-c.noise) })
			fmt.Printf("%s: %d syncs: CPU time: %v; beyond the noise from round to round: %v; drift %.1f %%; wall time: %v\n",
				mode, len(rows), cpu, beyond, 100*drift, wall)
			if os.Getenv("REDLINE_LONG") != "" {
				drift = 0 // the budget itself
			}
			assert.LessOrEqual(t, cpu.median, medianBudget+drift,
				"median error of CPU time, with what the machine's pace moved between calibrating and measuring")
			assert.LessOrEqual(t, beyond.worst, worstBudget,
				"worst error of CPU time, beyond the noise from round to round")
		})
	}
}

// compareMode measures and predicts a mode's sizes in rounds. The drift is half of the range, from
// round to round, of the median error with its sign. It shows the movement of the machine's pace
// between calibrating and measuring.
func compareMode(t *testing.T, mode string) (rows []comparison, drift float64) {
	found := map[string][]comparison{}
	var order []string
	var medianErrors []float64
	for range rounds {
		machine := calibrateFor(t, mode)
		var errs []float64
		for _, s := range sizesOf(mode) {
			for _, m := range medians(measureSyncs(t, s.mode, s.services, s.endpoints, s.repetitions())) {
				if m.Phase == "listing" {
					continue
				}
				key := fmt.Sprint(s, m.Phase, m.Changed)
				if found[key] == nil {
					order = append(order, key)
				}
				c := comparison{measured: m, predicted: predict(t, machine, m)}
				found[key], errs = append(found[key], c), append(errs, c.error())
			}
		}
		slices.Sort(errs)
		medianErrors = append(medianErrors, errs[len(errs)/2])
	}
	for _, key := range order {
		rows = append(rows, middle(found[key]))
	}
	return rows, (slices.Max(medianErrors) - slices.Min(medianErrors)) / 2
}

// middle joins the rounds of one sync: the median of the measured, the median of the predicted, and
// half of each one's range as noise.
func middle(of []comparison) comparison {
	slices.SortFunc(of, func(a, b comparison) int { return cmp.Compare(a.cpu(), b.cpu()) })
	out := of[len(of)/2]
	spread := (of[len(of)-1].cpu() - of[0].cpu()) / out.cpu()
	slices.SortFunc(of, func(a, b comparison) int { return cmp.Compare(a.predicted.CPU(), b.predicted.CPU()) })
	out.predicted = of[len(of)/2].predicted
	spread += (of[len(of)-1].predicted.CPU() - of[0].predicted.CPU()).Seconds() / out.predicted.CPU().Seconds()
	out.noise = spread / 2
	return out
}

// calibrateFor calibrates again where others kept the machine so busy that the ten seconds ended
// before the mode's larger tables. The rest would be the proportions of another machine. If it
// stays so, the machine is as slow as that.
func calibrateFor(t *testing.T, mode string) proxymodel.Machine {
	t.Helper()
	tool := map[string]string{"legacy": "iptables-legacy", "nft": "iptables-nft", "nftables": "nftables"}[mode]
	var c calibrated
	for range 3 {
		c = calibrate(t)
		unmeasured := func(w string) bool { return strings.HasPrefix(w, "measure: "+tool+": not measured") }
		if !slices.ContainsFunc(c.Warnings, unmeasured) {
			break
		}
	}
	return c.Machine
}

// calibrate measures this machine as the syncs are measured, in a process of high priority.
func calibrate(t *testing.T) calibrated {
	t.Helper()
	cmd := childCommand(t.Context(), "calibrate")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	var c calibrated
	require.NoError(t, json.Unmarshal(out, &c))
	fmt.Printf("calibrated in %.1f s, %.1f of them lost to others; %s\n",
		c.Took, c.Lost, strings.Join(c.Warnings, "; "))
	assert.LessOrEqual(t, c.Took, 10+c.Lost, "seconds of calibration, and those that the machine was elsewhere")
	return c
}

// errorSummary sums up relative errors, either way.
type errorSummary struct{ median, worst float64 }

func (e errorSummary) String() string {
	return fmt.Sprintf("median error %.1f %%, worst %.1f %%", 100*e.median, 100*e.worst)
}

func summary(rows []comparison, of func(comparison) float64) errorSummary {
	var errs []float64
	for _, c := range rows {
		errs = append(errs, math.Abs(of(c)))
	}
	slices.Sort(errs)
	return errorSummary{errs[len(errs)/2], errs[len(errs)-1]}
}

// predict asks for the sync that was measured. A partial sync has as many changed services as the
// churn brings in a period of it.
func predict(t *testing.T, machine proxymodel.Machine, m measured) proxymodel.Sync {
	mode := proxymodel.IPTables
	switch m.Mode {
	case "legacy":
		machine.XTables = proxymodel.Legacy
	case "nft":
		machine.XTables = proxymodel.NFT
	default:
		mode = proxymodel.NFTables
	}
	q := proxymodel.Query{
		Mode: mode, Version: proxymodel.V1_37, Machine: machine, Shape: proxymodel.Uniform(m.Services, m.Endpoints),
	}
	p, err := proxymodel.Predict(q)
	require.NoError(t, err)
	switch m.Phase {
	case "first":
		return p.First
	case "full":
		return p.Full
	}
	s, err := proxymodel.PartialSync(q, m.Changed)
	require.NoError(t, err)
	return s
}

// medians makes one row of the repetitions of each.
func medians(rows []measured) []measured {
	key := func(m measured) string { return fmt.Sprint(m.Phase, m.Changed) }
	var out []measured
	for len(rows) > 0 {
		k := key(rows[0])
		var group, rest []measured
		for _, r := range rows {
			if key(r) == k {
				group = append(group, r)
			} else {
				rest = append(rest, r)
			}
		}
		slices.SortFunc(group, func(a, b measured) int { return cmp.Compare(a.cpu(), b.cpu()) })
		out, rows = append(out, group[len(group)/2]), rest
	}
	return out
}

// table prints what RESULTS/proxymodel-cost.md shows.
func table(t *testing.T, rows []comparison) {
	t.Helper()
	fmt.Println("| mode | services x endpoints | sync | changed | CPU s measured | predicted | error " +
		"| of it kube-proxy | predicted | wall s measured | predicted | error | noise |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, r := range rows {
		fmt.Printf("| %s | %dx%d | %s | %d | %.4f | %.4f | %+.0f %% | %.4f | %.4f | %.4f | %.4f | %+.0f %% | %.0f %% |\n",
			r.Mode, r.Services, r.Endpoints, r.Phase, r.Changed, r.cpu(), r.predicted.CPU().Seconds(), 100*r.error(),
			r.Self, (r.predicted.User + r.predicted.Background).Seconds(),
			r.Wall, r.predicted.Duration().Seconds(), 100*r.wallError(), 100*r.noise)
	}
}
