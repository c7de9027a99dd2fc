package cascade

import "time"

// kubelet is the part of a node's kubelet that the control plane sees: its Lease, its Node status and its pods' status.
// The lease loop is k8s.io/component-helpers/apimachinery/lease/controller.go, step by step: an optimistic PUT from the
// last known version, at most five times in a row; after a conflict, or when all five failed, a quorum GET with backoff
// 200 ms ... 7 s and then PUTs again; then the next round after the interval and up to 4 % of jitter.
type kubelet struct {
	due     time.Duration // next lease round
	sleep   time.Duration // backoff before the next GET
	known   uint32        // version of the Lease it holds
	tries   uint8
	ensured bool // this round has already fallen back to a GET
	again   bool // the GET follows a conflict: it counts as one of the five tries
	silent  bool
	waiting bool // a lease request is out

	parked, statusParked time.Duration // since when it asks in vain: no API server listens

	statusTries uint8
	statusOut   bool
	statusGen   uint32
	reported    time.Duration // last Node status written
	leaseGen    uint32

	patching bool

	stalls             uint32 // of its runtime so far
	stalled, unhealthy bool   // the runtime hangs; PLEG says so
}

// node is what etcd holds of a node, and what the node lifecycle controller remembers.
type node struct {
	lease, object uint32        // versions
	renewed       time.Duration // when the stored Lease last changed
	seenLease     uint32
	probed        time.Duration // the controller's probeTimestamp
	notReady      bool          // stored Ready condition is Unknown
	marked        int32         // pods marked not ready
	pods          int32         // pods it runs
	serving       int32         // of which the workload's
	tainted       bool          // NoSchedule
	tainting      bool          // a PATCH of that taint is out
	taintAgain    bool          // the Node was written meanwhile
	evictAt       time.Duration // when the pods on a node with the NoExecute taint are deleted; 0: not tainted, negative: they are
	retry         bool          // MarkPodsNotReady has to be tried again
}

const (
	leaseTries   = 5
	leaseBackoff = 7 * time.Second // the longest wait before another GET
)

func (p *plane) leaseRound(i int32) {
	k := &p.kubelets[i]
	if k.silent {
		return
	}
	k.tries, k.ensured = 0, false
	p.leasePut(i)
}

func (p *plane) leasePut(i int32) {
	p.kubelets[i].waiting = true
	p.ask(forLease, i, p.kubelets[i].known)
}

func (p *plane) leaseNext(i int32) {
	k := &p.kubelets[i]
	k.waiting = false
	k.due = p.now + p.leaseInterval()
	p.queue.Push(k.due, evLease, i, k.leaseGen)
}

// leaseInterval is wait.JitterUntil's: the interval and up to 4 % more.
func (p *plane) leaseInterval() time.Duration {
	return time.Duration(float64(p.s.Leases.Renew) * (1 + 0.04*p.kubeletDraws.Float()))
}

func (p *plane) leaseReply(i int32, version uint32, c code) {
	k := &p.kubelets[i]
	if k.silent {
		k.waiting = false
		return
	}
	switch {
	case c == ok:
		k.known = version + 1
		p.leaseNext(i)
	case c == conflict:
		k.again = true
		p.leaseGet(i)
	default:
		p.leaseTryAgain(i)
	}
}

func (p *plane) leaseTryAgain(i int32) {
	k := &p.kubelets[i]
	k.tries++
	switch {
	case k.tries < leaseTries:
		p.retryLease(i)
	case !k.ensured:
		k.ensured, k.again = true, false
		p.leaseGet(i)
	default:
		p.leaseNext(i)
	}
}

// retryLease goes on at once. A refused connection still costs a round trip, so that virtual time moves.
func (p *plane) retryLease(i int32) {
	if p.servers[p.serverFor(forLease, i)].down {
		p.queue.Push(p.now+time.Millisecond, evLeaseRetry, i, p.kubelets[i].leaseGen)
		return
	}
	p.leasePut(i)
}

func (p *plane) leaseGet(i int32) {
	k := &p.kubelets[i]
	k.sleep = 100 * time.Millisecond
	p.ask(forLeaseGet, i, 0)
}

