package cascade

import "time"

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

// activeFor is for how long etcd takes itself for the leader after a tick: three heartbeats (server.go, isActive).
const activeFor = 300 * time.Millisecond

// revoke proposes the end of an etcd lease that a look of the lessor has found, and does so again every 7 s until it is applied (lessor.go,
// expiredLeaseRetryInterval). A member whose loop has not ticked lately makes sure by a quorum read first that it still leads, one for all leases
// of that look (server.go, revokeExpiredLeases and ensureLeadership, since 3.5.13); if that takes 7 s it revokes none of them.
func (p *plane) revoke(lease int32, waited bool) {
	if p.quiet || p.etcdLeases[lease-1].state == leaseRevoked {
		return
	}
	if free := p.store.lessorFree(p.now); free > p.now && !waited {
		p.queue.Push(free, evRevoke, lease, 1)
		return
	}
	p.queue.Push(p.now+etcdTimeout, evRevoke, lease, 0)
	if p.s.Etcd.Before3512 || p.store.saving(p.now) <= activeFor {
		p.proposeRevoke(lease)
		return
	}
	p.etcdLeases[lease-1].next = 0
	if l := &p.look; l.at == p.now && l.last > 0 {
		p.etcdLeases[l.last-1].next = lease
		l.last = lease
		return
	}
	p.look = look{p.now, lease}
	k := p.newOrphan(forRevoke)
	p.proposals[k].version, p.proposals[k].until = uint32(lease), p.now+etcdTimeout
	p.store.read(p.now, k)
}

// ensured is the end of that read.
func (p *plane) ensured(q *proposal) {
	if p.now >= q.until {
		return
	}
	p.look.last = 0
	for lease := int32(q.version); lease > 0; lease = p.etcdLeases[lease-1].next {
		p.proposeRevoke(lease)
	}
}

func (p *plane) proposeRevoke(lease int32) {
	k := p.newOrphan(forRevoke)
	p.proposals[k].version = uint32(lease)
	p.store.propose(p.now, k)
}
