package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/kube"
)

// Containers that crash (pkg/kubelet/kuberuntime/kuberuntime_manager.go, doBackOff; client-go util/flowcontrol/backoff.go). The kubelet finds an
// exited container at its next relist, reports the pod not ready, and starts the container again: the first time at once, then 10 s after it
// exited, 20 s, up to 5 min; after 10 min without a crash from the start again. KubeletCrashLoopBackOffMax, on in v1.37, keeps the 5 min unless
// set; ReduceDefaultCrashLoopBackOffDecay is off there. The sandbox stays, and with it the pod's address: a crash is no work for the CNI plugin.

const (
	crashBackOff, crashBackOffMost = 10 * time.Second, 300 * time.Second

	// relistPeriod is PLEG's (kubelet.go, genericPlegRelistPeriod).
	relistPeriod = time.Second

	// resync is the longest that a pod worker of v1.37 waits for a backoff, before jitter (pod_workers.go completeWork, SyncFrequency).
	resync = time.Minute
)

// crash makes n of the workload's pods crash, those that have crashed before first, and again after they have run for so long; n of 0 ends that.
func (ps *pods) crash(n int, every time.Duration) {
	if n == 0 {
		ps.note(story.CrashesEnd, "", story.ByScenario)
		for i := range ps.slots {
			ps.slots[i].loops = false
		}
		return
	}
	ps.crashEvery = every
	for i := range ps.slots {
		if d := &ps.slots[i]; n > 0 && d.serves() {
			d.loops = every > 0
			ps.exits(int32(i), story.ByScenario)
			n--
		}
	}
	for i := range ps.nodes {
		for ps.plain(int32(i)) > 0 && n > 0 {
			at := ps.take(int32(i), podServing)
			ps.slots[at].loops = every > 0
			ps.exits(at, story.ByScenario)
			n--
		}
	}
}

// plainPods is how many of the workload's pods on a node have no slot.
func (ps *pods) plain(node int32) int32 {
	n := ps.nodes[node].serving
	for at := ps.away[node].slots; at > 0; at = ps.slots[at-1].next {
		n--
	}
	return n
}

// podCrash is a container that exits.
func (ps *pods) exits(i int32, why story.Cause) {
	d := &ps.slots[i]
	ps.ceases(i, podExited)
	if !d.crasher {
		d.crasher = true
		ps.known(d)
		ps.crashers++
	}
	ps.rec.crashes++
	d.since = ps.now
	ps.note(story.PodsCrash, "", why)
	ps.users.changed()
	ps.goOnIn(i, time.Duration(ps.draws.Float()*float64(relistPeriod)))
}

// podRestart is a sync of a pod whose container has exited: it starts the container, or waits for its backoff.
func (ps *pods) restart(i int32) {
	d := &ps.slots[i]
	if d.phase == podExited || !d.waited && d.phase == podBackOff { // Terminated, then CrashLoopBackOff
		d.waited = d.phase == podBackOff
		ps.owes(i)
	}
	expired := d.since-d.updated > 2*crashBackOffMost
	left := d.since + d.backoff - ps.now
	if d.backoff > 0 && !expired && left > 0 {
		d.phase = podBackOff
		ps.postEvents(i, 1) // BackOff
		wait := syncBackOff
		if ps.s.Version != kube.V1_29 {
			wait = min(left, resync)
		}
		ps.goOnIn(i, ps.syncBackOff(wait))
		return
	}
	switch {
	case d.backoff == 0 || expired:
		d.backoff = crashBackOff
	default:
		d.backoff = min(2*d.backoff, crashBackOffMost)
	}
	d.updated = ps.now
	d.phase = podStarting
	ps.goOnIn(i, ps.s.Pods.Start)
}

// crashed is how many pods' containers have crashed and not come back.
func (ps *pods) crashed() int {
	n := 0
	for i := range ps.slots {
		if d := &ps.slots[i]; d.crasher && d.phase != podFree && !d.serves() && d.phase != podPreparing {
			n++
		}
	}
	return n
}
