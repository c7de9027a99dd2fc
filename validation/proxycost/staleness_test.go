package proxycost

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redline-go/redline/proxymodel"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/kubernetes/pkg/proxy/runner"
)

// play is a run of a real BoundedFrequencyRunner.
type play struct {
	version        proxymodel.Version
	sync, interval time.Duration
	rate           float64 // changes per second
}

// event is a line of a play: what happened, and when.
type event struct {
	what string // start, end, change
	at   time.Duration
}

// observed holds a run's statistics, in seconds.
type observed struct {
	period, mean, p99, longest float64
	changes                    int
}

// runTime is the length of each run, in virtual time.
const runTime = 5 * time.Minute

// The real runners play in virtual time (testing/synctest). A sleep ends when it should, on however
// busy a machine, and only the runner decides when a sync starts.
func TestStalenessOfRealRunners(t *testing.T) {
	old := buildOldRunner(t)
	fmt.Println("| version | sync | interval | changes/s | period measured | predicted " +
		"| mean staleness | predicted | p99 | predicted | longest | predicted |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|")
	var errs []float64
	for _, p := range plays() {
		var o observed
		if p.version == proxymodel.V1_29 {
			o = observe(p.old(t, old))
		} else {
			o = observe(p.current(t))
		}
		period, want := p.predict(t)
		fmt.Printf("| %v | %v | %v | %v | %.3f | %.3f | %.3f | %.3f | %.3f | %.3f | %.3f | %.3f |\n",
			p.version, p.sync, p.interval, p.rate, o.period, period.Seconds(), o.mean, want.Mean.Seconds(),
			o.p99, want.P99.Seconds(), o.longest, want.Max.Seconds())
		require.Greater(t, o.changes, 1000)
		errs = append(errs, math.Abs(want.Mean.Seconds()/o.mean-1))
		assert.InEpsilon(t, o.mean, want.Mean.Seconds(), 0.05, "mean staleness of %+v", p)
		assert.InEpsilon(t, o.period, period.Seconds(), 0.05, "period of %+v", p)
		assert.InEpsilon(t, o.p99, want.P99.Seconds(), 0.10, "p99 of %+v", p)
		assert.LessOrEqual(t, o.longest, want.Max.Seconds()+1e-6, "%+v", p)
	}
	slices.Sort(errs)
	fmt.Printf("mean staleness: median error %.1f %%, worst %.1f %%\n", 100*errs[len(errs)/2], 100*errs[len(errs)-1])
}

// plays lists both versions, with syncs shorter and longer than the interval, under many changes
// and few.
func plays() (out []play) {
	for _, v := range []proxymodel.Version{proxymodel.V1_29, proxymodel.V1_37} {
		for _, c := range [][2]time.Duration{{200, 500}, {600, 300}, {100, 150}} {
			for _, rate := range []float64{40, 6} {
				out = append(out, play{
					version: v, sync: c[0] * time.Millisecond, interval: c[1] * time.Millisecond, rate: rate,
				})
			}
		}
	}
	return out
}

// predict finds the staleness of a sync of the play's length. Its Machine's sync takes that long
// whatever there is to do.
func (p play) predict(t *testing.T) (time.Duration, proxymodel.Staleness) {
	machine := proxymodel.Machine{Source: "a sync of fixed length"}
	machine.Legacy.Exec = proxymodel.Nanos(p.sync.Nanoseconds()) / 2 // a small cluster's sync starts two processes
	got, err := proxymodel.Predict(proxymodel.Query{
		Version: p.version, Machine: machine, Shape: proxymodel.Uniform(10, 1),
		Churn: proxymodel.Churn{Changes: p.rate, MinSyncPeriod: p.interval},
	})
	require.NoError(t, err)
	require.InDelta(t, p.sync.Seconds(), got.Partial.Duration().Seconds(), 1e-6)
	return got.Period, got.Staleness
}

// arrivals returns the times of changes: at random, the same for both versions.
func (p play) arrivals() []time.Duration {
	r := rand.New(rand.NewPCG(uint64(p.sync), uint64(p.rate)))
	var out []time.Duration
	for at := 0.0; ; {
		at += r.ExpFloat64() / p.rate
		d := time.Duration(at * float64(time.Second))
		if d > runTime-2*(p.sync+p.interval) {
			return out
		}
		out = append(out, d)
	}
}

// current runs v1.37.2's.
func (p play) current(t *testing.T) (events []event) {
	synctest.Test(t, func(*testing.T) {
		begin := time.Now()
		var mu sync.Mutex
		log := func(what string) {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, event{what, time.Since(begin)})
		}
		r := runner.NewBoundedFrequencyRunner("runner", func() error {
			log("start")
			time.Sleep(p.sync)
			log("end")
			return nil
		}, p.interval, time.Minute, time.Hour)
		stop := make(chan struct{})
		go r.Loop(stop)
		for _, at := range p.arrivals() {
			time.Sleep(at - time.Since(begin))
			log("change")
			r.Run()
		}
		time.Sleep(runTime - time.Since(begin))
		close(stop)
	})
	return events
}

// buildOldRunner builds v1.29.2's, which is of another module.
func buildOldRunner(t *testing.T) string {
	bin := filepath.Join(t.TempDir(), "runner.test")
	cmd := exec.Command("go", "test", "-c", "-o", bin, "./runner")
	cmd.Dir = "../proxy129"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("proxycost: building the runner of v1.29.2: %v\n%s", err, out)
	}
	return bin
}

// old runs v1.29.2's.
func (p play) old(t *testing.T, bin string) (events []event) {
	var input strings.Builder
	for _, d := range append([]time.Duration{p.sync, p.interval, runTime}, p.arrivals()...) {
		fmt.Fprintln(&input, d.Nanoseconds())
	}
	cmd := exec.CommandContext(t.Context(), bin)
	cmd.Stdin, cmd.Stderr = strings.NewReader(input.String()), os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err, "runner: %s", out)
	for line := range strings.Lines(strings.TrimSuffix(string(out), "PASS\n")) {
		var e event
		var ns int64
		_, err := fmt.Sscan(line, &e.what, &ns)
		require.NoError(t, err, "runner: %q", line)
		e.at = time.Duration(ns)
		events = append(events, e)
	}
	return events
}

// observe measures the wait of each change: to the end of the first sync that started after it.
func observe(events []event) observed {
	var starts, waiting, inSync []time.Duration
	var waits []float64
	for _, e := range events {
		switch e.what {
		case "change":
			waiting = append(waiting, e.at)
		case "start":
			starts = append(starts, e.at)
			inSync, waiting = waiting, nil
		case "end":
			for _, at := range inSync {
				waits = append(waits, (e.at - at).Seconds())
			}
			inSync = nil
		}
	}
	o := observed{changes: len(waits)}
	if len(waits) == 0 || len(starts) < 3 {
		return o
	}
	slices.Sort(waits)
	for _, w := range waits {
		o.mean += w / float64(len(waits))
	}
	o.p99, o.longest = waits[len(waits)*99/100], waits[len(waits)-1]
	o.period = (starts[len(starts)-1] - starts[1]).Seconds() / float64(len(starts)-2)
	return o
}
