package controlplane

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/scheduler/retry"
)

// long reports whether the long form of the tests is asked for.
func long() bool { return os.Getenv("REDLINE_LONG") == "1" }

// beside runs the model through what happened to the real cluster. It is told the
// scenario, when nodes were tainted, and how long a patch and an attempt took; what the
// components write it must know itself.
type beside struct {
	t     *testing.T
	real  *Result
	model *retry.Workload
	zero  time.Duration // the scenario's beginning in the model's time, which begins with the scheduler
	todo  []happening
}

type happening struct {
	at time.Duration
	do func()
}

func newBeside(t *testing.T, r *Result, length time.Duration) *beside {
	w, err := retry.NewWorkload(retry.V1_37)
	require.NoError(t, err)
	config := retry.Config{Version: retry.V1_37}
	if r.Scenario.Scheduler129 { // the controllers are v1.37.2's all the same
		config.Version = retry.V1_29
		// v1.29's attempts do not follow each other: each waits for its own backoff
	} else if _, mean, n := attemptTime(r); n >= 100 {
		config.Attempt = max(mean, retry.DefaultAttempt)
	}
	w.Queue, err = retry.NewQueue(config)
	require.NoError(t, err)
	create, _ := r.Latency(0, length, 0.5, "replicaset-controller", "POST", "pods")
	require.NoError(t, w.ReplicaSet.SetAPI(retry.ReplicaSetAPI{Latency: create}))
	return &beside{t: t, real: r, model: w, zero: -r.Scheduling}
}

// latency tells the model the mean time of the scheduler's patches in a phase: the loop waits for
// them.
func (b *beside) latency(p phase) {
	var sum time.Duration
	n := 0
	for _, x := range b.real.AllRequests {
		if x.At >= p.from && x.At < p.to && x.Client == "scheduler" && x.Verb == "PATCH" {
			sum, n = sum+x.Took, n+1
		}
	}
	if n > 0 {
		require.NoError(b.t, b.model.Queue.SetAPI(retry.API{Latency: sum / time.Duration(n)}))
	}
}

// at has f done to the model at a time of the scenario.
func (b *beside) at(at time.Duration, f func()) { b.todo = append(b.todo, happening{b.zero + at, f}) }

// churn wakes the pods whenever the real cluster deleted a bound pod.
func (b *beside) churn(r *Result) {
	for _, w := range r.AllWrites {
		if w.At > 0 && w.Resource == "pods" && w.Verb == "delete" && w.What == "bound" {
			b.at(w.At, func() { b.model.Queue.Event(retry.ClusterEvent{Kind: retry.BoundPodDeleted}) })
		}
	}
}

// taints changes the message whenever the number of tainted nodes did.
func (b *beside) taints(r *Result) {
	before := 0
	for _, w := range r.AllWrites {
		if now := w.TaintedNodes; w.At > 0 && now != before {
			fewer := now < before
			before = now
			b.at(w.At, func() {
				by := retry.ByFit
				if now > 0 {
					by |= retry.ByTaint
				}
				b.model.Queue.SetMessage(now, by)
				if fewer {
					b.model.Queue.Event(retry.ClusterEvent{Kind: retry.NodeTaintRemoved})
				}
			})
		}
	}
}

// lull returns the middle of the longest time without an attempt within three seconds of a time.
// Where v1.29's attempts come in bursts, a phase must not end inside one: the model knows the
// second in which a burst comes, not the pod that is tried at an instant.
func lull(r *Result, around time.Duration) time.Duration {
	const within = 3 * time.Second
	middle, longest := around, time.Duration(0)
	last := around - within
	for _, at := range append(slices.Clone(r.AllAttempts), around+within) {
		if at <= last || at > around+within {
			continue
		}
		if at-last > longest {
			middle, longest = (at+last)/2, at-last
		}
		last = at
	}
	return middle
}

// phase holds the counts of both between two times.
type phase struct {
	name     string
	from, to time.Duration
	made     retry.ReplicaSetStep
	tried    retry.Step
}

// run plays everything and fills in the model's part of the phases, which follow each
// other from the start.
func (b *beside) run(phases []phase) {
	slices.SortStableFunc(b.todo, func(x, y happening) int { return int(x.at - y.at) })
	for i := range phases {
		p := &phases[i]
		b.until(b.zero + p.from)
		b.latency(*p)
		made, tried := b.model.ReplicaSet.Total(), b.model.Queue.Total()
		b.until(b.zero + p.to)
		p.made, p.tried = since(b.model.ReplicaSet.Total(), made), stepSince(b.model.Queue.Total(), tried)
	}
}

