package controlplane

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/scheduler/retry"
)

// TestThreePhases is the incident's core: 450 pods that fit nowhere appear; then
// something wakes them every four seconds; then the scheduler's message changes as
// well.
func TestThreePhases(t *testing.T) {
	surge, each := 26*time.Second, 18*time.Second
	if long() {
		surge, each = time.Minute, time.Minute
	}
	end := surge + 2*each
	r := Run(t, Scenario{Nodes: 100, NoKubelets: true, Length: end + time.Second, Actions: []Action{
		At(0, Scale(450)), At(surge, Churn(4*time.Second)), At(surge+each, TaintMore(4*time.Second)),
	}})
	require.Less(t, r.SetupAlone, 30*time.Second, "from nothing to a ready cluster")
	b := newBeside(t, r, end)
	b.at(0, func() { b.model.ReplicaSet.Scale(450) })
	b.churn(r)
	b.taints(r)
	phases := []phase{
		{name: "none fits", to: surge}, {name: "woken every 4 s", from: surge, to: surge + each},
		{name: "woken, message changes", from: surge + each, to: end},
	}
	b.run(phases)
	for _, p := range phases {
		p.compare(t, r)
	}
	compareRamp(t, r)
	median, mean, n := attemptTime(r)
	t.Logf("one attempt without a patch took %v in the median, %v on average (n = %d)", median, mean, n)
	logBytes(t, r, phases)
}

// compareRamp holds the time at which 450 pods exist, and the way there, to 5 % and to the time
// until then that the machine was elsewhere. A machine may be so busy that the first creations,
// which wait for each other, take a multiple of their usual 6 ms. It then holds the part that the
// client's QPS paces.
func compareRamp(t *testing.T, r *Result) {
	w, err := retry.NewWorkload(retry.V1_37)
	require.NoError(t, err)
	latency, _ := r.Latency(0, 20*time.Second, 0.5, "replicaset-controller", "POST", "pods")
	require.NoError(t, w.ReplicaSet.SetAPI(retry.ReplicaSetAPI{Latency: latency}))
	w.ReplicaSet.Scale(450)
	var lead time.Duration
	if slow, _ := r.Latency(0, 2*time.Second, 0.75, "replicaset-controller", "POST", "pods"); slow > 60*time.Millisecond {
		t.Logf("a quarter of the first creations took more than %v: only the paced part of the ramp is held", slow)
		lead = r.When(0, "pods/create/"+workload, 63)
	}
	for _, n := range []int{63, 127, 255, 450} {
		for w.ReplicaSet.Total().Creates < n {
			w.Advance(w.Queue.Now() + 20*time.Millisecond)
		}
		measured, model := r.When(0, "pods/create/"+workload, n), w.Queue.Now()
		if n == 63 && lead > 0 {
			lead -= model
			continue
		}
		measured -= lead
		lost := r.Lost(0, lead+measured).Seconds()
		t.Logf("| %d pods exist after | %.2f s | %.2f s | lost %.2f s", n, measured.Seconds(), model.Seconds(), lost)
		assert.InDelta(t, measured.Seconds(), model.Seconds(), max(0.05*measured.Seconds(), 0.2)+lost, "%d pods", n)
	}
}

// attemptTime returns the time from attempt to attempt where nothing is written between them: of
// attempts that follow each other in one round.
func attemptTime(r *Result) (median, mean time.Duration, n int) {
	var patches []time.Duration
	for _, x := range r.AllRequests {
		if x.Client == "scheduler" && x.Verb == "PATCH" {
			patches = append(patches, x.At)
		}
	}
	slices.Sort(patches)
	var gaps []time.Duration
	var sum time.Duration
	for i, at := range r.AllAttempts {
		if i == 0 || at < 0 {
			continue
		}
		last := r.AllAttempts[i-1]
		next, _ := slices.BinarySearch(patches, last)
		if gap := at - last; gap < 200*time.Millisecond && (next == len(patches) || patches[next] > at) {
			gaps = append(gaps, gap)
			sum += gap
		}
	}
	if len(gaps) == 0 {
		return 0, 0, 0
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2], sum / time.Duration(len(gaps)), len(gaps)
}

// logBytes prints the sizes in etcd, for MeasuredSizes.
func logBytes(t *testing.T, r *Result, phases []phase) {
	for _, p := range phases {
		n, bytes := r.Writes(p.from, p.to), r.Bytes(p.from, p.to)
		for _, key := range []string{
			"pods/create/" + workload, "pods/update/message", "events/create/FailedScheduling",
			"events/update/FailedScheduling", "events/create/SuccessfulCreate", "events/update/SuccessfulCreate",
			"events/create/FailedCreate", "events/update/FailedCreate", "replicasets/update", "resourcequotas/update",
		} {
			if n[key] > 0 {
				t.Logf("%s: %s: %d writes of %d B on average", p.name, key, n[key], bytes[key]/n[key])
			}
		}
		streams := p.tried.Streams(retry.MeasuredSizes(), p.to-p.from)
		t.Logf(
			"%s: the scheduler's writes add %.1f kB/s to etcd's log (model)", p.name,
			retry.WAL(etcdmodel.V3_5, streams)/1000,
		)
	}
}

