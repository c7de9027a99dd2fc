package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/internal/stream"
)

const (
	scheduler = iota
	controllers
	components
)

var componentNames = [components]string{scenario.KubeScheduler, scenario.KubeControllerManager}

// electors are the two components that elect a leader.
type electors struct {
	*cluster
	list  [components]elector
	draws stream.Source
}

func (es *electors) start(c *cluster) {
	es.cluster = c
	es.draws.Reset(c.s.Seed, "election")
	for i := range es.list {
		es.list[i] = elector{alive: true, leading: true, working: true}
	}
}

// elector is client-go's leaderelection around one component. A leader PUTs from the version it knows; if that fails and its
// lease is still valid it GETs and PUTs; every step has the client's timeout, the whole has the renew deadline; then the
// process exits. A candidate GETs, waits until it has seen the same lease for its whole duration, and PUTs.
type elector struct {
	leading  bool
	alive    bool
	working  bool // the component does its work (it may, though its lease is lost, if Restarts is off)
	process  uint32
	gen      uint32 // of the process
	owed     float64
	informed time.Duration // backoff of the lists at start
	known    uint32
	lease    uint32        // stored version
	valid    time.Duration // the observed record's time
	seen     uint32        // version observed
	seenAny  bool
	deadline time.Duration
	released bool // the lease was given back: nobody waits for it to run out
	slow     bool // this try has fallen back to GET and PUT
	restarts int
	tried    time.Duration // when the last try began
	parked   bool          // a candidate that asks in vain: no API server listens
	request  int32         // the last one sent, and its generation
	sent     uint32
}

func (es *electors) renew(i int32) {
	e := &es.list[i]
	e.deadline = es.now + es.s.Elections.Renew
	es.at(e.deadline, evElectDeadline, i, e.gen)
	es.try(i)
}

// electTry is tryAcquireOrRenew.
func (es *electors) try(i int32) {
	e := &es.list[i]
	e.tried = es.now
	if e.leading && es.now < e.valid+es.s.Elections.Lease {
		e.slow = false
		es.send(forElection, i)
		return
	}
	e.slow = true
	es.send(forElectionGet, i)
}

func (es *electors) reply(i int32, version uint32, c code, read bool) {
	e := &es.list[i]
	if !e.alive {
		return
	}
	switch {
	case read && c == ok:
		es.read(i)
	case !read && c == ok:
		e.known, e.seen, e.valid = version+1, version+1, es.now
		if !e.leading {
			es.lead(i)
			return
		}
		e.gen++ // voids the deadline
		es.at(es.now+es.s.Elections.Retry, evElectRenew, i, e.gen)
	case !read && e.leading && !e.slow:
		e.slow = true
		es.send(forElectionGet, i)
	case c == refused && !e.leading && e.tried == es.now && es.servers.none() && !es.eager: // at once, so that no two are at the same time
		e.parked = true
	default:
		es.later(i)
	}
}

// electRead is what a GET of the lease leads to.
func (es *electors) read(i int32) {
	e := &es.list[i]
	if !e.seenAny || e.seen != e.lease {
		e.seen, e.seenAny, e.valid = e.lease, true, es.now
	}
	e.known = e.lease
	if !e.leading && !e.released && es.now < e.valid+es.s.Elections.Lease {
		es.later(i)
		return
	}
	es.send(forElection, i)
}

func (es *electors) later(i int32) {
	e := &es.list[i]
	if e.leading { // a ticker: a try that outlasted the period is followed at once
		es.at(max(es.now, e.tried+es.s.Elections.Retry), evElectTry, i, e.gen)
		return
	}
	es.at(es.now+es.wait(), evElectTry, i, e.gen)
}

// electWait is a candidate's pause.
func (es *electors) wait() time.Duration {
	return time.Duration(float64(es.s.Elections.Retry) * (1 + 1.2*es.draws.Float()))
}

func (es *electors) lead(i int32) {
	e := &es.list[i]
	e.leading, e.released = true, false
	es.note(story.LeaderAcquired, componentNames[i], story.ByRecovery)
	if !e.working {
		es.begin(i)
	}
	e.gen++
	es.at(es.now+es.s.Elections.Retry, evElectRenew, i, e.gen)
}

