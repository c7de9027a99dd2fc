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

// size is a cluster to measure; none is a size that Calibrate measures.
type size struct {
	mode                string
	services, endpoints int
}

// The short form leaves out what takes long; REDLINE_LONG=1 adds it.
var (
	shortSizes = []size{
		{"legacy", 300, 2}, {"legacy", 1000, 1}, {"legacy", 1000, 10}, {"legacy", 4500, 1}, {"legacy", 4500, 2}, {"legacy", 10000, 1},
		{"nft", 300, 2}, {"nft", 1000, 2}, {"nft", 2000, 1}, {"nft", 3000, 1},
		{"nftables", 300, 2}, {"nftables", 1000, 1}, {"nftables", 1000, 10}, {"nftables", 2000, 2}, {"nftables", 4500, 1}, {"nftables", 10000, 1},
	}
	longSizes = []size{
		{"legacy", 4500, 10}, {"legacy", 10000, 2}, {"nft", 4500, 1}, {"nft", 1000, 10}, {"nft", 10000, 1},
		{"nftables", 4500, 2}, {"nftables", 4500, 10}, {"nftables", 10000, 2},
	}
)

// comparison is a measured sync beside the predicted one.
type comparison struct {
	measured
	predicted proxymodel.Sync
}

func (c comparison) error() float64     { return c.predicted.CPU().Seconds()/c.cpu() - 1 }
func (c comparison) wallError() float64 { return c.predicted.Duration().Seconds()/c.Wall - 1 }

// The budget is a median error of 15 % and a worst of 40 %. CPU time
// is what is compared: it hardly depends on what else the machine does. It
// still varies by caches shared with others, by a fifth from run to run, so
// that a run on a machine nobody keeps quiet gets that much on top.
const (
	medianBudget = 0.15
	worstBudget  = 0.40
	noise        = 0.20
	// Partial syncs of the nftables mode miss the budget where most services
	// have one endpoint: 1,000 to 10,000 of them came out 50 to 120 % too
	// dear. docs/proxymodel-cost.md says so; this is where it must not get worse.
	knownMiss = 2.00
)

// For each mode calibrate this machine, predict sizes it was not calibrated on,
// then run the real proxiers at those sizes.
func TestSyncCost(t *testing.T) {
	needs(t, "legacy", "nft", "nftables")
	sizes := shortSizes
	if os.Getenv("REDLINE_LONG") != "" {
		sizes = append(slices.Clone(sizes), longSizes...)
	}
	// A neighbour that wakes up during a calibration or a sync spoils the run:
	// then the whole of it is done again, at most twice. All of them are printed.
	var all, missed errorSummary
	for range 3 {
		if all, missed = compareAll(t, sizes); all.median <= medianBudget+noise/2 && all.worst <= worstBudget+noise && missed.worst <= knownMiss {
			return
		}
	}
	assert.LessOrEqual(t, all.median, medianBudget+noise/2, "median error of CPU time in the last of three runs, with allowance for noise")
	assert.LessOrEqual(t, all.worst, worstBudget+noise, "worst error of CPU time in the last of three runs, with allowance for noise")
	assert.LessOrEqual(t, missed.worst, knownMiss, "worst error of the nftables mode's partial syncs")
}

// compareAll calibrates for each mode, measures and prints its sizes, and says
// how far off the predicted CPU time was: the median of all with the worst of
// all but the nftables mode's partial syncs, and that of those.
func compareAll(t *testing.T, sizes []size) (all, partialNFTables errorSummary) {
	var rows, kept, missed []comparison
	for _, mode := range []string{"legacy", "nft", "nftables"} {
		machine := calibrate(t)
		for _, s := range sizes {
			if s.mode != mode {
				continue
			}
			for _, m := range medians(measureSyncs(t, s.mode, s.services, s.endpoints, 3)) {
				c := comparison{m, predict(t, machine, m)}
				rows = append(rows, c)
				if s.mode == "nftables" && m.Phase == "partial" {
					missed = append(missed, c)
				} else {
					kept = append(kept, c)
				}
			}
		}
	}
	table(t, rows)
	cpu, wall := summary(rows, comparison.error), summary(rows, comparison.wallError)
	partialNFTables = summary(missed, comparison.error)
	fmt.Printf("%d syncs of %d sizes: CPU time: %v; wall time: %v; the nftables mode's partial syncs: %v\n", len(rows), len(sizes), cpu, wall, partialNFTables)
	return errorSummary{cpu.median, summary(kept, comparison.error).worst}, partialNFTables
}

// calibrate measures this machine as the syncs are measured, in a process of
// high priority.
func calibrate(t *testing.T) proxymodel.Machine {
	t.Helper()
	cmd := childCommand(t.Context(), "calibrate")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	var c calibrated
	require.NoError(t, json.Unmarshal(out, &c))
	fmt.Printf("calibrated in %.1f s; %s\n", c.Took, strings.Join(c.Warnings, "; "))
	assert.LessOrEqual(t, c.Took, 12.0, "seconds of calibration, two of them for a busy machine")
	return c.Machine
}

// errorSummary is of relative errors, either way.
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

// predict asks for the sync that was measured. A partial sync has as many
// changed services as the churn brings in a period of it.
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
	shape := proxymodel.Uniform(m.Services, m.Endpoints)
	p, err := proxymodel.Predict(mode, proxymodel.V1_37, machine, shape, proxymodel.Churn{})
	require.NoError(t, err)
	switch m.Phase {
	case "first":
		return p.First
	case "full":
		return p.Full
	}
	s, err := proxymodel.PartialSync(mode, proxymodel.V1_37, machine, shape, m.Changed)
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

// table prints what docs/proxymodel.md shows.
func table(t *testing.T, rows []comparison) {
	t.Helper()
	fmt.Println("| mode | services x endpoints | sync | changed | CPU s measured | predicted | error | of it kube-proxy | predicted | wall s measured | predicted | error |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, r := range rows {
		fmt.Printf("| %s | %dx%d | %s | %d | %.4f | %.4f | %+.0f %% | %.4f | %.4f | %.4f | %.4f | %+.0f %% |\n",
			r.Mode, r.Services, r.Endpoints, r.Phase, r.Changed, r.cpu(), r.predicted.CPU().Seconds(), 100*r.error(),
			r.Self, (r.predicted.User + r.predicted.Background).Seconds(), r.Wall, r.predicted.Duration().Seconds(), 100*r.wallError())
	}
}
