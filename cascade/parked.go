package cascade

import "time"

// While no API server listens, kubelets ask in vain every 7 s for their Leases and every 10 s for their Nodes, and candidates every few seconds
// for their leader lease. These requests are counted when a server is back instead of simulated; who was parked then goes on at the time at which it
// would have.

// unpark lets those go on whose requests were parked.
func (p *plane) unpark() {
	for i := range p.kubelets {
		k := &p.kubelets[i]
		if k.parked > 0 {
			n := (p.now - k.parked + leaseBackoff - 1) / leaseBackoff
			p.tallyRefused(forLeaseGet, int(n)-1)
			p.queue.Push(k.parked+n*leaseBackoff, evLeaseGet, int32(i), k.leaseGen)
			k.parked = 0
		}
		if k.statusParked > 0 {
			n := (p.now - k.statusParked + statusPeriod - 1) / statusPeriod
			p.tallyRefused(forStatusGet, leaseTries*(int(n)-1))
			k.statusGen++
			p.queue.Push(k.statusParked+n*statusPeriod, evStatus, int32(i), k.statusGen)
			k.statusParked = 0
		}
	}
	p.unparkElectors()
}

// unparkElectors draws the waits of all the candidates' tries that were refused, in the order in which they were: the stream is one.
func (p *plane) unparkElectors() {
	for {
		first := int32(-1)
		for i := range p.electors {
			if e := &p.electors[i]; e.parked && (first < 0 || e.tried < p.electors[first].tried) {
				first = int32(i)
			}
		}
		if first < 0 {
			return
		}
		e := &p.electors[first]
		if next := e.tried + p.electWait(); next > p.now {
			e.parked = false
			p.queue.Push(next, evElectTry, first, e.gen)
		} else {
			e.tried = next
			p.tallyRefused(forElectionGet, 1)
		}
	}
}

// A scheduler that is away has ticks, too, but all that they do is to see how the last write was answered: once before that changes will do.

// parkTick stops the ticks of a scheduler that is away, unless others come at the same instants every time, points of the series or churn: who is
// first would change.
func (p *plane) parkTick() bool {
	if p.eager || p.electors[scheduler].working || p.pending == 0 || p.s.Grid <= time.Second || p.churnEvery > 0 {
		return false
	}
	p.tickParked = p.now + time.Second
	return true
}

// skipTicks lets the parked ticks up to now have been.
func (p *plane) skipTicks() {
	if p.tickParked > 0 && p.tickParked <= p.now {
		p.apiAnswers()
		p.tickParked += ((p.now-p.tickParked)/time.Second + 1) * time.Second
	}
}

// unparkTick makes the next tick an event again.
func (p *plane) unparkTick() {
	p.skipTicks()
	if p.tickParked > 0 {
		p.queue.Push(p.tickParked, evSchedule, 0, 0)
		p.tickParked = 0
	}
}

func (p *plane) tallyRefused(why purpose, n int) {
	n = max(0, n)
	p.asked[why] += n
	p.answered[why][refused] += n
}

// noServer tells whether every API server is down.
func (p *plane) noServer() bool {
	for i := range p.servers {
		if !p.servers[i].down {
			return false
		}
	}
	return true
}
