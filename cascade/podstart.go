package cascade

import "time"

// How a pod that was bound comes to run (pkg/kubelet, v1.29.2 and v1.37.2). Its kubelet reports it Pending, mounts its service account's
// token, which takes a TokenRequest to the API server (pkg/registry/core/serviceaccount/storage/token.go reads the service account and the
// pod from etcd), makes its sandbox, whose network the CNI plugin sets up, starts its containers and reports it Ready. Until then kubectl says
// ContainerCreating.

// Pods is how the workload's pods start on their nodes.
type Pods struct {
	// Start is how long a pod takes from its network to Ready: its containers' creation from an image that the node has, the process's start, its
	// readiness probe. Zero: 2 s, assumed; Kubernetes' own objective is 5 s for all of it (sig-scalability, pod startup latency).
	Start time.Duration `yaml:"start,omitempty"`

	// CNINeedsAPI is a CNI plugin whose ADD asks the API server, as Calico's with the Kubernetes datastore does: it reads the pod, the IP pools, the
	// node's block affinity and the block, then writes a handle, the block and the pod's annotation, one after the other. Calico's host-wide lock
	// and what it does to release addresses cost nothing here. False: a plugin that keeps its addresses on the node, as host-local does.
	CNINeedsAPI bool `yaml:"cniNeedsAPI,omitempty"`

	// Liveness is a liveness probe, with the default period and failures, that a pod at its CPU limit fails.
	Liveness bool `yaml:"liveness,omitempty"`
}

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
func (p *plane) podPlaced(node int32) {
	n := &p.away[node]
	i := p.newPod(node, podBinding)
	p.slots[i].ready, p.slots[i].fresh = false, true
	p.fresh++
	n.idle++
	n.unready++
	p.idle++
	if p.quiet {
		p.podIn(i, p.latencyOf(forPodBind))
	} else {
		p.binding = append(p.binding, i)
	}
}

// bindLanded is a Binding in etcd: of the first pod that waits for one.
func (p *plane) bindLanded() {
	for len(p.binding) > 0 {
		i := p.binding[0]
		p.binding = append(p.binding[:0], p.binding[1:]...)
		if p.slots[i].phase == podBinding {
			p.podTimer(i)
			return
		}
	}
}

// bindAgain is the scheduler's next try with a Binding that etcd refused.
func (p *plane) bindAgain() {
	p.bulk(forPodBind, 1)
	if p.quiet {
		p.bindLanded()
	}
}

func (p *plane) podBound(i int32) {
	d := &p.slots[i]
	d.phase, d.step, d.since = podPreparing, 0, p.now
	p.podOwes(i)
	p.podTimer(i)
}

// podAsk goes on with the pod's next request, or starts its containers.
func (p *plane) podAsk(i int32) {
	d := &p.slots[i]
	switch {
	case int(d.step) == len(podSteps) || d.step == cniSteps && !p.s.Pods.CNINeedsAPI:
		d.phase = podStarting
		p.podIn(i, p.s.Pods.Start)
		return
	case d.step == cniSteps:
		d.add = p.now
	}
	p.ask(podSteps[d.step], d.node, p.podKey(i))
}

func (p *plane) podReply(key uint32, c code) {
	i, here := p.podOf(key)
	if !here || p.slots[i].phase != podPreparing {
		return
	}
	d := &p.slots[i]
	if c == ok && (d.step < cniSteps || p.now-d.add <= addLimit) {
		d.step++
		d.mount = 0
		p.podTimer(i)
		return
	}
	if !d.failed {
		d.failed = true
		p.note(PodsWait, "", ByPodNeeds)
	}
	if d.step < cniSteps {
		d.mount = min(max(2*d.mount, tokenBackOff), tokenBackOffMost)
		p.podIn(i, d.mount)
		return
	}
	d.step = cniSteps
	p.podEvents(i, 1) // FailedCreatePodSandBox
	p.podIn(i, p.syncBackOff(syncBackOff))
}