// until runs what is to be done before a time, and brings the model there.
func (b *beside) until(to time.Duration) {
	for len(b.todo) > 0 && b.todo[0].at < to {
		b.model.Advance(b.todo[0].at)
		b.todo[0].do()
		b.todo = b.todo[1:]
	}
	b.model.Advance(to)
}

func since(a, b retry.ReplicaSetStep) retry.ReplicaSetStep {
	return retry.ReplicaSetStep{Creates: a.Creates - b.Creates, Deletes: a.Deletes - b.Deletes,
		Refusals:     a.Refusals - b.Refusals,
		EventCreates: a.EventCreates - b.EventCreates, EventUpdates: a.EventUpdates - b.EventUpdates,
		StatusUpdates: a.StatusUpdates - b.StatusUpdates, QuotaUpdates: a.QuotaUpdates - b.QuotaUpdates}
}

func stepSince(a, b retry.Step) retry.Step {
	return retry.Step{Attempts: a.Attempts - b.Attempts, PodPatches: a.PodPatches - b.PodPatches,
		EventCreates: a.EventCreates - b.EventCreates, EventUpdates: a.EventUpdates - b.EventUpdates}
}

// Error budgets, of the issue: writes 10 %, attempts 15 %, and a little for small
// numbers.
const (
	writesBudget   = 0.10
	attemptsBudget = 0.15
	slack          = 3
)

// compare prints a line of the table. It fails the test if the model is off by more than its
// budget and what the components would have done in time that they did not get.
func (p phase) compare(t *testing.T, r *Result) {
	t.Helper()
	n := r.Writes(p.from, p.to)
	asked := r.Requests(p.from, p.to)
	controller := n["events/create/SuccessfulCreate"] + n["events/create/SuccessfulDelete"] +
		n["events/create/FailedCreate"]
	undone := r.Undone(p.from, p.to)
	if undone > 0 {
		t.Logf("%s: %.1f %% more might have been done, had the machine not been elsewhere", p.name, 100*undone)
	}
	controllerUpdates := n["events/update/SuccessfulCreate"] + n["events/update/SuccessfulDelete"] +
		n["events/update/FailedCreate"]
	for _, x := range []struct {
		what            string
		measured, model int
		budget          float64
	}{
		{"pods created", n["pods/create/"+workload], p.made.Creates, writesBudget},
		{"creations refused", asked["replicaset-controller POST pods 403"], p.made.Refusals, writesBudget},
		{"pods deleted by it", asked["replicaset-controller DELETE pods 200"], p.made.Deletes, writesBudget},
		{"ReplicaSet's status written", n["replicasets/update"] - p.scaled(r), p.made.StatusUpdates, writesBudget},
		{"quota's usage written", n["resourcequotas/update"], p.made.QuotaUpdates, writesBudget},
		{"attempts", r.Attempts(p.from, p.to), p.tried.Attempts, attemptsBudget},
		{"pod patches", n["pods/update/message"], p.tried.PodPatches, writesBudget},
		{"scheduler's Events created", n["events/create/FailedScheduling"], p.tried.EventCreates, writesBudget},
		{"scheduler's Events patched", n["events/update/FailedScheduling"], p.tried.EventUpdates, writesBudget},
		{"controller's Events created", controller, p.made.EventCreates, writesBudget},
		{"controller's Events patched", controllerUpdates, p.made.EventUpdates, writesBudget},
	} {
		off := math.Abs(float64(x.model - x.measured))
		verdict := ""
		if off > (x.budget+undone)*float64(x.measured)+slack {
			verdict = " BEYOND ITS BUDGET"
			t.Errorf(
				"%s: %s: measured %d, model %d, want within %.0f %% + %d", p.name, x.what, x.measured, x.model,
				100*(x.budget+undone), slack,
			)
		}
		if x.measured+x.model > 0 {
			t.Logf(
				"| %-28s | %-27s | %6d | %6d | %s%s", p.name, x.what, x.measured, x.model, percent(x.measured, x.model),
				verdict,
			)
		}
	}
}

// scaled returns how often the scenario itself wrote the ReplicaSet.
func (p phase) scaled(r *Result) (n int) {
	for _, e := range r.Log {
		if e.At >= p.from && e.At < p.to && strings.HasPrefix(e.Text, "scale ") {
			n++
		}
	}
	return n
}

func percent(measured, model int) string {
	if measured == 0 {
		return "-"
	}
	return fmt.Sprintf("%+.1f %%", 100*(float64(model)/float64(measured)-1))
}
