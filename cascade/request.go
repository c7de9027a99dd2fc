package cascade

import "time"

// Requests to the API servers. One is a slot in a slab: it waits for its client's rate limiter, for a seat, for etcd, and
// ends once, whichever comes first: an answer, the server's deadline or the client's patience.

type code uint8

const (
	ok code = iota
	conflict
	failed  // 500: etcd's own request timeout
	late    // 504: the server's request timeout
	gaveUp  // the client's timeout
	refused // no server listens
	busy    // etcd refuses: too many requests, no space
	codes
)

type stage uint8

const (
	free stage = iota
	throttled
	queued
	reading
	writing
)

type request struct {
	begun   time.Duration
	gen     uint32
	version uint32
	who     int32
	next    int32 // of the lane's queue
	before  int32
	process uint32 // of the component that asks
	server  int32
	purpose purpose
	stage   stage
	checked bool // a PUT that found the cached object newer than its own reads etcd before it answers 409
}

// proposal outlives its request: a write that timed out still commits.
//
// It has four fields, one of them a pair, because Go's compiler keeps structs of up to four in registers.
type proposal struct {
	gen     uint32 // of the request
	request int32
	version uint32
	errand
}

// errand is what a proposal is for.
type errand struct {
	who     int32
	purpose purpose
	until   time.Duration // of a read: the answer is of no use after that
}

type seats struct {
	limit, used  int
	head, tail   int32
	waiting      int
	high         int // most seats wanted since the last adjustment
	smooth       float64
	nominal, min int
}

func (p *plane) newRequest(why purpose, who int32, version uint32) int32 {
	var i int32
	if n := len(p.freeRequests); n > 0 {
		i = p.freeRequests[n-1]
		p.freeRequests = p.freeRequests[:n-1]
	} else {
		p.requests = append(p.requests, request{gen: 1})
		i = int32(len(p.requests) - 1)
	}
	r := &p.requests[i]
	// One by one: a processor waits for fields that it has just written when it copies them all at once.
	r.begun, r.version, r.who, r.purpose, r.next = p.now, version, who, why, -1
	r.process, r.server, r.stage, r.checked = 0, 0, free, false
	if askerOf[why] == theControllers {
		r.process = p.electors[controllers].process
	}
	return i
}

// ask sends a request now.
func (p *plane) ask(why purpose, who int32, version uint32) {
	i := p.newRequest(why, who, version)
	p.admit(i)
}

// askVia sends a request when the client's limiter lets it.
func (p *plane) askVia(l *limiter, why purpose, who int32, version uint32) {
	at := l.reserve(p.now)
	i := p.newRequest(why, who, version)
	if at <= p.now {
		p.admit(i)
		return
	}
	p.requests[i].stage = throttled
	p.queue.Push(at, evAdmit, i, p.requests[i].gen)
}

func (p *plane) admit(i int32) {
	r := &p.requests[i]
	t := &traitsOf[r.purpose]
	r.begun = p.now
	r.server = p.serverFor(r.purpose, r.who)
	s := &p.servers[r.server]
	p.asked[r.purpose]++
	if s.down && r.purpose != forBoot {
		p.finish(i, refused)
		return
	}
	switch t.timeout {
	case 10 * time.Second:
		p.timer(&p.patience10, p.now+10*time.Second, evPatience, i, r.gen)
	case 5 * time.Second:
		p.timer(&p.patienceElect, p.now+p.s.Elections.client(), evPatience, i, r.gen)
	case 0:
		if t.verb == get {
			p.timer(&p.reads60, p.now+60*time.Second, evDeadline, i, r.gen)
		} else {
			p.timer(&p.writes34, p.now+34*time.Second, evDeadline, i, r.gen)
		}
	}
	if t.lane == exempt {
		p.serve(i)
		return
	}
	l := &s.lanes[t.lane]
	if want := l.used + l.waiting + 1; want > l.high {
		l.high = want
	}
	if l.used < l.limit {
		l.used++
		p.serve(i)
		return
	}
	r.stage = queued
	if l.waiting == 0 {
		l.head = i
	} else {
		p.requests[l.tail].next = i
		r.before = l.tail
	}
	l.tail = i
	l.waiting++
}

