package sim

import (
	"math"
	"time"
)

// calm switches a cluster in which nothing is wrong to a quiet mode, and back to the coupled
// simulation.
//
// While the disk is fast, no request can meet another: each is answered after the same few
// milliseconds. Heartbeats, leader leases, probes and Node status reports are then counted instead
// of simulated. Every renewal still happens at its own drawn time, and etcd's db grows with all
// that is counted. Everything else goes on as events.
//
// A change between the two loses no state but the phases of the probes. They are drawn anew.
type calm struct {
	*cluster
	pinned     bool          // never quiet; tests compare a run with and without it
	periodic   uint32        // generation of the recurring timers
	counted    time.Duration // until which everything is counted
	lastAnswer time.Duration // when the last answer in lineAnswers is due
	fsyncs     float64       // that were counted
}

// quietFsync is the fsync above which the cluster is always simulated request by request.
const quietFsync = 50 * time.Millisecond

// goQuiet leaves the coupled simulation if the cluster has calmed down.
func (cm *calm) goQuiet() {
	if cm.quiet || cm.disturbed() {
		return
	}
	cm.quiet = true
	cm.etcd.sleep(cm.now)
	for i := range cm.kubelets.list {
		k := &cm.kubelets.list[i]
		k.leaseGen++
		k.statusGen++
		k.due = max(k.due, cm.now)
	}
	for i := range cm.electors.list {
		cm.electors.list[i].gen++
	}
	cm.periodic++
	cm.life.pass++ // no pass over nodes whose Leases are only counted; wake starts the passes again
	cm.counted = cm.now
}

// disturbed reports whether anything is out of the ordinary.
func (cm *calm) disturbed() bool {
	if cm.etcd.fsync() > quietFsync || cm.life.notReady > 0 || !cm.etcd.idle() || cm.life.running || cm.pinned {
		return true
	}
	for i := range cm.electors.list {
		if e := &cm.electors.list[i]; !e.alive || !e.leading || !e.working {
			return true
		}
	}
	for i := range cm.servers.list {
		if s := &cm.servers.list[i]; s.down || s.fails > 0 {
			return true
		}
	}
	return cm.nodesDisturbed() || cm.etcd.server.Full()
}

// nodesDisturbed reports whether a kubelet is at more than its heartbeats, or a node not as usual.
func (cm *calm) nodesDisturbed() bool {
	for i := range cm.kubelets.list {
		k, n := &cm.kubelets.list[i], &cm.nodes[i]
		if k.waiting || k.silent || k.stalled || k.statusOut || k.patching {
			return true
		}
		if n.marked > 0 || n.tainted || n.tainting || cm.now-n.renewed > 2*cm.s.Leases.Renew {
			return true
		}
	}
	return false
}

// wake begins the coupled simulation. It may be called when that is on already.
func (cm *calm) wake() {
	if !cm.quiet {
		return
	}
	cm.count()
	cm.quiet = false
	cm.etcd.rouse(cm.now)
	cm.etcd.server.Wake(cm.lastRested())
	for i := range cm.kubelets.list {
		k, n := &cm.kubelets.list[i], &cm.nodes[i]
		cm.at(k.due, evLease, int32(i), k.leaseGen)
		cm.kubelets.statusWake(int32(i), k.reported+statusReport)
		n.seenLease = n.lease
		n.probed = min(cm.now, n.renewed+time.Duration(cm.probeDraws.Float()*float64(monitorPeriod)))
	}
	for i := range cm.electors.list {
		e := &cm.electors.list[i]
		e.known, e.valid = e.lease, cm.now
		cm.at(cm.now+cm.draw(cm.s.Elections.Retry), evElectRenew, int32(i), e.gen)
	}
	cm.startPeriodic()
}

// startPeriodic starts what recurs while the cluster is simulated request by request.
func (cm *calm) startPeriodic() {
	cm.periodic++
	cm.lessor.forget()
	cm.lessor.firstScan = cm.now + cm.draw(scanPeriod)
	for i := range cm.servers.list {
		cm.servers.list[i].out = false
		cm.at(cm.now+cm.draw(cm.s.Livez.Period), evLivez, int32(i), cm.periodic)
		next := cm.draw(identityPeriod)
		cm.at(cm.now+next, evIdentity, int32(i), cm.periodic)
		cm.servers.startRegistration(int32(i), next)
		cm.servers.startCounts(int32(i), false)
	}
	cm.at(cm.now+cm.draw(kubectlPeriod), evKubectl, 0, cm.periodic)
	cm.life.monitorIn(cm.draw(monitorPeriod))
	cm.at(cm.now+seatsPeriod, evSeats, 0, cm.periodic)
}

// draw returns a random time below most.
func (cm *calm) draw(most time.Duration) time.Duration {
	return time.Duration(cm.probeDraws.Float() * float64(most))
}

