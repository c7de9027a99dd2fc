package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/kube"
)

// Containers that crash (pkg/kubelet/kuberuntime/kuberuntime_manager.go, doBackOff; client-go
// util/flowcontrol/backoff.go). The kubelet finds an exited container at its next relist, reports
// the pod not ready, and starts the container again. It does so at once the first time, then 10 s
// after the exit, 20 s, up to 5 min. After 10 min without a crash it begins again.
//
// Of v1.37's feature gates KubeletCrashLoopBackOffMax (on) keeps the 5 min unless set, and
// ReduceDefaultCrashLoopBackOffDecay is off. The sandbox stays, and with it the pod's address: a
// crash is no work for the CNI plugin.
const (
	crashBackOff, crashBackOffMost = 10 * time.Second, 300 * time.Second

	// relistPeriod is the time between two relists of PLEG (kubelet.go, genericPlegRelistPeriod).
	relistPeriod = time.Second

	// resync is the longest that a pod worker of v1.37 waits for a backoff, before jitter
	// (pod_workers.go completeWork, SyncFrequency).
	resync = time.Minute
)

// crash makes n of the workload's pods crash, those that have a slot first. They crash again after
// they have run for `every`, unless that is zero. An n of 0 ends all crash loops.
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
		if p := &ps.slots[i]; n > 0 && p.serves() {
			p.loops = every > 0
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

// exits ends a pod's container.
func (ps *pods) exits(i int32, why story.Cause) {
	p := &ps.slots[i]
	ps.ceases(i, podExited)
	if !p.crasher {
		p.crasher = true
		ps.clearFresh(p)
		ps.crashers++
	}
	ps.rec.crashes++
	p.since = ps.now
	ps.note(story.PodsCrash, "", why)
	ps.users.changed()
	ps.goOnIn(i, time.Duration(ps.draws.Float()*float64(relistPeriod)))
}

// restart syncs a pod whose container has exited. It starts the container, or waits for its
// backoff. The kubelet reports the pod Terminated, then CrashLoopBackOff.
func (ps *pods) restart(i int32) {
	p := &ps.slots[i]
	if p.phase == podExited || !p.waited && p.phase == podBackOff {
		p.waited = p.phase == podBackOff
		ps.owes(i)
	}
	expired := p.since-p.updated > 2*crashBackOffMost
	left := p.since + p.backoff - ps.now
	if p.backoff > 0 && !expired && left > 0 {
		p.phase = podBackOff
		ps.postEvents(i, 1) // BackOff
		wait := workerBackOff
		if ps.s.Version != kube.V1_29 {
			wait = min(left, resync)
		}
		ps.goOnIn(i, ps.jitter(wait))
		return
	}
	if p.backoff == 0 || expired {
		p.backoff = crashBackOff
	} else {
		p.backoff = min(2*p.backoff, crashBackOffMost)
	}
	p.updated = ps.now
	p.phase = podStarting
	ps.goOnIn(i, ps.s.Pods.Start)
}

// crashed returns how many pods' containers have crashed and not come back.
func (ps *pods) crashed() int {
	n := 0
	for i := range ps.slots {
		if p := &ps.slots[i]; p.crasher && p.phase != podFree && !p.serves() && p.phase != podPreparing {
			n++
		}
	}
	return n
}
