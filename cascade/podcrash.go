package cascade

import (
	"time"

	"github.com/redline-go/redline/scheduler/retry"
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
func (p *plane) crash(n int, every time.Duration) {
	if n == 0 {
		p.note(CrashesEnd, "", ByScenario)
		for i := range p.slots {
			p.slots[i].loops = false
		}
		return
	}
	p.crashEvery = every
	for i := range p.slots {
		if d := &p.slots[i]; n > 0 && d.serves() {
			d.loops = every > 0
			p.podCrash(int32(i), ByScenario)
			n--
		}
	}
	for i := range p.nodes {
		for p.plainPods(int32(i)) > 0 && n > 0 {
			at := p.newPod(int32(i), podServing)
			p.slots[at].loops = every > 0
			p.podCrash(at, ByScenario)
			n--
		}
	}
}

// plainPods is how many of the workload's pods on a node have no slot.
func (p *plane) plainPods(node int32) int32 {
	n := p.nodes[node].serving
	for at := p.away[node].slots; at > 0; at = p.slots[at-1].next {
		n--
	}
	return n
}

// podCrash is a container that exits.
func (p *plane) podCrash(i int32, why Cause) {
	d := &p.slots[i]
	p.podIdle(i, podExited)
	if !d.crasher {
		d.crasher = true
		p.known(d)
		p.crashers++
	}
	p.rec.crashes++
	d.since = p.now
	p.note(PodsCrash, "", why)
	p.usersChanged()
	p.podIn(i, time.Duration(p.podDraws.Float()*float64(relistPeriod)))
}

// podRestart is a sync of a pod whose container has exited: it starts the container, or waits for its backoff.
func (p *plane) podRestart(i int32) {
	d := &p.slots[i]
	if d.phase == podExited || !d.waited && d.phase == podBackOff { // Terminated, then CrashLoopBackOff
		d.waited = d.phase == podBackOff
		p.podOwes(i)
	}
	expired := d.since-d.updated > 2*crashBackOffMost
	left := d.since + d.backoff - p.now
	if d.backoff > 0 && !expired && left > 0 {
		d.phase = podBackOff
		p.podEvents(i, 1) // BackOff
		wait := syncBackOff
		if p.s.Version != retry.V1_29 {
			wait = min(left, resync)
		}
		p.podIn(i, p.syncBackOff(wait))
		return
	}
	switch {
	case d.backoff == 0 || expired:
		d.backoff = crashBackOff
	default:
		d.backoff = min(2*d.backoff, crashBackOffMost)
	}
	d.updated = p.now
	d.phase = podStarting
	p.podIn(i, p.s.Pods.Start)
}

// crashed is how many pods' containers have crashed and not come back.
func (p *plane) crashed() int {
	n := 0
	for i := range p.slots {
		if d := &p.slots[i]; d.crasher && d.phase != podFree && !d.serves() && d.phase != podPreparing {
			n++
		}
	}
	return n
}
