package cascade

import (
	"math"
	"time"
)

// While the disk is fast and nothing is wrong, no request can meet another: each is answered after the same few
// milliseconds. Then the heartbeats, leader leases, probes and node status reports are not simulated one by one but
// counted: every renewal still happens at its own drawn time, and etcd's db grows with all that is counted. Everything else goes on as events. The change to the
// coupled simulation and back loses no state but the phases of the probes, which are drawn anew.

// quietFsync is the fsync above which the cluster is always simulated request by request.
const quietFsync = 50 * time.Millisecond

// goQuiet leaves the coupled simulation if the cluster has calmed down.
func (p *plane) goQuiet() {
	if p.quiet || p.disturbed() {
		return
	}
	p.quiet = true
	p.store.sleep(p.now)
	for i := range p.kubelets {
		k := &p.kubelets[i]
		k.leaseGen++
		k.statusGen++
		k.due = max(k.due, p.now)
	}
	for i := range p.electors {
		p.electors[i].gen++
	}
	p.periodic++
	p.life.pass++ // no pass over nodes whose Leases are only counted; wake begins them again
	p.counted = p.now
}

// disturbed says whether anything is out of the ordinary.
func (p *plane) disturbed() bool {
	if p.fsync() > quietFsync || p.life.notReady > 0 || !p.etcdIdle() || p.life.running || p.pinned {
		return true
	}
	for i := range p.electors {
		if e := &p.electors[i]; !e.alive || !e.leading || !e.working {
			return true
		}
	}
	for i := range p.servers {
		if s := &p.servers[i]; s.down || s.fails > 0 {
			return true
		}
	}
	for i := range p.kubelets {
		k, n := &p.kubelets[i], &p.nodes[i]
		if k.waiting || k.silent || k.stalled || k.statusOut || k.patching || n.marked > 0 || n.tainted || n.tainting || p.now-n.renewed > 2*p.s.Leases.Renew {
			return true
		}
	}
	return p.store.server.Full()
}

// wake begins the coupled simulation.
func (p *plane) wake() {
	if !p.quiet {
		return
	}
	p.count()
	p.quiet = false
	p.store.rouse(p.now)
	p.store.server.Wake(p.lastRested())
	for i := range p.kubelets {
		k, n := &p.kubelets[i], &p.nodes[i]
		p.queue.Push(k.due, evLease, int32(i), k.leaseGen)
		p.statusWake(int32(i), k.reported+statusReport)
		n.seenLease = n.lease
		n.probed = min(p.now, n.renewed+time.Duration(p.probeDraws.Float()*float64(monitorPeriod)))
	}
	for i := range p.electors {
		e := &p.electors[i]
		e.known, e.valid = e.lease, p.now
		p.queue.Push(p.now+p.draw(p.s.Elections.Retry), evElectRenew, int32(i), e.gen)
	}
	p.startPeriodic()
}

func (p *plane) draw(most time.Duration) time.Duration {
	return time.Duration(p.probeDraws.Float() * float64(most))
}

// startPeriodic starts what recurs while the cluster is simulated request by request.
func (p *plane) startPeriodic() {
	p.periodic++
	p.forgetLeases()
	p.firstScan = p.now + p.draw(scanPeriod)
	for i := range p.servers {
		p.servers[i].out = false
		p.queue.Push(p.now+p.draw(p.s.Livez.Period), evLivez, int32(i), p.periodic)
		next := p.draw(identityPeriod)
		p.queue.Push(p.now+next, evIdentity, int32(i), p.periodic)
		p.startRegistration(int32(i), next)
		p.startCounts(int32(i), false)
	}
	p.queue.Push(p.now+p.draw(kubectlPeriod), evKubectl, 0, p.periodic)
	p.monitorIn(p.draw(monitorPeriod))
	p.queue.Push(p.now+seatsPeriod, evSeats, 0, p.periodic)
}