func (p *plane) leaseGetReply(i int32, c code) {
	k := &p.kubelets[i]
	if k.silent {
		k.waiting = false
		return
	}
	if c != ok {
		k.sleep = min(2*k.sleep, leaseBackoff)
		if c == refused && k.sleep == leaseBackoff && p.noServer() {
			k.parked = p.now
			return
		}
		p.queue.Push(p.now+k.sleep, evLeaseGet, i, k.leaseGen)
		return
	}
	k.known = p.nodes[i].lease
	if k.again {
		p.leaseTryAgain(i)
		return
	}
	k.tries = 0
	p.leasePut(i)
}

// The Node status loop (kubelet_node_status.go): every 10 s it reads its Node from the API server's cache, and writes if
// the conditions stored there differ from its own or five minutes have passed. Only rounds that write are simulated.

const statusPeriod, statusReport = 10 * time.Second, 5 * time.Minute

// statusWake plans the first round at or after a time. Rounds are 10 to 10.4 s apart and no two nodes' are in step, so
// that is up to a period later.
func (p *plane) statusWake(i int32, notBefore time.Duration) {
	k := &p.kubelets[i]
	if k.silent || k.statusOut {
		return
	}
	k.statusGen++
	p.queue.Push(max(notBefore, p.now)+time.Duration(p.kubeletDraws.Float()*1.02*float64(statusPeriod)), evStatus, i, k.statusGen)
}

func (p *plane) statusRound(i int32) {
	k := &p.kubelets[i]
	if k.silent {
		return
	}
	if !p.statusDiffers(i) && p.now-k.reported < statusReport {
		p.statusWake(i, k.reported+statusReport)
		return
	}
	k.statusOut, k.statusTries = true, 0
	p.ask(forStatus, i, 0)
}

func (p *plane) statusReply(i int32, c code) {
	k := &p.kubelets[i]
	if k.silent {
		k.statusOut = false
		return
	}
	if c == ok {
		k.statusOut = false
		k.reported = p.now
		next := p.now + statusReport
		if p.statusDiffers(i) {
			next = p.now + statusPeriod
		}
		p.statusWake(i, next)
		return
	}
	p.statusAgain(i)
}

func (p *plane) statusAgain(i int32) {
	k := &p.kubelets[i]
	k.statusTries++
	if k.statusTries < leaseTries {
		p.ask(forStatusGet, i, 0)
		return
	}
	k.statusOut = false
	if p.noServer() {
		k.statusParked = p.now
		return
	}
	p.statusWake(i, p.now+statusPeriod)
}

func (p *plane) statusGetReply(i int32, c code) {
	if p.kubelets[i].silent {
		p.kubelets[i].statusOut = false
		return
	}
	if c != ok {
		p.statusAgain(i)
		return
	}
	if !p.statusDiffers(i) && p.now-p.kubelets[i].reported < statusReport {
		p.kubelets[i].statusOut = false
		p.statusWake(i, p.kubelets[i].reported+statusReport)
		return
	}
	p.ask(forStatus, i, 0)
}

// Pod status: the status manager reconciles every 10 s; each pod costs a quorum GET and a PATCH, one after the other.

func (p *plane) podsWake(i int32) {
	k := &p.kubelets[i]
	if k.patching || k.silent || p.nodes[i].marked == 0 {
		return
	}
	k.patching = true
	p.queue.Push(p.now+time.Duration(p.kubeletDraws.Float()*float64(statusPeriod)), evPods, i, 0)
}

func (p *plane) podsRound(i int32) {
	k := &p.kubelets[i]
	if k.silent || p.nodes[i].marked == 0 {
		k.patching = false
		return
	}
	p.askVia(&p.kubeletLimits[i], forPodGet, i, 0)
}

func (p *plane) podGetReply(i int32, c code) {
	if c != ok {
		p.queue.Push(p.now+statusPeriod, evPods, i, 0)
		return
	}
	p.askVia(&p.kubeletLimits[i], forPodReady, i, 0)
}

func (p *plane) podReadyReply(i int32, c code) {
	if c != ok {
		p.queue.Push(p.now+statusPeriod, evPods, i, 0)
		return
	}
	p.podsRound(i)
}
