package cascade

import "time"

// elector is client-go's leaderelection around one component. A leader PUTs from the version it knows; if that fails and its
// lease is still valid it GETs and PUTs; every step has the client's timeout, the whole has the renew deadline; then the
// process exits. A candidate GETs, waits until it has seen the same lease for its whole duration, and PUTs.
type elector struct {
	component int
	leading   bool
	alive     bool
	working   bool // the component does its work (it may, though its lease is lost, if Restarts is off)
	process   uint32
	gen       uint32 // of the process
	known     uint32
	lease     uint32        // stored version
	valid     time.Duration // the observed record's time
	seen      uint32        // version observed
	seenAny   bool
	deadline  time.Duration
	slow      bool // this try has fallen back to GET and PUT
	restarts  int
	started   time.Duration
	tried     time.Duration // when the last try began
	request   int32         // the last one sent, and its generation
	sent      uint32
}

// Elections are the three times of a component's leader election; zero means the default.
type Elections struct {
	Lease time.Duration // LeaseDuration; zero: 15 s
	Renew time.Duration // RenewDeadline; zero: 10 s
	Retry time.Duration // RetryPeriod; zero: 2 s
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
	if !e.leading && p.now < e.valid+p.s.Elections.Lease {
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
	wait := float64(p.s.Elections.Retry) * (1 + 1.2*p.electionDraws.Float())
	p.queue.Push(p.now+time.Duration(wait), evElectTry, i, e.gen)
}

func (p *plane) lead(i int32) {
	e := &p.electors[i]
	e.leading = true
	e.started = p.now
	p.note(LeaderAcquired, componentNames[i], causeRecovery)
	p.becameLeader(i)
	p.queue.Push(p.now+p.s.Elections.Retry, evElectRenew, i, e.gen)
}

// electLost is the end of the process: it exits and the kubelet restarts it after CrashLoopBackOff.
func (p *plane) electLost(i int32) {
	e := &p.electors[i]
	e.gen++
	p.abandon(e.request, e.sent)
	e.leading, e.alive = false, false
	p.note(LeaderLost, componentNames[i], causeLatency)
	p.lostLeader(i)
	wait := 10 * time.Second
	if p.s.Restarts {
		wait = p.crashLoop(e.restarts)
	}
	e.restarts++
	p.queue.Push(p.now+wait, evElectStart, i, e.gen)
}

// crashLoop is the kubelet's CrashLoopBackOff: 10 s, doubled up to 5 min.
func (p *plane) crashLoop(n int) time.Duration {
	return min(10*time.Second<<min(n, 5), 300*time.Second)
}

func (p *plane) electStart(i int32) {
	e := &p.electors[i]
	e.alive, e.leading, e.seenAny = true, false, false
	p.electTry(i)
}

func (p *plane) electAsk(why purpose, i int32) {
	e := &p.electors[i]
	at := p.newRequest(why, i, e.known)
	e.request, e.sent = at, p.requests[at].gen
	p.admit(at)
}
