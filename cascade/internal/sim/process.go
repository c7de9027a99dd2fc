package sim

import "time"

// startTime is the time from a process's orderly end until the next one fills its caches. It is
// assumed.
const startTime = time.Second

// crashLoop returns the kubelet's CrashLoopBackOff after n restarts: 10 s, doubled up to 5 min.
func crashLoop(n int) time.Duration {
	return min(10*time.Second<<min(n, 5), 300*time.Second)
}

// boot starts a component's process. Its caches fill first, by lists that read etcd. Then it
// stands for election.
func (es *electors) boot(i int32) {
	e := &es.list[i]
	e.alive, e.leading, e.seenAny, e.informed = true, false, false, 800*time.Millisecond
	if es.s.Observe {
		es.try(i)
		return
	}
	es.ask(forInformers, i, 0)
}

// informersReply lets a process whose caches are full stand for election. A failed list is
// repeated after the backoff of client-go's reflector: 800 ms, doubled up to 30 s.
func (es *electors) informersReply(i int32, c code) {
	e := &es.list[i]
	if c != ok {
		es.at(es.now+e.informed, evInformers, i, e.gen)
		e.informed = min(2*e.informed, 30*time.Second)
		return
	}
	es.try(i)
}

// begin starts the work of a component that leads. A new scheduler tries every pending pod and has
// forgotten their Events.
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
	es.beginControllers(e.process)
}

// beginControllers starts the controllers. They take every node's state as observed now, and say
// RegisteredNode of each. They begin anew with the taints that evict, and with the times for which
// pods tolerate these.
func (es *electors) beginControllers(process uint32) {
	for k := range es.nodes {
		n := &es.nodes[k]
		n.seenLease, n.probed = n.lease, es.now
		if n.notReady && n.evictAt > 0 {
			es.life.evictIn(int32(k), tolerated)
		}
	}
	es.life.queueTaints()
	es.life.limit, es.life.evictLimit = newLimiter(20, 30), newLimiter(20, 30)
	es.replicas.limit = newLimiter(20, 30)
	es.life.recordEvents(len(es.nodes))
	es.life.monitorIn(time.Millisecond)
	es.at(es.now+time.Millisecond, evReplicas, 0, process)
	for k := range es.endpoints.writers {
		es.at(es.now+time.Second, evEndpoints, int32(k), process)
	}
	for k := range es.nodes {
		if n := &es.nodes[k]; n.tainted != n.notReady {
			es.life.taint(int32(k))
		}
	}
}

// halt ends the work of a component whose process exits, and forgets what that process knew.
func (es *electors) halt(i int32) {
	e := &es.list[i]
	e.working = false
	e.process++
	if i == scheduler {
		es.sched.catchUp()
		es.sched.unscheduled.Stop()
		return
	}
	lc := &es.life
	lc.running, lc.posting, lc.events = false, false, 0
	lc.tainting = lc.tainting[:0]
	clear(lc.workers[:])
	es.replicas.syncing, es.replicas.flying, es.replicas.left = false, 0, 0
	for k := range es.endpoints.writers {
		es.endpoints.writers[k].out, es.endpoints.writers[k].dirty = false, true
	}
	for k := range es.nodes {
		es.nodes[k].tainting, es.nodes[k].taintAgain = false, false
	}
}

// restart ends a process with SIGTERM. The scheduler gives its leader lease back
// (cmd/kube-scheduler/app/options/options.go, ReleaseOnCancel). The controller manager does not,
// so that the next one waits for the lease to run out. In v1.37 it would only with
// ControllerManagerReleaseLeaderElectionLockOnExit, which is off.
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