// electLost is the end of the process: it exits and the kubelet restarts it after CrashLoopBackOff.
func (es *electors) lost(i int32) {
	e := &es.list[i]
	e.gen++
	es.abandon(e.request, e.sent)
	e.leading, e.alive = false, false
	es.note(story.LeaderLost, componentNames[i], story.L4)
	wait := 10 * time.Second
	if !es.s.Observe {
		es.halt(i)
		wait = crashLoop(e.restarts)
	}
	e.restarts++
	es.at(es.now+wait, evElectStart, i, e.gen)
}

// halt is what the component's work loses when its process exits.
func (es *electors) halt(i int32) {
	e := &es.list[i]
	e.working = false
	e.process++
	if i == scheduler {
		es.sched.catchUp()
		es.sched.unscheduled.Stop()
		return
	}
	l := &es.life
	l.running, l.posting, l.events, l.tainting = false, false, 0, l.tainting[:0]
	clear(l.workers[:])
	es.replicas.syncing, es.replicas.flying, es.replicas.left = false, 0, 0
	for k := range es.endpoints.writers {
		es.endpoints.writers[k].out, es.endpoints.writers[k].dirty = false, true
	}
	for k := range es.nodes {
		es.nodes[k].tainting, es.nodes[k].taintAgain = false, false
	}
}

// begin is a component that starts its work: the scheduler tries every pending pod and has forgotten their Events; the
// controllers take every node's state as observed now, say RegisteredNode of each, and begin anew with the taints that evict
// and the times that pods tolerate them.
func (es *electors) begin(i int32) {
	e := &es.list[i]
	e.working = true
	if i == scheduler {
		es.sched.unparkTick()
		es.sched.unscheduled.Advance(es.now)
		es.sched.unscheduled.Start()
		es.sched.busy = true
		return
	}
	for k := range es.nodes {
		n := &es.nodes[k]
		n.seenLease, n.probed = n.lease, es.now
		if n.notReady && n.evictAt > 0 { // the new process counts the pods' tolerations from now
			es.life.evictIn(int32(k), tolerated)
		}
	}
	es.life.queueTaints()
	es.life.limit, es.replicas.limit, es.life.evictLimit = newLimiter(20, 30), newLimiter(20, 30), newLimiter(20, 30)
	es.life.recordEvents(len(es.nodes))
	es.life.monitorIn(time.Millisecond)
	es.at(es.now+time.Millisecond, evReplicas, 0, e.process)
	for k := range es.endpoints.writers {
		es.at(es.now+time.Second, evEndpoints, int32(k), e.process)
	}
	for k := range es.nodes {
		if n := &es.nodes[k]; n.tainted != n.notReady {
			es.life.taint(int32(k))
		}
	}
}

// crashLoop is the kubelet's CrashLoopBackOff: 10 s, doubled up to 5 min.
func crashLoop(n int) time.Duration {
	return min(10*time.Second<<min(n, 5), 300*time.Second)
}

// electStart is a new process: its caches fill first, by lists that read etcd, then it stands for election.
func (es *electors) boot(i int32) {
	e := &es.list[i]
	e.alive, e.leading, e.seenAny, e.informed = true, false, false, 800*time.Millisecond
	if es.s.Observe {
		es.try(i)
		return
	}
	es.ask(forInformers, i, 0)
}

func (es *electors) informersReply(i int32, c code) {
	e := &es.list[i]
	if c != ok { // the reflector's backoff
		es.at(es.now+e.informed, evInformers, i, e.gen)
		e.informed = min(2*e.informed, 30*time.Second)
		return
	}
	es.try(i)
}

func (es *electors) send(why purpose, i int32) {
	e := &es.list[i]
	at := es.newRequest(why, i, e.known)
	e.request, e.sent = at, es.requests[at].gen
	es.admit(at)
}

// restartElector ends a process with SIGTERM. The scheduler gives its leader lease back (cmd/kube-scheduler/app/options/options.go,
// ReleaseOnCancel), the controller manager does not (v1.37: only behind ControllerManagerReleaseLeaderElectionLockOnExit, which is off), so that
// the next one waits for the lease to run out.
func (es *electors) restart(i int32) {
	es.unpark()
	e := &es.list[i]
	e.gen++
	es.abandon(e.request, e.sent)
	e.released = e.leading && i == scheduler
	e.leading, e.alive = false, false
	es.halt(i)
	es.at(es.now+startTime, evElectStart, i, e.gen)
}