// syncBackOff is a pod worker's wait: up to half as long again.
func (p *plane) syncBackOff(wait time.Duration) time.Duration {
	return wait + time.Duration(0.5*p.podDraws.Float()*float64(wait))
}

// podRuns is a pod whose containers have started, after its start or after a crash.
func (p *plane) podRuns(i int32) {
	d := &p.slots[i]
	p.podServes(i)
	p.podEvents(i, 3) // Pulled, Created, Started
	if d.failed {
		d.failed = false
		p.note(PodsStart, "", ByRecovery)
	}
	d.waited = false
	p.podOwes(i)
	if d.loops {
		p.podIn(i, p.crashEvery)
	}
}

// spamBurst and spamGap are client-go's spam filter for the Events of one object (tools/record/events_cache.go).
const (
	spamBurst = 25
	spamGap   = 300 * time.Second
)

// podEvents are Events of one pod by its kubelet: each is a write, as its count grows if nothing else, until the recorder's spam filter drops it.
func (p *plane) podEvents(i int32, n int) {
	d := &p.slots[i]
	d.spam = min(spamBurst, d.spam+float64(p.now-d.spamAt)/float64(spamGap))
	d.spamAt = p.now
	for range n {
		if d.spam < 1 || p.kubelets[d.node].silent {
			return
		}
		d.spam--
		p.ask(forKubeletEvent, d.node, 0)
	}
}

// Status reports: a kubelet's status manager sends them one after the other, at once when a status changes, and all that failed every 10 s
// (status/status_manager.go, Start and syncBatch): a quorum GET of the pod, then a PATCH.

func (p *plane) podOwes(i int32) {
	p.slots[i].owed = true
	p.reportsWake(p.slots[i].node)
}

func (p *plane) reportsWake(node int32) {
	if k := &p.away[node]; !k.reporting && !p.kubelets[node].silent {
		k.reporting = true
		p.report(node)
	}
}

// report sends the first status that the kubelet owes.
func (p *plane) report(node int32) {
	k := &p.kubelets[node]
	for at := p.away[node].slots; at > 0 && !k.silent; at = p.slots[at-1].next {
		if d := &p.slots[at-1]; d.owed {
			p.askVia(&p.kubeletLimits[node], forReportGet, node, p.podKey(at-1))
			return
		}
	}
	p.away[node].reporting = false
}

func (p *plane) reportReply(why purpose, node int32, key uint32, c code) {
	i, here := p.podOf(key)
	switch {
	case c != ok:
		if here {
			p.slots[i].owed = true
		}
		p.queue.Push(p.now+statusPeriod, evReport, node, 0)
	case !here || why == forReport:
		p.report(node)
	default:
		d := &p.slots[i]
		d.owed, d.told = false, d.serves()
		p.askVia(&p.kubeletLimits[node], forReport, node, key)
	}
}

// reported is a pod's status in etcd.
func (p *plane) reported(key uint32) {
	i, here := p.podOf(key)
	if !here {
		return
	}
	d := &p.slots[i]
	if d.ready != d.told {
		d.ready = d.told
		if d.ready {
			p.rec.creating = max(p.rec.creating, d.creating(p.now))
			p.known(d)
			p.away[d.node].unready--
		} else {
			p.away[d.node].unready++
		}
		p.endpointsChanged()
	}
	if d.ready && d.serves() && !d.crasher && !d.owed {
		p.freePod(i)
	}
}

// creating is for how long kubectl has said ContainerCreating of the pod: since it was bound, until it is reported to run.
func (d *pod) creating(now time.Duration) time.Duration {
	if d.crasher || d.phase == podFree || d.phase == podBinding {
		return 0
	}
	return now - d.since
}

// creating is the longest of all pods, be it that it goes on.
func (p *plane) creating() time.Duration {
	longest := p.rec.creating
	for i := range p.slots {
		if d := &p.slots[i]; !d.ready {
			longest = max(longest, d.creating(p.now))
		}
	}
	return longest
}
