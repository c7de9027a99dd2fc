package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
)

// podSteps are the requests before a pod's containers start. The CNI plugin's are those of AutoAssign and the workload endpoint in
// projectcalico/calico: cni-plugin/pkg/k8s/k8s.go, cni-plugin/pkg/ipamplugin/ipam_plugin.go, libcalico-go/lib/ipam/ipam.go
// (assignFromExistingBlock: incrementHandle, then updateBlock).
var podSteps = [...]purpose{forToken, forToken, forCNIRead, forCNIRead, forCNIRead, forCNIRead, forCNIWrite, forCNIWrite, forCNIWrite}

const (
	cniSteps = 2 // where the CNI plugin's requests begin

	// addLimit is how long an ADD may take (ipam_plugin.go, cmdAdd).
	addLimit = 90 * time.Second

	// syncBackOff is when a pod worker tries again after an error, and half as long at most on top (kubelet.go backOffPeriod, pod_workers.go
	// workerBackOffPeriodJitterFactor). A sandbox has no other backoff.
	syncBackOff = 10 * time.Second

	// tokenBackOff doubles from the first to the longest wait of a volume's mount (util/goroutinemap/exponentialbackoff).
	tokenBackOff, tokenBackOffMost = 500 * time.Millisecond, 2*time.Minute + 2*time.Second
)

// podPlaced is a pod that the scheduler put on a node. It is the kubelet's when the Binding has landed.
func (ps *pods) placed(node int32) {
	n := &ps.away[node]
	i := ps.take(node, podBinding)
	ps.slots[i].ready, ps.slots[i].fresh = false, true
	ps.fresh++
	n.idle++
	n.unready++
	ps.idle++
	if ps.quiet {
		ps.goOnIn(i, ps.etcd.latencyOf(forPodBind))
	} else {
		ps.binding = append(ps.binding, i)
	}
}

// bindLanded is a Binding in etcd: of the first pod that waits for one.
func (ps *pods) bindLanded() {
	for len(ps.binding) > 0 {
		i := ps.binding[0]
		ps.binding = append(ps.binding[:0], ps.binding[1:]...)
		if ps.slots[i].phase == podBinding {
			ps.goOn(i)
			return
		}
	}
}

// bindAgain is the scheduler's next try with a Binding that etcd refused.
func (sc *scheduling) bindAgain() {
	sc.bulk(forPodBind, 1)
	if sc.quiet {
		sc.pods.bindLanded()
	}
}

func (ps *pods) bound(i int32) {
	d := &ps.slots[i]
	d.phase, d.step, d.since = podPreparing, 0, ps.now
	ps.owes(i)
	ps.goOn(i)
}

// podAsk goes on with the pod's next request, or starts its containers.
func (ps *pods) prepare(i int32) {
	d := &ps.slots[i]
	switch {
	case int(d.step) == len(podSteps) || d.step == cniSteps && !ps.s.Pods.CNINeedsAPI:
		d.phase = podStarting
		ps.goOnIn(i, ps.s.Pods.Start)
		return
	case d.step == cniSteps:
		d.add = ps.now
	}
	ps.ask(podSteps[d.step], d.node, ps.key(i))
}

func (ps *pods) reply(key uint32, c code) {
	i, here := ps.of(key)
	if !here || ps.slots[i].phase != podPreparing {
		return
	}
	d := &ps.slots[i]
	if c == ok && (d.step < cniSteps || ps.now-d.add <= addLimit) {
		d.step++
		d.mount = 0
		ps.goOn(i)
		return
	}
	if !d.failed {
		d.failed = true
		ps.note(story.PodsWait, "", story.ByPodNeeds)
	}
	if d.step < cniSteps {
		d.mount = min(max(2*d.mount, tokenBackOff), tokenBackOffMost)
		ps.goOnIn(i, d.mount)
		return
	}
	d.step = cniSteps
	ps.postEvents(i, 1) // FailedCreatePodSandBox
	ps.goOnIn(i, ps.syncBackOff(syncBackOff))
}

// syncBackOff is a pod worker's wait: up to half as long again.
func (ps *pods) syncBackOff(wait time.Duration) time.Duration {
	return wait + time.Duration(0.5*ps.draws.Float()*float64(wait))
}

// podRuns is a pod whose containers have started, after its start or after a crash.
func (ps *pods) runs(i int32) {
	d := &ps.slots[i]
	ps.serves(i)
	ps.postEvents(i, 3) // Pulled, Created, Started
	if d.failed {
		d.failed = false
		ps.note(story.PodsStart, "", story.ByRecovery)
	}
	d.waited = false
	ps.owes(i)
	if d.loops {
		ps.goOnIn(i, ps.crashEvery)
	}
}