// TestShort runs the short scenarios one after the other, beside the long one of
// TestNodesNotReadyAndBack: counts, not times, are compared there.
func TestShort(t *testing.T) {
	t.Parallel()
	t.Run("QuotaAndScaleDown", quotaAndScaleDown)
	t.Run("SlowDisk", slowDisk)
}

// quotaAndScaleDown: a quota refuses what is too much; the pods that do not fit are taken
// away again; and then six of the ten that run.
func quotaAndScaleDown(t *testing.T) {
	refused, down, ended := 26*time.Second, 14*time.Second, 8*time.Second
	if long() {
		refused, down = 100*time.Second, 60*time.Second
	}
	fewer := refused + down
	end := fewer + ended
	r := Run(t, Scenario{Nodes: 10, RoomOn: 10, Replicas: 20, Quota: 40, Length: end + time.Second, Actions: []Action{
		At(0, Scale(100)), At(refused, Scale(10)), At(
			refused+5*time.Second, Churn(4*time.Second),
		), At(fewer-2*time.Second, Churn(0)), At(fewer, Scale(4)),
	}})
	b := newBeside(t, r, end)
	latency, _ := r.Latency(0, end, 0.5, "replicaset-controller", "POST", "pods")
	require.NoError(t, b.model.ReplicaSet.SetAPI(retry.ReplicaSetAPI{Latency: latency, Quota: 40}))
	b.model.ReplicaSet.Scale(20) // of the set-up: they have left their mark in the recorders
	b.model.Queue.SetRoom(10)
	b.at(-time.Second, func() { b.model.ReplicaSet.SetReady(10) })
	b.at(0, func() { b.model.ReplicaSet.Scale(100) })
	b.churn(r)
	b.at(refused, func() { b.model.ReplicaSet.Scale(10) })
	b.at(fewer, func() { b.model.ReplicaSet.Scale(4) })
	for _, w := range r.AllWrites {
		if w.At > fewer && w.Resource == "pods" && w.Verb == "delete" { // the churn has ended
			b.at(w.At, func() { b.model.ReplicaSet.Gone(1) })
		}
	}
	phases := []phase{
		{name: "quota", to: refused}, {name: "scale-down", from: refused, to: fewer},
		{name: "running ones end", from: fewer, to: end},
	}
	b.run(phases)
	for _, p := range phases {
		p.compare(t, r)
	}
	logBytes(t, r, phases)
}

// TestNodesNotReadyAndBack: five of twenty nodes fall silent, are marked, tainted, and
// come back, while something wakes the pods.
func TestNodesNotReadyAndBack(t *testing.T) {
	t.Parallel()
	s, back, end := silence(), 72*time.Second, 100*time.Second
	if long() {
		back, end = 130*time.Second, 200*time.Second
	}
	s.Length = end + time.Second
	s.Actions = append(s.Actions, At(back, StartKubelets(5, 10)))
	r := Run(t, s)
	requireFiveWereSilent(t, r, back)
	besideSilence(t, r, []phase{
		{name: "all Ready", to: 40 * time.Second}, {name: "NotReady", from: 40 * time.Second, to: back},
		{name: "and back", from: back, to: end},
	})
}

// silence returns a scenario of 60 pods that are woken every five seconds, and nodes of which five
// fall silent.
func silence() Scenario {
	return Scenario{Nodes: 20, Actions: []Action{
		At(0, Scale(60)), At(10*time.Second, Churn(5*time.Second)), At(12*time.Second, StopKubelets(5, 10)),
	}}
}

// requireFiveWereSilent: each of the five nodes was marked once, and came back after a time.
func requireFiveWereSilent(t *testing.T, r *Result, back time.Duration) {
	most := 0
	for _, s := range r.Samples {
		most = max(most, s.NotReady)
	}
	require.Equal(t, 5, most, "nodes NotReady at most")
	for i := 5; i < 10; i++ {
		changes := r.Ready(nodeName(i))
		require.Len(t, changes, 2, nodeName(i))
		require.True(t, !changes[0].To && changes[0].At < back && changes[1].To && changes[1].At > back, "%v", changes)
	}
}

func besideSilence(t *testing.T, r *Result, phases []phase) {
	b := newBeside(t, r, r.Scenario.Length)
	b.at(0, func() { b.model.ReplicaSet.Scale(60) })
	b.churn(r)
	b.taints(r)
	b.run(phases)
	for _, p := range phases {
		p.compare(t, r)
	}
}
