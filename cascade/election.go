package cascade

import "time"

const (
	scheduler = iota
	controllers
	components
)

var componentNames = [components]string{"kube-scheduler", "kube-controller-manager"}

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

func (e Elections) client() time.Duration { return max(e.Renew/2, time.Second) }

func (p *plane) electRenew(i int32) {
	e := &p.electors[i]
	e.deadline = p.now + p.s.Elections.Renew
	p.queue.Push(e.deadline, evElectDeadline, i, e.gen)
	p.electTry(i)
}

// electTry is tryAcquireOrRenew.
func (p *plane) electTry(i int32) {
	e := &p.electors[i]
	e.tried = p.now
	if e.leading && p.now < e.valid+p.s.Elections.Lease {
		e.slow = false
		p.electAsk(forElection, i)
		return
	}
	e.slow = true
	p.electAsk(forElectionGet, i)
}

func (p *plane) electReply(i int32, version uint32, c code, read bool) {
	e := &p.electors[i]
	if !e.alive {
		return
	}
	switch {
	case read && c == ok:
		p.electRead(i)
	case !read && c == ok:
		e.known, e.seen, e.valid = version+1, version+1, p.now
		if !e.leading {
			p.lead(i)
			return
		}
		e.gen++ // voids the deadline
		p.queue.Push(p.now+p.s.Elections.Retry, evElectRenew, i, e.gen)
	case !read && e.leading && !e.slow:
		e.slow = true
		p.electAsk(forElectionGet, i)
	case c == refused && !e.leading && e.tried == p.now && p.noServer() && !p.eager: // at once, so that no two are at the same time
		e.parked = true
	default:
		p.electLater(i)
	}
}

// electRead is what a GET of the lease leads to.
func (p *plane) electRead(i int32) {
	e := &p.electors[i]
	if !e.seenAny || e.seen != e.lease {
		e.seen, e.seenAny, e.valid = e.lease, true, p.now
	}
	e.known = e.lease
	if !e.leading && !e.released && p.now < e.valid+p.s.Elections.Lease {
		p.electLater(i)
		return
	}
	p.electAsk(forElection, i)
}

func (p *plane) electLater(i int32) {
	e := &p.electors[i]
	if e.leading { // a ticker: a try that outlasted the period is followed at once
		p.queue.Push(max(p.now, e.tried+p.s.Elections.Retry), evElectTry, i, e.gen)
		return
	}
	p.queue.Push(p.now+p.electWait(), evElectTry, i, e.gen)
}

// electWait is a candidate's pause.
func (p *plane) electWait() time.Duration {
	return time.Duration(float64(p.s.Elections.Retry) * (1 + 1.2*p.electionDraws.Float()))
}

func (p *plane) lead(i int32) {
	e := &p.electors[i]
	e.leading, e.released = true, false
	p.note(LeaderAcquired, componentNames[i], ByRecovery)
	if !e.working {
		p.begin(i)
	}
	e.gen++
	p.queue.Push(p.now+p.s.Elections.Retry, evElectRenew, i, e.gen)
}

// electLost is the end of the process: it exits and the kubelet restarts it after CrashLoopBackOff.
func (p *plane) electLost(i int32) {
	e := &p.electors[i]
	e.gen++
	p.abandon(e.request, e.sent)
	e.leading, e.alive = false, false
	p.note(LeaderLost, componentNames[i], L4)
	wait := 10 * time.Second
	if !p.observe {
		p.halt(i)
		wait = p.crashLoop(e.restarts)
	}
	e.restarts++
	p.queue.Push(p.now+wait, evElectStart, i, e.gen)
}

// halt is what the component's work loses when its process exits.
func (p *plane) halt(i int32) {
	e := &p.electors[i]
	e.working = false
	e.process++
	if i == scheduler {
		p.schedule()
		p.pods.Stop()
		return
	}
	l := &p.life
	l.running, l.posting, l.events, l.tainting = false, false, 0, l.tainting[:0]
	clear(l.workers[:])
	p.rs.syncing, p.rs.flying, p.rs.left = false, 0, 0
	for k := range p.writers {
		p.writers[k].out, p.writers[k].dirty = false, true
	}
	for k := range p.nodes {
		p.nodes[k].tainting, p.nodes[k].taintAgain = false, false
	}
}

// begin is a component that starts its work: the scheduler tries every pending pod and has forgotten their Events; the
// controllers take every node's state as observed now, say RegisteredNode of each, and begin anew with the taints that evict
// and the times that pods tolerate them.
func (p *plane) begin(i int32) {
	e := &p.electors[i]
	e.working = true
	if i == scheduler {
		p.unparkTick()
		p.pods.Advance(p.now)
		p.pods.Start()
		p.podsBusy = true
		return
	}
	for k := range p.nodes {
		n := &p.nodes[k]
		n.seenLease, n.probed = n.lease, p.now
		if n.notReady && n.evictAt > 0 { // the new process counts the pods' tolerations from now
			p.evictIn(int32(k), tolerated)
		}
	}
	p.queueTaints()
	p.life.limit, p.rs.limit, p.evictLimit = newLimiter(20, 30), newLimiter(20, 30), newLimiter(20, 30)
	p.recordEvents(len(p.nodes))
	p.monitorIn(time.Millisecond)
	p.queue.Push(p.now+time.Millisecond, evReplicas, 0, e.process)
	for k := range p.writers {
		p.queue.Push(p.now+time.Second, evEndpoints, int32(k), e.process)
	}
	for k := range p.nodes {
		if n := &p.nodes[k]; n.tainted != n.notReady {
			p.taint(int32(k))
		}
	}
}

// crashLoop is the kubelet's CrashLoopBackOff: 10 s, doubled up to 5 min.
func (p *plane) crashLoop(n int) time.Duration {
	return min(10*time.Second<<min(n, 5), 300*time.Second)
}

// electStart is a new process: its caches fill first, by lists that read etcd, then it stands for election.
func (p *plane) electStart(i int32) {
	e := &p.electors[i]
	e.alive, e.leading, e.seenAny, e.informed = true, false, false, 800*time.Millisecond
	if p.observe {
		p.electTry(i)
		return
	}
	p.ask(forInformers, i, 0)
}

func (p *plane) informersReply(i int32, c code) {
	e := &p.electors[i]
	if c != ok { // the reflector's backoff
		p.queue.Push(p.now+e.informed, evInformers, i, e.gen)
		e.informed = min(2*e.informed, 30*time.Second)
		return
	}
	p.electTry(i)
}

func (p *plane) electAsk(why purpose, i int32) {
	e := &p.electors[i]
	at := p.newRequest(why, i, e.known)
	e.request, e.sent = at, p.requests[at].gen
	p.admit(at)
}
