package sim

import (
	"time"
)

// While no API server listens, kubelets ask in vain every 7 s for their Leases and every 10 s for
// their Nodes. Candidates ask every few seconds for their leader lease. These requests are parked:
// counted when a server is back, instead of simulated. Whoever was parked then goes on at the time
// at which it would have.
//
// The scheduler's ticks are parked too, while it is away.

// unpark lets the kubelets go on whose requests were parked, and the candidates.
func (ks *kubelets) unpark() {
	for i := range ks.list {
		k := &ks.list[i]
		if k.parked > 0 {
			n := (ks.now - k.parked + leaseBackoff - 1) / leaseBackoff
			ks.rec.tallyRefused(forLeaseGet, int(n)-1)
			ks.at(k.parked+n*leaseBackoff, evLeaseGet, int32(i), k.leaseGen)
			k.parked = 0
		}
		if k.statusParked > 0 {
			n := (ks.now - k.statusParked + statusPeriod - 1) / statusPeriod
			ks.rec.tallyRefused(forStatusGet, leaseTries*(int(n)-1))
			k.statusGen++
			ks.at(k.statusParked+n*statusPeriod, evStatus, int32(i), k.statusGen)
			k.statusParked = 0
		}
	}
	ks.electors.unpark()
}

// unpark draws the waits of the candidates' tries that were refused. It takes them in the order in
// which they came, since all candidates draw from one stream.
func (es *electors) unpark() {
	for {
		first := int32(-1)
		for i := range es.list {
			if e := &es.list[i]; e.parked && (first < 0 || e.tried < es.list[first].tried) {
				first = int32(i)
			}
		}
		if first < 0 {
			return
		}
		e := &es.list[first]
		if next := e.tried + es.wait(); next > es.now {
			e.parked = false
			es.at(next, evElectTry, first, e.gen)
		} else {
			e.tried = next
			es.rec.tallyRefused(forElectionGet, 1)
		}
	}
}

// parkTick stops the ticks of a scheduler that is away, and reports whether it did. Such a tick
// only looks at how the last write was answered. To look once before that answer changes is
// enough.
//
// Ticks are not parked where points of the series or churn come at the same instants each time:
// their order would change.
func (sc *scheduling) parkTick() bool {
	if sc.eager || sc.electors.list[scheduler].working || sc.pods.pending == 0 {
		return false
	}
	if sc.s.Grid <= time.Second || sc.churnEvery > 0 {
		return false
	}
	sc.tickParked = sc.now + time.Second
	return true
}

// skipTicks makes up for the parked ticks until now.
func (sc *scheduling) skipTicks() {
	if sc.tickParked > 0 && sc.tickParked <= sc.now {
		sc.apiAnswers()
		sc.tickParked += ((sc.now-sc.tickParked)/time.Second + 1) * time.Second
	}
}

// unparkTick makes the next tick an event again.
func (sc *scheduling) unparkTick() {
	sc.skipTicks()
	if sc.tickParked > 0 {
		sc.at(sc.tickParked, evSchedule, 0, 0)
		sc.tickParked = 0
	}
}
