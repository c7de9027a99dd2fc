package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
)

// podSteps are the requests before a pod's containers start. A TokenRequest reads the service
// account and the pod. The CNI plugin's requests are those of AutoAssign and the workload endpoint
// in projectcalico/calico: cni-plugin/pkg/k8s/k8s.go, cni-plugin/pkg/ipamplugin/ipam_plugin.go,
// libcalico-go/lib/ipam/ipam.go (assignFromExistingBlock: incrementHandle, then updateBlock).
var podSteps = [...]purpose{
	forToken, forToken,
	forCNIRead, forCNIRead, forCNIRead, forCNIRead,
	forCNIWrite, forCNIWrite, forCNIWrite,
}

const (
	cniSteps = 2 // index in podSteps at which the CNI plugin's requests begin

	// addLimit is the time that an ADD may take (ipam_plugin.go, cmdAdd).
	addLimit = 90 * time.Second

	// workerBackOff is the time after which a pod worker tries again after an error, before jitter
	// of up to half as long (kubelet.go backOffPeriod, pod_workers.go
	// workerBackOffPeriodJitterFactor). A sandbox has no other backoff.
	workerBackOff = 10 * time.Second

	// tokenBackOff is the first wait of a volume's mount that failed. It doubles up to
	// tokenBackOffMost (util/goroutinemap/exponentialbackoff).
	tokenBackOff, tokenBackOffMost = 500 * time.Millisecond, 2*time.Minute + 2*time.Second
)

// placed handles a pod that the scheduler has put on a node. It is the kubelet's when the Binding
// has landed.
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

// bindLanded handles a Binding that has landed: that of the first pod which waits for one.
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

// bound lets the kubelet begin with a pod.
func (ps *pods) bound(i int32) {
	p := &ps.slots[i]
	p.phase, p.step, p.since = podPreparing, 0, ps.now
	ps.owes(i)
	ps.goOn(i)
}

// prepare sends the pod's next request, or starts its containers if there is none.
func (ps *pods) prepare(i int32) {
	p := &ps.slots[i]
	switch {
	case int(p.step) == len(podSteps) || p.step == cniSteps && !ps.s.Pods.CNINeedsAPI:
		p.phase = podStarting
		ps.goOnIn(i, ps.s.Pods.Start)
		return
	case p.step == cniSteps:
		p.add = ps.now
	}
	ps.ask(podSteps[p.step], p.node, ps.key(i))
}

// reply goes on with a pod that prepares. The token is tried again by itself, the CNI plugin's ADD
// from its beginning.
func (ps *pods) reply(key uint32, c code) {
	i, here := ps.of(key)
	if !here || ps.slots[i].phase != podPreparing {
		return
	}
	p := &ps.slots[i]
	if c == ok && (p.step < cniSteps || ps.now-p.add <= addLimit) {
		p.step++
		p.mount = 0
		ps.goOn(i)
		return
	}
	if !p.failed {
		p.failed = true
		ps.note(story.PodsWait, "", story.ByPodNeeds)
	}
	if p.step < cniSteps {
		p.mount = min(max(2*p.mount, tokenBackOff), tokenBackOffMost)
		ps.goOnIn(i, p.mount)
		return
	}
	p.step = cniSteps
	ps.postEvents(i, 1) // FailedCreatePodSandBox
	ps.goOnIn(i, ps.jitter(workerBackOff))
}

// jitter draws a pod worker's wait: the given one, and up to half as long again.
func (ps *pods) jitter(wait time.Duration) time.Duration {
	return wait + time.Duration(0.5*ps.draws.Float()*float64(wait))
}

// runs lets a pod serve whose containers have started, after its start or after a crash.
func (ps *pods) runs(i int32) {
	p := &ps.slots[i]
	ps.serves(i)
	ps.postEvents(i, 3) // Pulled, Created, Started
	if p.failed {
		p.failed = false
		ps.note(story.PodsStart, "", story.ByRecovery)
	}
	p.waited = false
	ps.owes(i)
	if p.loops {
		ps.goOnIn(i, ps.crashEvery)
	}
}
