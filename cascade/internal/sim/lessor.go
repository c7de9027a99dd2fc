package sim

import (
	"time"
)

// etcd's lessor, which revokes the leases that have expired.

// etcdLease is an etcd lease by its number, which begins at 1.
type etcdLease struct {
	state leaseState
	next  int32 // of those that one look of the lessor has found; 0: none
}

// look is the lessor's latest at which etcd had to make sure first that it leads: when, and the last lease that it found.
type look struct {
	at   time.Duration
	last int32
}

// lessor keeps etcd's leases.
type lessor struct {
	*cluster
	leases    []etcdLease // by number
	look      look
	firstScan time.Duration
}

func (ls *lessor) start(c *cluster) {
	ls.cluster, ls.leases = c, make([]etcdLease, 0, 1024) // hours of them
}

// activeFor is for how long etcd takes itself for the leader after a tick: three heartbeats (server.go, isActive).
const activeFor = 300 * time.Millisecond

// revoke proposes the end of an etcd lease that a look of the lessor has found, and does so again every 7 s until it is applied (lessor.go,
// expiredLeaseRetryInterval). A member whose loop has not ticked lately makes sure by a quorum read first that it still leads, one for all leases
// of that look (server.go, revokeExpiredLeases and ensureLeadership, since 3.5.13); if that takes 7 s it revokes none of them.
func (ls *lessor) revoke(lease int32, waited bool) {
	if ls.quiet || ls.leases[lease-1].state == leaseRevoked {
		return
	}
	if free := ls.etcd.lessorFree(ls.now); free > ls.now && !waited {
		ls.at(free, evRevoke, lease, 1)
		return
	}
	ls.at(ls.now+etcdTimeout, evRevoke, lease, 0)
	if ls.s.Etcd.Before3512 || ls.etcd.saving(ls.now) <= activeFor {
		ls.proposeRevoke(lease)
		return
	}
	ls.leases[lease-1].next = 0
	if l := &ls.look; l.at == ls.now && l.last > 0 {
		ls.leases[l.last-1].next = lease
		l.last = lease
		return
	}
	ls.look = look{ls.now, lease}
	k := ls.newOrphan(forRevoke)
	ls.proposals[k].version, ls.proposals[k].until = uint32(lease), ls.now+etcdTimeout
	ls.etcd.read(ls.now, k)
}

// ensured is the end of that read.
func (ls *lessor) ensured(q *proposal) {
	if ls.now >= q.until {
		return
	}
	ls.look.last = 0
	for lease := int32(q.version); lease > 0; lease = ls.leases[lease-1].next {
		ls.proposeRevoke(lease)
	}
}

func (ls *lessor) proposeRevoke(lease int32) {
	k := ls.newOrphan(forRevoke)
	ls.proposals[k].version = uint32(lease)
	ls.etcd.propose(ls.now, k)
}