// lastRested returns how long ago etcd took its last write while it was quiet. That is the last
// Lease renewal, or a write of the leader elections and registrations, which come at random. At
// rest a write waits for the backend's commit 39 % of the time (12 stretches of the runs in
// docs/cascade.md).
func (cm *calm) lastRested() time.Duration {
	others, last := 1.2, cm.now // writes/s of leader elections and registrations; the last renewal
	if cm.s.Etcd.SeparateLeases {
		others = 2 * float64(cm.s.Servers) / identityPeriod.Seconds() // registrations, each with a grant
	} else {
		for i := range cm.nodes {
			last = min(last, cm.now-cm.nodes[i].renewed)
		}
	}
	return min(last, time.Duration(-math.Log(1-cm.wakeDraws.Float())/others*float64(time.Second)))
}

// count adds what the quiet machinery has written since it last counted.
func (cm *calm) count() {
	if !cm.quiet || cm.now == cm.counted {
		return
	}
	took, election := cm.etcd.latencyOf(forLease), cm.etcd.latencyOf(forElection)
	renewals, reports := 0, 0
	for i := range cm.kubelets.list {
		k := &cm.kubelets.list[i]
		for k.due <= cm.now {
			renewals++
			n := &cm.nodes[i]
			n.lease++
			n.renewed = k.due
			k.due += took + cm.kubelets.leaseInterval()
		}
		k.known = cm.nodes[i].lease
		for k.reported+statusReport+statusPeriod/2 <= cm.now {
			reports++
			k.reported += statusReport + time.Duration(cm.kubelets.draws.Float()*1.02*float64(statusPeriod))
		}
	}
	cm.tally(forLease, renewals)
	cm.tally(forStatus, reports)
	span := (cm.now - cm.counted).Seconds()
	for i := range cm.electors.list {
		n := cm.due(&cm.electors.list[i].owed, span/(cm.s.Elections.Retry+election).Seconds())
		cm.electors.list[i].lease += uint32(n)
		cm.electors.list[i].valid = cm.now
		cm.tally(forElection, n)
	}
	for i := range cm.servers.list {
		n := cm.due(&cm.servers.list[i].owed, span/identityPeriod.Seconds())
		cm.tally(forIdentity, n)
		cm.tally(forRegistrationGrant, n)
		cm.tally(forRegistration, n)
		cm.rec.committed += n // each revokes the etcd lease before
	}
	cm.etcd.rest(cm.now - cm.counted)
	cm.counted = cm.now
}

// due adds more to what is owed, takes the whole part from it and returns that.
func (cm *calm) due(owed *float64, more float64) int {
	*owed += more
	n := int(*owed)
	*owed -= float64(n)
	return n
}

// tally counts n writes that landed.
func (cm *calm) tally(why purpose, n int) {
	cm.rec.asked[why] += n
	cm.rec.answered[why][ok] += n
	cm.rec.committed += n
	cm.landQuiet(why, n)
	cm.rec.wrote(why, n)
	cm.rec.latency.AddN(int64(cm.etcd.latencyOf(why)), n)
}

// landQuiet counts the fsyncs of n writes while nothing queues: one each, less those that share
// one because they arrive during another's.
func (cm *calm) landQuiet(why purpose, n int) {
	// Writes per second: Lease renewals, and 1.2 of leader elections and registrations.
	rate := float64(cm.s.Nodes)/(1.02*cm.s.Leases.Renew.Seconds()) + 1.2
	cm.fsyncs += float64(n) / (1 + rate*cm.etcd.fsyncOf(why).Seconds())
	if cm.quiet && !cm.etcd.elsewhere(why) {
		cm.etcd.rested[cm.rows[why].class] += float64(n)
	}
}

// serveQuiet has a request answered after the usual time of the etcd that holds its object.
func (cm *calm) serveQuiet(i int32) {
	r := &cm.requests[i]
	r.stage = writing
	if cm.rows[r.purpose].verb.reads() {
		r.stage = reading
	}
	at := cm.now + cm.etcd.latencyOf(r.purpose)
	if cm.lines[lineAnswers].Len() > 0 {
		at = max(at, cm.lastAnswer)
	}
	cm.lastAnswer = at
	cm.inLine(lineAnswers, at, evAnswer, i, r.gen)
}

// answer ends a request that was served quietly.
func (cm *calm) answer(i int32) {
	r := &cm.requests[i]
	t := &cm.rows[r.purpose]
	if t.verb.reads() {
		cm.finish(i, ok)
		return
	}
	q := proposal{version: r.version, errand: errand{who: r.who, purpose: r.purpose}}
	if t.verb == patch {
		q.version = cm.versionOf(t.space, r.who)
	}
	if t.verb == update && cm.versionOf(t.space, r.who) != r.version {
		cm.finish(i, conflict)
		return
	}
	cm.landQuiet(r.purpose, 1)
	cm.land(&q)
	cm.finish(i, ok)
}
