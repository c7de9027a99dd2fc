package proxycost

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
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

// event is what came when.
type event struct {
	what string // start, end, change
	at   time.Duration
}

// observed are a run's statistics, in seconds.
type observed struct {
	period, mean, p99, longest float64
	changes                    int
}

// runTime is how long each run is; all run at once, mostly asleep.
const runTime = 40 * time.Second

func TestStalenessOfRealRunners(t *testing.T) {
	old := buildOldRunner(t)
	var plays []play
	for _, v := range []proxymodel.Version{proxymodel.V1_29, proxymodel.V1_37} {
		for _, c := range [][2]time.Duration{{200, 500}, {600, 300}, {100, 150}} {
			for _, rate := range []float64{40, 6} {
				plays = append(plays, play{v, c[0] * time.Millisecond, c[1] * time.Millisecond, rate})
			}
		}
	}
	got := make([]observed, len(plays))
	var wg sync.WaitGroup
	for i, p := range plays {
		wg.Go(func() {
			changes := p.arrivals()
			if p.version == proxymodel.V1_29 {
				got[i] = observe(p.old(t, old, changes))
			} else {
				got[i] = observe(p.current(changes))
			}
		})
	}
	wg.Wait()
	fmt.Println("| version | sync | interval | changes/s | period measured | predicted | mean staleness | predicted | p99 | predicted | longest | predicted |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|")
	var errs []float64
	for i, p := range plays {
		period, want := p.predict(t)
		o := got[i]
		fmt.Printf("| %v | %v | %v | %v | %.3f | %.3f | %.3f | %.3f | %.3f | %.3f | %.3f | %.3f |\n", p.version, p.sync, p.interval, p.rate,
			o.period, period.Seconds(), o.mean, want.Mean.Seconds(), o.p99, want.P99.Seconds(), o.longest, want.Max.Seconds())
		require.Greater(t, o.changes, 100)
		e := math.Abs(want.Mean.Seconds()/o.mean - 1)
		errs = append(errs, e)
		// Sleeps of a busy machine are late, and few changes make a rough mean.
		assert.LessOrEqual(t, e, 0.10+0.5/math.Sqrt(float64(o.changes)), "mean staleness of %+v", p)
		assert.InEpsilon(t, o.period, period.Seconds(), 0.15, "period of %+v", p)
		assert.InEpsilon(t, o.p99, want.P99.Seconds(), 0.20, "p99 of %+v", p)
		assert.LessOrEqual(t, o.longest, want.Max.Seconds()+0.1, "%+v", p)
	}
	slices.Sort(errs)
	fmt.Printf("mean staleness: median error %.1f %%, worst %.1f %%\n", 100*errs[len(errs)/2], 100*errs[len(errs)-1])
}

// predict finds the staleness of a sync of the play's length: a Machine whose
// sync takes that long whatever there is to do.
func (p play) predict(t *testing.T) (time.Duration, proxymodel.Staleness) {
	machine := proxymodel.Machine{Source: "a sync of fixed length"}
	machine.Legacy.Exec = proxymodel.Nanos(p.sync.Nanoseconds()) / 2 // a small cluster's sync starts two processes
	got, err := proxymodel.Predict(proxymodel.IPTables, p.version, machine, proxymodel.Uniform(10, 1),
		proxymodel.Churn{Changes: p.rate, MinSyncPeriod: p.interval})
	require.NoError(t, err)
	require.InDelta(t, p.sync.Seconds(), got.Partial.Duration().Seconds(), 1e-6)
	return got.Period, got.Staleness
}

// arrivals are when changes come: at random, the same for both versions.
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
func (p play) current(changes []time.Duration) []event {
	begin := time.Now()
	var mu sync.Mutex
	var events []event
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
	for _, at := range changes {
		time.Sleep(at - time.Since(begin))
		log("change")
		r.Run()
	}
	time.Sleep(runTime - time.Since(begin))
	close(stop)
	mu.Lock()
	defer mu.Unlock()
	return slices.Clone(events)
}

// buildOldRunner builds v1.29.2's, which is of another module.
func buildOldRunner(t *testing.T) string {
	bin := filepath.Join(t.TempDir(), "runner")
	cmd := exec.Command("go", "build", "-o", bin, "./runner")
	cmd.Dir = "../proxy129"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("proxycost: building the runner of v1.29.2: %v\n%s", err, out)
	}
	return bin
}

// old runs v1.29.2's.
func (p play) old(t *testing.T, bin string, changes []time.Duration) (events []event) {
	args := []string{fmt.Sprint(p.sync.Nanoseconds()), fmt.Sprint(p.interval.Nanoseconds()), fmt.Sprint(runTime.Nanoseconds())}
	for _, at := range changes {
		args = append(args, fmt.Sprint(at.Nanoseconds()))
	}
	cmd := exec.CommandContext(t.Context(), bin, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	assert.NoError(t, err)
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		var e event
		var ns string
		if _, err := fmt.Sscan(s.Text(), &e.what, &ns); err != nil {
			t.Errorf("runner: %q: %v", s.Text(), err)
		}
		at, _ := strconv.ParseInt(ns, 10, 64)
		e.at = time.Duration(at)
		events = append(events, e)
	}
	return events
}

// observe finds how long each change waited: to the end of the first sync that
// started after it.
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