// count adds what the quiet machinery has written since the last time.
func (p *plane) count() {
	if !p.quiet || p.now == p.counted {
		return
	}
	took, election := p.latencyOf(forLease), p.latencyOf(forElection)
	renewals, reports := 0, 0
	for i := range p.kubelets {
		k := &p.kubelets[i]
		for k.due <= p.now {
			renewals++
			n := &p.nodes[i]
			n.lease++
			n.renewed = k.due
			k.due += took + p.leaseInterval()
		}
		k.known = p.nodes[i].lease
		for k.reported+statusReport+statusPeriod/2 <= p.now {
			reports++
			k.reported += statusReport + time.Duration(p.kubeletDraws.Float()*1.02*float64(statusPeriod))
		}
	}
	p.tally(forLease, renewals)
	p.tally(forStatus, reports)
	span := (p.now - p.counted).Seconds()
	for i := range p.electors {
		n := p.due(&p.electors[i].owed, span/(p.s.Elections.Retry+election).Seconds())
		p.electors[i].lease += uint32(n)
		p.electors[i].valid = p.now
		p.tally(forElection, n)
	}
	for i := range p.servers {
		n := p.due(&p.servers[i].owed, span/identityPeriod.Seconds())
		p.tally(forIdentity, n)
		p.tally(forRegistrationGrant, n)
		p.tally(forRegistration, n)
		p.committed += n // and the lease before is revoked
	}
	p.store.rest(p.now - p.counted)
	p.counted = p.now
}

// due is the whole part of what is owed, and keeps the rest.
func (p *plane) due(owed *float64, more float64) int {
	*owed += more
	n := int(*owed)
	*owed -= float64(n)
	return n
}

// tally counts writes that landed.
func (p *plane) tally(why purpose, n int) {
	p.asked[why] += n
	p.answered[why][ok] += n
	p.committed += n
	p.landQuiet(why, n)
	p.wrote(why, n)
	p.latency.addN(p.latencyOf(why), n)
}

// serveQuiet answers after the usual time of the etcd that holds the object.
func (p *plane) serveQuiet(i int32) {
	r := &p.requests[i]
	r.stage = writing
	if v := traitsOf[r.purpose].verb; v == get || v == probe {
		r.stage = reading
	}
	at := p.now + p.latencyOf(r.purpose)
	if p.answers.Len() > 0 {
		at = max(at, p.lastAnswer)
	}
	p.lastAnswer = at
	p.timer(&p.answers, at, evAnswer, i, r.gen)
}

func (p *plane) answer(i int32) {
	r := &p.requests[i]
	t := &traitsOf[r.purpose]
	if t.verb == get || t.verb == probe {
		p.finish(i, ok)
		return
	}
	q := proposal{version: r.version, errand: errand{who: r.who, purpose: r.purpose}}
	if t.verb == patch {
		q.version = p.versionOf(t.space, r.who)
	}
	if t.verb == update && p.versionOf(t.space, r.who) != r.version {
		p.finish(i, conflict)
		return
	}
	p.landQuiet(r.purpose, 1)
	p.land(&q)
	p.finish(i, ok)
}

// lastRested is how long ago the last write was that etcd has taken while it was quiet: the last renewal, or one of the leader elections and
// registrations, which come at random. At rest a write waits for the backend's commit 39 % of the time (12 stretches of the runs in docs/cascade.md).
func (p *plane) lastRested() time.Duration {
	others, last := 1.2, p.now
	if p.s.Etcd.SeparateLeases {
		others = 2 * float64(p.s.Servers) / identityPeriod.Seconds() // registrations, each with its grant
	} else {
		for i := range p.nodes {
			last = min(last, p.now-p.nodes[i].renewed)
		}
	}
	return min(last, time.Duration(-math.Log(1-p.wakeDraws.Float())/others*float64(time.Second)))
}

// landQuiet counts the fsyncs that n writes take while nothing queues: one each, less those that share one because they
// arrive during another's.
func (p *plane) landQuiet(why purpose, n int) {
	rate := float64(p.s.Nodes)/(1.02*p.s.Leases.Renew.Seconds()) + 1.2
	p.quietFsyncs += float64(n) / (1 + rate*p.fsyncOf(why).Seconds())
	if p.quiet && !p.elsewhere(why) {
		p.store.rested[classOf(why)] += float64(n)
	}
}