// serve handles a request that has its seat.
func (p *plane) serve(i int32) {
	if p.quiet || p.elsewhere(p.requests[i].purpose) {
		p.serveQuiet(i)
		return
	}
	r := &p.requests[i]
	t := &traitsOf[r.purpose]
	switch t.verb {
	case get:
		p.startRead(i)
	case probe:
		p.timer(&p.probes, p.now+2*time.Second, evProbeOver, i, r.gen)
		p.startRead(i)
	case update:
		if p.versionOf(t.space, r.who) != r.version {
			r.checked = true
			p.startRead(i)
			return
		}
		p.startWrite(i)
	case patch:
		r.version = p.versionOf(t.space, r.who)
		p.startWrite(i)
	default:
		p.startWrite(i)
	}
}

// elsewhere tells whether the object lives in an etcd of its own, whose disk is healthy.
func (p *plane) elsewhere(why purpose) bool {
	switch e := &p.s.Etcd; {
	case e.SeparateLeases && (traitsOf[why].space == leases || traitsOf[why].space == elections):
		return true
	case e.SeparateEvents:
		return why == forNodeEvent || why == forPodEvent || why == forKubeletEvent
	}
	return false
}

func (p *plane) startRead(i int32) {
	r := &p.requests[i]
	r.stage = reading
	p.store.read(p.now, p.newProposal(i))
}

func (p *plane) startWrite(i int32) {
	r := &p.requests[i]
	r.stage = writing
	p.timer(&p.etcdDeadline, p.now+7*time.Second, evEtcdDeadline, i, r.gen)
	p.store.propose(p.now, p.newProposal(i))
}

func (p *plane) newProposal(i int32) int32 {
	r := &p.requests[i]
	k := p.newProposalSlot()
	p.proposals[k] = proposal{r.gen, i, r.version, errand{who: r.who, purpose: r.purpose}}
	return k
}

// finish ends a request and tells who asked.
func (p *plane) finish(i int32, c code) {
	r := &p.requests[i]
	why, who, version, process, was, took := r.purpose, r.who, r.version, r.process, r.stage, p.now-r.begun
	p.release(i, r)
	p.answered[why][c]++
	if why == forLease && !p.quiet {
		p.leaseLatency.add(took)
	}
	if was == writing {
		if !p.elsewhere(why) {
			p.skipTicks()
			p.lastWrite = took
		}
		if c == ok {
			p.latency.add(took)
		}
	}
	if askerOf[why] == theControllers && process != p.electors[controllers].process {
		return // the process that asked is gone
	}
	p.reply(why, who, version, c)
}

// release frees a request's slot, and its seat or its place in the queue.
func (p *plane) release(i int32, r *request) {
	was := r.stage
	if was == queued {
		p.unqueue(i)
	}
	r.stage = free
	r.gen++
	p.freeRequests = append(p.freeRequests, i)
	if ln := traitsOf[r.purpose].lane; ln != exempt && (was == reading || was == writing) {
		p.leave(r.server, ln)
	}
}

// abandon drops a request of whose answer nobody wants to hear any more; a gen of 0 is that of none.
func (p *plane) abandon(i int32, gen uint32) {
	if gen == 0 {
		return
	}
	if r := &p.requests[i]; r.gen == gen && r.stage != free {
		p.release(i, r)
	}
}

func (p *plane) leave(server int32, ln lane) {
	l := &p.servers[server].lanes[ln]
	l.used--
	if l.waiting > 0 {
		p.fillSeats(server, ln)
	}
}

// fillSeats serves those who wait as far as there are seats.
func (p *plane) fillSeats(server int32, ln lane) {
	l := &p.servers[server].lanes[ln]
	for l.waiting > 0 && l.used < l.limit {
		i := l.head
		r := &p.requests[i]
		l.head = r.next
		l.waiting--
		r.next = -1
		l.used++
		p.serve(i)
	}
}

// unqueue takes a request out of its lane's queue.
func (p *plane) unqueue(i int32) {
	r := &p.requests[i]
	l := &p.servers[r.server].lanes[traitsOf[r.purpose].lane]
	l.waiting--
	if l.head == i {
		l.head = r.next
		return
	}
	p.requests[r.before].next = r.next
	if l.tail == i {
		l.tail = r.before
	} else {
		p.requests[r.next].before = r.before
	}
}
