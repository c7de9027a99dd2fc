package sim

import (
	"time"
)

// applied handles etcd's answer to the write of proposal k, awaited or not. A PATCH that meets a
// newer object is tried again inside the server, with what is left of its deadline.
func (kn *kernel) applied(k int32) {
	q := kn.proposals[k]
	kn.freeProposals = append(kn.freeProposals, k)
	landed := kn.land(&q)
	if q.request < 0 {
		return
	}
	r := &kn.requests[q.request]
	if r.gen != q.gen || r.stage != writing {
		return
	}
	t := &kn.rows[q.purpose]
	switch {
	case landed:
		kn.finish(q.request, ok)
	case t.verb == patch:
		r.version = kn.versionOf(t.space, r.who)
		r.gen++ // the old etcd deadline is void
		kn.requeueDeadline(q.request)
		kn.startWrite(q.request)
	default:
		kn.finish(q.request, conflict)
	}
}

// requeueDeadline renews the timer of a request that goes on under a new generation.
func (kn *kernel) requeueDeadline(i int32) {
	r := &kn.requests[i]
	d := &kn.deadlines[r.purpose]
	kn.at(max(kn.now, r.begun+d.after), d.kind, i, r.gen)
}

// land makes a committed proposal's effect if its comparison holds, and reports whether it did.
// The object must have the version that the writer knew, and a registration's etcd lease must not
// be revoked.
func (kn *kernel) land(q *proposal) bool {
	kn.cluster.rec.committed++
	if q.purpose == forRevoke { // perhaps for the second time
		kn.cluster.lessor.ends(int32(q.version))
		return true
	}
	t := &kn.rows[q.purpose]
	if t.space != plain {
		v := kn.version(t.space, q.who)
		if *v != q.version || q.purpose == forRegistration && kn.cluster.servers.leaseEnded(q.who) {
			kn.cluster.rec.wasted++
			return false
		}
		*v++
	}
	kn.cluster.rec.wrote(q.purpose, 1)
	if t.landed != nil {
		t.landed(kn.cluster, landing{who: q.who, version: q.version})
	}
	return true
}

// version returns where the resourceVersion of who's object is kept.
func (kn *kernel) version(s space, who int32) *uint32 {
	switch s {
	case leases:
		return &kn.cluster.nodes[who].lease
	case nodes:
		return &kn.cluster.nodes[who].object
	case registrations:
		return &kn.cluster.servers.list[who].record
	}
	return &kn.cluster.electors.list[who].lease
}

// versionOf returns the resourceVersion of who's object, 0 if its space keeps none.
func (kn *kernel) versionOf(s space, who int32) uint32 {
	if s == plain {
		return 0
	}
	return *kn.version(s, who)
}

// readDone handles etcd's answer to the read of proposal k.
func (kn *kernel) readDone(k int32) {
	q := kn.proposals[k]
	kn.freeProposals = append(kn.freeProposals, k)
	if q.purpose == forRevoke { // etcd still leads: it may revoke leases
		kn.cluster.lessor.ensured(&q)
		return
	}
	r := &kn.requests[q.request]
	if r.gen != q.gen || r.stage != reading {
		return
	}
	if r.checked {
		kn.finish(q.request, conflict)
		return
	}
	kn.finish(q.request, ok)
}

// turnedDown handles etcd's refusal of a write: too many requests, or no space. The scheduler
// tries a refused Binding again after a second.
func (kn *kernel) turnedDown(k int32) {
	q := kn.proposals[k]
	kn.freeProposals = append(kn.freeProposals, k)
	if q.request < 0 {
		if q.purpose == forPodBind {
			kn.at(kn.now+time.Second, evBindAgain, 0, 0)
		}
		return
	}
	if r := &kn.requests[q.request]; r.gen == q.gen && r.stage == writing {
		kn.finish(q.request, busy)
	}
}
