package sim

import (
	"time"

	"github.com/redline-go/redline/internal/stream"
)

// kubelets have the state of every node's kubelet.
type kubelets struct {
	*cluster
	list   []kubelet // by node
	limits []limiter // of their clients, by node: 50 QPS, bursts of 100
	draws  stream.Source
}

// kubelet is the part of a kubelet that the control plane sees: its Lease, its Node status and its
// pods' status.
//
// The Lease loop follows k8s.io/component-helpers/apimachinery/lease/controller.go step by step. A
// round is an optimistic PUT from the last known version, at most five times in a row. After a
// conflict, or when all five failed, it is a quorum GET with a backoff of 200 ms ... 7 s, and then
// PUTs again. The next round comes after the interval and up to 4 % of jitter.
type kubelet struct {
	// Its Lease.
	due      time.Duration // when the next round begins
	sleep    time.Duration // backoff before the next GET
	known    uint32        // version of the Lease that it writes from
	leaseGen uint32        // generation of its timers
	waiting  bool          // a round is under way
	ensured  bool          // this round has already fallen back to a GET
	again    bool          // the GET follows a conflict, which counts as one of the five tries
	tries    uint8         // PUTs of this round that failed

	// Its Node's status.
	statusGen   uint32        // generation of its timers
	reported    time.Duration // when it wrote the status last
	statusTries uint8         // requests of this round that failed
	statusOut   bool          // a report is under way

	silent   bool // it says nothing
	patching bool // it mends its pods' Ready conditions

	// Its container runtime.
	stalls    uint32 // how often it has hung
	stalled   bool   // it hangs
	unhealthy bool   // PLEG says so

	// Since when it asks in vain, as no API server listens. Zero: it does not.
	parked, statusParked time.Duration
}

const (
	leaseTries   = 5
	leaseBackoff = 7 * time.Second // the longest wait before another GET
)

// start spreads the kubelets' rounds over their periods. Kubelets that were started together,
// Uptime ago, report their status together.
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

// leaseRound starts a renewal of the Lease.
func (ks *kubelets) leaseRound(i int32) {
	k := &ks.list[i]
	if k.silent {
		return
	}
	k.tries, k.ensured = 0, false
	ks.leasePut(i)
}

// leasePut PUTs the Lease from the version that the kubelet knows.
func (ks *kubelets) leasePut(i int32) {
	ks.list[i].waiting = true
	ks.ask(forLease, i, ks.list[i].known)
}

// leaseReply goes on after a PUT of the Lease.
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

// leaseTryAgain counts a failed PUT. It repeats the PUT, falls back to a GET once a round, or
// gives the round up.
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

// leaseRetry repeats the PUT at once. A refused connection costs a round trip all the same, so
// that virtual time moves.
func (ks *kubelets) leaseRetry(i int32) {
	if ks.servers.list[ks.servers.serverFor(forLease, i)].down {
		ks.at(ks.now+time.Millisecond, evLeaseRetry, i, ks.list[i].leaseGen)
		return
	}
	ks.leasePut(i)
}

// leaseGet GETs the Lease, to learn its version.
func (ks *kubelets) leaseGet(i int32) {
	k := &ks.list[i]
	k.sleep = 100 * time.Millisecond
	ks.ask(forLeaseGet, i, 0)
}

// leaseGetReply goes on after a GET of the Lease. One that failed is repeated after its backoff.
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

// leaseNext ends the round and plans the next one.
func (ks *kubelets) leaseNext(i int32) {
	k := &ks.list[i]
	k.waiting = false
	k.due = ks.now + ks.leaseInterval()
	ks.at(k.due, evLease, i, k.leaseGen)
}

// leaseInterval draws the time between two rounds, as wait.JitterUntil does: the interval and up
// to 4 % more.
func (ks *kubelets) leaseInterval() time.Duration {
	return time.Duration(float64(ks.s.Leases.Renew) * (1 + 0.04*ks.draws.Float()))
}
