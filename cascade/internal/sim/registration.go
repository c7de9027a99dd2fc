package sim

import (
	"time"
)

// The etcd leases of the API servers' registrations (identity in servers.go). Each lives until it is revoked, and takes the registration with it
// if that is still attached to it.

type leaseState uint8

const (
	leaseGranted leaseState = iota
	leaseRevoking
	leaseRevoked
)

const registrationTTL = 15 * time.Second

// scanPeriod is how often the lessor looks for leases that have expired (lessor.go, runLoop): those that a stall has granted together are
// revoked together.
const scanPeriod = 500 * time.Millisecond

// grant is an etcd lease that is granted for so long from then on.
func (ls *lessor) grant(from, ttl time.Duration) int32 {
	ls.leases = append(ls.leases, etcdLease{})
	lease := int32(len(ls.leases))
	scan := (max(ls.now, from+ttl) - ls.firstScan + scanPeriod - 1) / scanPeriod
	ls.at(ls.firstScan+scan*scanPeriod, evRevoke, lease, 0)
	return lease
}

// forgetLeases ends the etcd leases from before a stretch of quiet, in which theirs and others' ends were only counted.
func (ls *lessor) forget() {
	for k := range ls.leases {
		ls.leases[k].state = leaseRevoked
	}
}

// startRegistration grants the etcd leases that a server's last registrations have left, the next of which is due so much later.
func (sv *servers) startRegistration(i int32, next time.Duration) {
	if left := next - 2*identityPeriod + registrationTTL; left > 0 {
		sv.lessor.grant(sv.now, left)
	}
	s := &sv.list[i]
	s.lease = sv.lessor.grant(sv.now, next-identityPeriod+registrationTTL)
	s.attached = s.lease
}

// granted is an API server's grant that has landed. The lease runs from when etcd came to apply it, before it waited for the backend's lock
// (lease/lessor.go, Grant).
func (sv *servers) granted(i int32) {
	from := sv.now
	if !sv.quiet {
		from = sv.etcd.began
	}
	sv.list[i].lease = sv.lessor.grant(from, registrationTTL)
}

// leaseEnds is an etcd lease revoked, perhaps for the second time. A registration that is attached to it is deleted.
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
