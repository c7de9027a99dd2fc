package cascade

import "time"

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
func (p *plane) grant(from, ttl time.Duration) int32 {
	p.etcdLeases = append(p.etcdLeases, etcdLease{})
	lease := int32(len(p.etcdLeases))
	scan := (max(p.now, from+ttl) - p.firstScan + scanPeriod - 1) / scanPeriod
	p.queue.Push(p.firstScan+scan*scanPeriod, evRevoke, lease, 0)
	return lease
}

// forgetLeases ends the etcd leases from before a stretch of quiet, in which theirs and others' ends were only counted.
func (p *plane) forgetLeases() {
	for k := range p.etcdLeases {
		p.etcdLeases[k].state = leaseRevoked
	}
}

// startRegistration grants the etcd leases that a server's last registrations have left, the next of which is due so much later.
func (p *plane) startRegistration(i int32, next time.Duration) {
	if left := next - 2*identityPeriod + registrationTTL; left > 0 {
		p.grant(p.now, left)
	}
	s := &p.servers[i]
	s.lease = p.grant(p.now, next-identityPeriod+registrationTTL)
	s.attached = s.lease
}

// granted is an API server's grant that has landed. The lease runs from when etcd came to apply it, before it waited for the backend's lock
// (lease/lessor.go, Grant).
func (p *plane) granted(i int32) {
	from := p.now
	if !p.quiet {
		from = p.store.began
	}
	p.servers[i].lease = p.grant(from, registrationTTL)
}

// leaseEnds is an etcd lease revoked, perhaps for the second time. A registration that is attached to it is deleted.
func (p *plane) leaseEnds(lease int32) {
	p.etcdLeases[lease-1].state = leaseRevoked
	for i := range p.servers {
		if s := &p.servers[i]; s.attached == lease {
			s.attached = 0
			s.record++
			p.wrote(forRegistration, 1)
		}
	}
}
