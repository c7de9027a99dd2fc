package sim

import (
	"time"
)

// registrationTTL is the TTL of a registration's etcd lease.
const registrationTTL = 15 * time.Second

// identity begins a round of what an idle control plane writes. Every 10 s an API server renews
// its identity Lease and its registration among the API servers (masterleases; also
// peerserverleases in v1.37).
//
// The registration has a TTL of 15 s, for which each round takes a fresh etcd lease. A round is a
// quorum GET, a grant and a PUT, one after the other. The old lease is revoked when it expires. A
// pending delete forces etcd's backend to commit at once, in the apply loop (batch_tx.go:335,
// since 3.5.12).
//
// A grant that times out is repeated by etcd's client library, and still commits. So leases pile
// up on a slow disk. Each of them later costs a forced commit of two fsyncs, for which everything
// waits.
func (sv *servers) identity(i int32) {
	s := &sv.list[i]
	s.registered = sv.now
	if s.down {
		sv.at(sv.now+identityPeriod, evIdentity, i, sv.calm.periodic)
		return
	}
	sv.bulk(forIdentity, 1)
	sv.ask(forRegistrationGet, i, 0)
}

// registrationReply goes on with a round of the registration. GuaranteedUpdate asks for another
// lease after a conflict. etcd's client library repeats a grant that timed out
// (client/v3/retry.go:143).
func (sv *servers) registrationReply(i int32, why purpose, c code) {
	switch {
	case why == forRegistrationGet && c == ok, why == forRegistration && c == conflict:
		sv.list[i].seen = sv.list[i].record
		sv.ask(forRegistrationGrant, i, 0)
	case why == forRegistrationGrant && c == failed:
		sv.ask(forRegistrationGrant, i, 0)
	case why == forRegistrationGrant && c == ok:
		sv.ask(forRegistration, i, sv.list[i].seen)
	default:
		sv.at(max(sv.now, sv.list[i].registered+identityPeriod), evIdentity, i, sv.calm.periodic)
	}
}

// granted handles a server's grant that has landed. The lease runs from when etcd came to apply
// it, before it waited for the backend's lock (lease/lessor.go, Grant).
func (sv *servers) granted(i int32) {
	from := sv.now
	if !sv.quiet {
		from = sv.etcd.began
	}
	sv.list[i].lease = sv.lessor.grant(from, registrationTTL)
}

// leaseEnded reports whether the last etcd lease that was granted to a server is revoked.
func (sv *servers) leaseEnded(i int32) bool {
	return sv.lessor.leases[sv.list[i].lease-1].state == leaseRevoked
}

// startRegistration grants the etcd leases that a server's last registrations have left. Its next
// round is due after `next`.
func (sv *servers) startRegistration(i int32, next time.Duration) {
	if left := next - 2*identityPeriod + registrationTTL; left > 0 {
		sv.lessor.grant(sv.now, left)
	}
	s := &sv.list[i]
	s.lease = sv.lessor.grant(sv.now, next-identityPeriod+registrationTTL)
	s.attached = s.lease
}
