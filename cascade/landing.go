package cascade

import "time"

// What comes back from etcd: writes that land or conflict, whether anybody still waits for them or not, and reads.

// applied is etcd's answer to a proposal, awaited or not.
func (p *plane) applied(k int32) {
	q := p.proposals[k]
	p.freeProposals = append(p.freeProposals, k)
	landed := p.land(&q)
	if q.request < 0 {
		return
	}
	r := &p.requests[q.request]
	if r.gen != q.gen || r.stage != writing {
		return
	}
	t := &traitsOf[q.purpose]
	switch {
	case landed:
		p.finish(q.request, ok)
	case t.verb == patch:
		r.version = p.versionOf(t.space, r.who)
		r.gen++ // the old etcd deadline is void
		p.requeueDeadline(q.request)
		p.startWrite(q.request)
	default:
		p.finish(q.request, conflict)
	}
}

// requeueDeadline renews the timers of a request that goes on under a new generation.
func (p *plane) requeueDeadline(i int32) {
	r := &p.requests[i]
	t := &traitsOf[r.purpose]
	limit := t.timeout
	if limit == 0 {
		limit = 34 * time.Second
		p.queue.Push(r.begun+limit, evDeadline, i, r.gen)
		return
	}
	p.queue.Push(max(p.now, r.begun+limit), evPatience, i, r.gen)
}

// land makes a committed proposal's effect, if its comparison holds.
func (p *plane) land(q *proposal) bool {
	p.committed++
	if q.purpose == forRevoke { // a lease revoked, perhaps for the second time
		p.leaseEnds(int32(q.version))
		return true
	}
	t := &traitsOf[q.purpose]
	if t.space != plain {
		v := p.version(t.space, q.who)
		if *v != q.version || q.purpose == forRegistration && p.etcdLeases[p.servers[q.who].lease-1].state == leaseRevoked {
			p.wasted++
			return false
		}
		*v++
	}
	p.wrote(q.purpose, 1)
	p.effect(q)
	return true
}

func (p *plane) version(s space, who int32) *uint32 {
	switch s {
	case leases:
		return &p.nodes[who].lease
	case nodes:
		return &p.nodes[who].object
	case registrations:
		return &p.servers[who].record
	}
	return &p.electors[who].lease
}

func (p *plane) versionOf(s space, who int32) uint32 {
	if s == plain {
		return 0
	}
	return *p.version(s, who)
}

func (p *plane) readDone(k int32) {
	q := p.proposals[k]
	p.freeProposals = append(p.freeProposals, k)
	if q.purpose == forRevoke { // etcd still leads: it may revoke leases
		p.ensured(&q)
		return
	}
	r := &p.requests[q.request]
	if r.gen != q.gen || r.stage != reading {
		return
	}
	if r.checked {
		p.finish(q.request, conflict)
		return
	}
	p.finish(q.request, ok)
}

// turnedDown is a write that etcd refuses: too many requests, or no space.
func (p *plane) turnedDown(k int32) {
	q := p.proposals[k]
	p.freeProposals = append(p.freeProposals, k)
	if q.request < 0 {
		if q.purpose == forPodBind {
			p.queue.Push(p.now+time.Second, evBindAgain, 0, 0)
		}
		return
	}
	if r := &p.requests[q.request]; r.gen == q.gen && r.stage == writing {
		p.finish(q.request, busy)
	}
}
