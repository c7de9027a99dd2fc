package sim

import (
	"context"
	"encoding/csv"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/kube"
)

func sec(x float64) time.Duration { return time.Duration(x * 1e9) }

// replayed is the set-up of the replays on real components: 100 nodes started together, 50 pods, v1.37.2 with a grace of 40 s,
// lost leases and failed probes recorded only.
func replayed(seed uint64, length float64, actions ...scenario.Action) scenario.Scenario {
	return scenario.Scenario{Seed: seed, Length: sec(length), Grid: time.Second, Version: kube.V1_37, Etcd: scenario.Etcd{Version: etcdmodel.V3_5}, Leases: scenario.Leases{Grace: 40 * time.Second},
		Observe: true, Uptime: 25 * time.Second, Actions: actions}
}

// mean is the mean of a series over [a, b) s on a grid of 1 s.
func mean(r *story.Result, name string, a, b int) float64 {
	sum := 0.0
	for _, v := range r.Values(name)[a:b] {
		sum += v
	}
	return sum / float64(b-a)
}

func run(t testing.TB, s scenario.Scenario) *story.Result {
	t.Helper()
	r, err := Run(context.Background(), s)
	require.NoError(t, err)
	return r
}

// TestReplays runs the model beside the measurements, with the tolerances that repeats of the measurements ask for
// (docs/cascade.md), over 20 seeds, and no parameter is set per run. What repeats at one delay decide by chance (the writes at 4 s, a
// node at 2 s) is held on the mean over the seeds, the rest on every seed: the waste beside the nearest of the measured runs, and on the mean.
func TestReplays(t *testing.T) {
	file, err := os.Open("testdata/replays.csv")
	require.NoError(t, err)
	defer file.Close()
	reader := csv.NewReader(file)
	reader.Comment = '#'
	rows, err := reader.ReadAll()
	require.NoError(t, err)
	runs := map[string][][]string{}
	for _, row := range rows[1:] {
		runs[row[0]] = append(runs[row[0]], row)
	}
	for _, delay := range slices.Sorted(maps.Keys(runs)) {
		t.Run(delay, func(t *testing.T) { compare(t, number(delay), runs[delay]) })
	}
}

func number(s string) float64 {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return -1
	}
	return x
}

// compare runs the model beside the replays at one delay.
func compare(t *testing.T, delay float64, rows [][]string) {
	const seeds = 20
	var writes, wasted, notReady float64
	late := 0
	for seed := uint64(1); seed <= seeds; seed++ {
		r := run(t, replayed(seed, 530, scenario.Action{At: sec(30), Do: scenario.Scale, N: 500}, scenario.Action{At: sec(90), Do: scenario.Delay, For: sec(delay)}, scenario.Action{At: sec(270), Do: scenario.Delay}))
		w, lost := mean(r, "etcd writes", 90, 270), mean(r, "wasted proposals", 90, 270)/mean(r, "etcd proposals", 90, 270)
		fsyncs, p50 := mean(r, "WAL fsyncs", 90, 270), r.Totals.LeaseP50.Seconds()
		since := func(d time.Duration) float64 { return d.Seconds() - 90 }
		t.Logf("seed %d: writes %.1f/s wasted %.0f %% fsyncs %.2f/s p50 %.2f s leader %.0f s kill %.0f s first %.0f s peak %d recovered %v", seed, w, 100*lost, fsyncs, p50,
			since(r.Totals.FirstLeaderLoss), since(r.Totals.FirstKill), since(r.Totals.FirstNotReady), r.Totals.PeakNotReady, r.Verdict.Recovered)
		writes, wasted = writes+w/seeds, wasted+lost/seeds
		require.InEpsilon(t, number(rows[0][3]), fsyncs, 0.15)
		require.InEpsilon(t, number(rows[0][4]), p50, 0.35)
		require.Less(t, nearest(rows, 2, lost), 0.15)
		if rows[0][7] == "never" {
			if r.Totals.PeakNotReady > 0 {
				notReady++
			}
			require.LessOrEqual(t, r.Totals.PeakNotReady, 2*8, "one of three runs at 2 s lost eight nodes for 20 s")
		} else {
			require.Less(t, nearest(rows, 7, since(r.Totals.FirstNotReady)), 45.0)
			require.GreaterOrEqual(t, 2*r.Totals.PeakNotReady, 8, "8 to 17 in the replays at 4 s")
			require.LessOrEqual(t, r.Totals.PeakNotReady, 2*17)
			require.Less(t, r.Verdict.Recovered, 30*time.Second)
		}
		if delay > 2.5 {
			require.Less(t, nearest(rows, 5, since(r.Totals.FirstLeaderLoss)), 10.0)
			if kill := since(r.Totals.FirstKill); math.Abs(kill-76) > 10 {
				require.Greater(t, kill, 76.0)
				late++
			}
		}
		// The surge is exact to 2 %, whatever follows.
		require.InEpsilon(t, 2012, 60*mean(r, "etcd writes", 30, 90), 0.02)
		require.Equal(t, 450, r.Totals.PodsCreated)
	}
	require.InEpsilon(t, column(rows, 1), writes, 0.25)
	require.InDelta(t, column(rows, 2), wasted, 0.10)
	require.LessOrEqual(t, notReady, 2.0, "fewer than the third of the runs at 2 s")
	require.LessOrEqual(t, late, 1, "a probe that is answered puts the kill off: to t+126 s in one of the two replays, in one of eleven other runs, in three seeds of a hundred")
}

// nearest is how far x is from the closest of the measured.
func nearest(rows [][]string, column int, x float64) float64 {
	best := math.Inf(1)
	for _, row := range rows {
		best = min(best, math.Abs(number(row[column])-x))
	}
	return best
}

// column is the mean of the measured.
func column(rows [][]string, k int) float64 {
	sum := 0.0
	for _, row := range rows {
		sum += number(row[k]) / float64(len(rows))
	}
	return sum
}

// TestBaseline: 1,322 writes in the replay's 120 s of rest, for every seed.
func TestBaseline(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		r := run(t, replayed(seed, 120))
		require.InEpsilon(t, 1322, 120*mean(r, "etcd writes", 0, 119), 0.02, "seed %d", seed)
	}
}
