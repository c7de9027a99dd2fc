package controlplane

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestScheduler129 puts the real kube-scheduler v1.29.2 through the incident's phases and
// one more: pods that fit nowhere appear; something wakes them every four seconds, and each
// waits for its whole backoff; the message changes as well; and full nodes come back,
// which wakes nobody.
func TestScheduler129(t *testing.T) {
	pods, surge, woken, changing, back := 60, 6*time.Second, 16*time.Second, 12*time.Second, 16*time.Second
	if long() {
		pods, surge, woken, changing, back = 450, time.Minute, 3*time.Minute, time.Minute, 30*time.Second
	}
	t.Parallel()
	taint := surge + woken
	quiet := taint + changing
	end := quiet + back
	r := Run(t, Scenario{Nodes: 40, NoKubelets: true, Scheduler129: true, Length: end + time.Second, Actions: []Action{
		At(0, Scale(pods)), At(surge, Churn(4*time.Second)), At(taint, TaintMore(4*time.Second)),
		// in v1.37 that is another round
		At(quiet, Churn(0)), At(quiet, TaintMore(0)), At(quiet+2*time.Second, Taint(0, false)),
	}})
	b := newBeside(t, r, end)
	b.at(0, func() { b.model.ReplicaSet.Scale(pods) })
	b.churn(r)
	b.taints(r)
	taint, quiet, end = lull(r, taint), lull(r, quiet), lull(r, end-3*time.Second)
	phases := []phase{{name: "v1.29, none fits", to: surge}, {name: "v1.29, woken every 4 s", from: surge, to: taint},
		{name: "v1.29, message changes", from: taint, to: quiet}, {name: "v1.29, a full node is back", from: quiet, to: end}}
	b.run(phases)
	for _, p := range phases {
		p.compare(t, r)
	}
	require.NotZero(t, r.Attempts(taint, quiet))
}

// TestFlush129: pods that nothing wakes are tried again after five minutes and a half; the
// first time each writes a new Event, although the message is the old one.
func TestFlush129(t *testing.T) {
	if !long() {
		t.Skip("REDLINE_LONG=1 runs it: it takes seven minutes")
	}
	t.Parallel()
	end := 400 * time.Second
	r := Run(t, Scenario{
		Nodes: 20, NoKubelets: true, Scheduler129: true, Length: end + time.Second,
		Actions: []Action{At(0, Scale(100))},
	})
	b := newBeside(t, r, end)
	b.at(0, func() { b.model.ReplicaSet.Scale(100) })
	phases := []phase{
		{name: "v1.29, none fits", to: 2 * time.Minute}, {name: "v1.29, flush", from: 2 * time.Minute, to: end},
	}
	b.run(phases)
	for _, p := range phases {
		p.compare(t, r)
	}
}

// TestNodesNotReadyAndBack129: the nodes come back one by one, half a minute apart. If several
// come back while v1.29 goes once round its pods, the messages that a pod sees depend on the
// second in which it is tried. No model of this kind knows that.
func TestNodesNotReadyAndBack129(t *testing.T) {
	if !long() {
		t.Skip("REDLINE_LONG=1 runs it: it takes six minutes")
	}
	t.Parallel()
	s, back := silence(), 90*time.Second
	for i := range 5 {
		s.Actions = append(s.Actions, At(back+time.Duration(i)*30*time.Second, StartKubelets(5+i, 6+i)))
	}
	// two rounds after the last one's return: a pod patched in the first writes its Event in the
	// second
	end := back + 180*time.Second
	s.Scheduler129, s.Length = true, end+time.Second
	r := Run(t, s)
	requireFiveWereSilent(t, r, back)
	ready, back, end := lull(r, 40*time.Second), lull(r, back-3*time.Second), lull(r, end-3*time.Second)
	besideSilence(t, r, []phase{
		{name: "v1.29, all Ready", to: ready}, {name: "v1.29, NotReady", from: ready, to: back},
		{name: "v1.29, and back", from: back, to: end},
	})
}
