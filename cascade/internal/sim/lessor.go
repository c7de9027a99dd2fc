package sim

import (
	"time"
)

// lessor is etcd's lessor. It keeps the etcd leases of the API servers' registrations, and revokes
// those that have expired. A revoked lease deletes the registration that is attached to it.
type lessor struct {
	*cluster
	leases    []etcdLease // a lease's number is its index plus one
	look      look
	firstScan time.Duration // of the lessor; the next come every scanPeriod
}

// etcdLease is a lease in etcd.
type etcdLease struct {
	state leaseState
	next  int32 // number of the next lease that the same look has found; 0: none
}

// leaseState says how far the end of an etcd lease has come.
type leaseState uint8

// The states.
const (
	leaseGranted leaseState = iota
	leaseRevoking
	leaseRevoked
)

// look is the lessor's last look for expired leases that had to wait for a proof that etcd leads.
type look struct {
	at   time.Duration
	last int32 // number of the last lease that it found; 0: the proof has come
}

// scanPeriod is the time between two looks of the lessor for expired leases (lessor.go, runLoop).
// Leases that a stall has granted together are thereby revoked together.
const scanPeriod = 500 * time.Millisecond

// activeFor is the time after a tick for which etcd takes itself for the leader: three heartbeats
// (server.go, isActive).
const activeFor = 300 * time.Millisecond

// start makes room for the leases of some hours.
func (ls *lessor) start(c *cluster) {
	ls.cluster, ls.leases = c, make([]etcdLease, 0, 1024)
}

// grant returns the number of a new lease that lasts ttl from then on.
func (ls *lessor) grant(from, ttl time.Duration) int32 {
	ls.leases = append(ls.leases, etcdLease{})
	lease := int32(len(ls.leases))
	scan := (max(ls.now, from+ttl) - ls.firstScan + scanPeriod - 1) / scanPeriod
	ls.at(ls.firstScan+scan*scanPeriod, evRevoke, lease, 0)
	return lease
}

// revoke proposes the end of a lease that a look of the lessor has found. It does so again every
// 7 s until that is applied (lessor.go, expiredLeaseRetryInterval). waited says that the lease has
// waited for the lessor's lock already.
//
// A member whose loop has not ticked lately first makes sure by a quorum read that it still leads.
// One read serves all leases of a look (server.go, revokeExpiredLeases and ensureLeadership, since
// 3.5.13). If it takes 7 s, none of them is revoked.
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
	ls.look = look{at: ls.now, last: lease}
	k := ls.newOrphan(forRevoke)
	ls.proposals[k].version, ls.proposals[k].until = uint32(lease), ls.now+etcdTimeout
	ls.etcd.read(ls.now, k)
}

// ensured handles the end of that read, and revokes the leases that wait for it.
func (ls *lessor) ensured(q *proposal) {
	if ls.now >= q.until {
		return
	}
	ls.look.last = 0
	for lease := int32(q.version); lease > 0; lease = ls.leases[lease-1].next {
		ls.proposeRevoke(lease)
	}
}

// proposeRevoke proposes the end of a lease to etcd.
func (ls *lessor) proposeRevoke(lease int32) {
	k := ls.newOrphan(forRevoke)
	ls.proposals[k].version = uint32(lease)
	ls.etcd.propose(ls.now, k)
}

// ends handles the landed revoke of a lease, perhaps its second one. It deletes the registration
// that is attached to the lease.
func (ls *lessor) ends(lease int32) {
	ls.leases[lease-1].state = leaseRevoked
	for i := range ls.servers.list {
		if s := &ls.servers.list[i]; s.attached == lease {
			s.attached = 0
			s.record++
			ls.rec.wrote(forRegistration, 1)
		}
	}
}

// forget ends the leases from before a stretch of quiet, in which the ends of all leases were only
// counted.
func (ls *lessor) forget() {
	for k := range ls.leases {
		ls.leases[k].state = leaseRevoked
	}
}
