package sim

import (
	"time"

	"github.com/redline-go/redline/internal/stream"
)

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

// kubelets are the nodes' kubelets, by node.
type kubelets struct {
	*cluster
	list   []kubelet
	limits []limiter // of their clients
	draws  stream.Source
}

// start spreads the kubelets' rounds over their periods, and the pods over the nodes.
func (ks *kubelets) start(c *cluster) {
	s := c.s
	ks.cluster, ks.list, ks.limits = c, make([]kubelet, s.Nodes), make([]limiter, s.Nodes)
	ks.draws.Reset(s.Seed, "kubelet")
	for i := range ks.list {
		k := &ks.list[i]
		ks.limits[i] = newLimiter(50, 100)
		k.due = time.Duration(ks.draws.Float() * float64(s.Leases.Renew))
		k.reported = -time.Duration(ks.draws.Float() * 1.02 * float64(statusReport))
		if s.Uptime > 0 {
			k.reported = -(s.Uptime+k.due)%(statusReport+statusPeriod/2) - k.due%statusPeriod
		}
	}
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

func (ks *kubelets) leaseRound(i int32) {
	k := &ks.list[i]
	if k.silent {
		return
	}
	k.tries, k.ensured = 0, false
	ks.leasePut(i)
}

func (ks *kubelets) leasePut(i int32) {
	ks.list[i].waiting = true
	ks.ask(forLease, i, ks.list[i].known)
}

func (ks *kubelets) leaseNext(i int32) {
	k := &ks.list[i]
	k.waiting = false
	k.due = ks.now + ks.leaseInterval()
	ks.at(k.due, evLease, i, k.leaseGen)
}

// leaseInterval is wait.JitterUntil's: the interval and up to 4 % more.
func (ks *kubelets) leaseInterval() time.Duration {
	return time.Duration(float64(ks.s.Leases.Renew) * (1 + 0.04*ks.draws.Float()))
}

func (ks *kubelets) leaseReply(i int32, version uint32, c code) {
	k := &ks.list[i]
	if k.silent {
		k.waiting = false
		return
	}
	switch {
	case c == ok:
		k.known = version + 1
		ks.leaseNext(i)
	case c == conflict:
		k.again = true
		ks.leaseGet(i)
	default:
		ks.leaseTryAgain(i)
	}
}

func (ks *kubelets) leaseTryAgain(i int32) {
	k := &ks.list[i]
	k.tries++
	switch {
	case k.tries < leaseTries:
		ks.leaseRetry(i)
	case !k.ensured:
		k.ensured, k.again = true, false
		ks.leaseGet(i)
	default:
		ks.leaseNext(i)
	}
}

// retryLease goes on at once. A refused connection still costs a round trip, so that virtual time moves.
func (ks *kubelets) leaseRetry(i int32) {
	if ks.servers.list[ks.servers.serverFor(forLease, i)].down {
		ks.at(ks.now+time.Millisecond, evLeaseRetry, i, ks.list[i].leaseGen)
		return
	}
	ks.leasePut(i)
}

func (ks *kubelets) leaseGet(i int32) {
	k := &ks.list[i]
	k.sleep = 100 * time.Millisecond
	ks.ask(forLeaseGet, i, 0)
}

func (ks *kubelets) leaseGetReply(i int32, c code) {
	k := &ks.list[i]
	if k.silent {
		k.waiting = false
		return
	}
	if c != ok {
		k.sleep = min(2*k.sleep, leaseBackoff)
		if c == refused && k.sleep == leaseBackoff && ks.servers.none() {
			k.parked = ks.now
			return
		}
		ks.at(ks.now+k.sleep, evLeaseGet, i, k.leaseGen)
		return
	}
	k.known = ks.nodes[i].lease
	if k.again {
		ks.leaseTryAgain(i)
		return
	}
	k.tries = 0
	ks.leasePut(i)
}
