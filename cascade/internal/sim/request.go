package sim

import (
	"time"
)

// request is a request to an API server. It waits for its client's rate limiter, for a seat and
// for etcd. It ends once, whichever comes first: an answer, the server's deadline or the client's
// timeout.
type request struct {
	begun        time.Duration
	gen          uint32 // of the slot: it changes when the request ends
	version      uint32 // resourceVersion that a PUT starts from; some purposes send a number of their own
	who          int32  // node, elector, server ... by purpose
	next, before int32  // in the queue of its level
	process      uint32 // of the controller manager that asks: a later one gets no answer
	server       int32  // that it went to
	purpose      purpose
	stage        stage
	checked      bool // a PUT found the cached object newer than its own: etcd is read before the 409
}

// stage says where a request is.
type stage uint8

// The stages.
const (
	free      stage = iota // the slot holds no request, or one that has not begun
	throttled              // waits for its client's rate limiter
	queued                 // waits for a seat
	reading                // etcd reads for it
	writing                // etcd writes for it
)

// code says how a request ended.
type code uint8

// The codes.
const (
	ok       code = iota
	conflict      // 409
	failed        // 500: etcd's own request timeout
	late          // 504: the server's request timeout
	gaveUp        // the client's timeout
	refused       // no server listens
	busy          // etcd refuses: too many requests, no space
	codes
)

// proposal is a request's work in etcd. It outlives the request: a write that timed out still
// commits.
//
// It has four fields, one of them a struct, because Go's compiler keeps structs of up to four in
// registers.
type proposal struct {
	gen     uint32 // of the request
	request int32  // negative: nobody waits
	version uint32 // that a write expects; the etcd lease to revoke
	errand
}

// errand says what a proposal is for.
type errand struct {
	who     int32
	purpose purpose
	until   time.Duration // of the lessor's read: the answer is of no use after that
}

// ask sends a request now. who is the node, server or elector that it is about, as the purpose
// wants it. version is the resourceVersion that a PUT starts from. Other requests carry a number
// in it, for their answer to give back.
func (kn *kernel) ask(why purpose, who int32, version uint32) {
	i := kn.newRequest(why, who, version)
	kn.admit(i)
}

// askVia sends a request when the client's limiter lets it.
func (kn *kernel) askVia(l *limiter, why purpose, who int32, version uint32) {
	at := l.reserve(kn.now)
	i := kn.newRequest(why, who, version)
	if at <= kn.now {
		kn.admit(i)
		return
	}
	kn.requests[i].stage = throttled
	kn.at(at, evAdmit, i, kn.requests[i].gen)
}

// newRequest returns the slot of a new request.
func (kn *kernel) newRequest(why purpose, who int32, version uint32) int32 {
	var i int32
	if n := len(kn.freeRequests); n > 0 {
		i = kn.freeRequests[n-1]
		kn.freeRequests = kn.freeRequests[:n-1]
	} else {
		kn.requests = append(kn.requests, request{gen: 1})
		i = int32(len(kn.requests) - 1)
	}
	r := &kn.requests[i]
	// Set the fields one by one. If the struct is copied at once instead, the processor stalls on
	// fields that it has just written.
	r.begun, r.version, r.who, r.purpose, r.next = kn.now, version, who, why, -1
	r.process, r.server, r.stage, r.checked = 0, 0, free, false
	if kn.rows[why].asker == theControllers {
		r.process = kn.cluster.electors.list[controllers].process
	}
	return i
}

// admit brings a request to its API server. It sets the deadline, then takes a seat or a place in
// the queue.
func (kn *kernel) admit(i int32) {
	r := &kn.requests[i]
	t := &kn.rows[r.purpose]
	r.begun = kn.now
	r.server = kn.cluster.servers.serverFor(r.purpose, r.who)
	s := &kn.cluster.servers.list[r.server]
	kn.cluster.rec.asked[r.purpose]++
	if s.down && r.purpose != forBoot {
		kn.finish(i, refused)
		return
	}
	if d := &kn.deadlines[r.purpose]; d.line >= 0 {
		kn.inLine(d.line, kn.now+d.after, d.kind, i, r.gen)
	}
	if t.level == exempt {
		kn.serve(i)
		return
	}
	l := &s.levels[t.level]
	if want := l.used + l.waiting + 1; want > l.high {
		l.high = want
	}
	if l.used < l.limit {
		l.used++
		kn.serve(i)
		return
	}
	r.stage = queued
	if l.waiting == 0 {
		l.head = i
	} else {
		kn.requests[l.tail].next = i
		r.before = l.tail
	}
	l.tail = i
	l.waiting++
}

// serve handles a request that has its seat. A PUT that lags behind the server's cache is read
// from etcd before its 409.
func (kn *kernel) serve(i int32) {
	if kn.quiet || kn.cluster.etcd.elsewhere(kn.requests[i].purpose) {
		kn.cluster.calm.serveQuiet(i)
		return
	}
	r := &kn.requests[i]
	t := &kn.rows[r.purpose]
	switch t.verb {
	case get:
		kn.startRead(i)
	case probe:
		kn.inLine(lineCheck, kn.now+2*time.Second, evProbeOver, i, r.gen)
		kn.startRead(i)
	case update:
		if kn.versionOf(t.space, r.who) != r.version {
			r.checked = true
			kn.startRead(i)
			return
		}
		kn.startWrite(i)
	case patch:
		r.version = kn.versionOf(t.space, r.who)
		kn.startWrite(i)
	default:
		kn.startWrite(i)
	}
}

// startRead asks etcd for a quorum read.
func (kn *kernel) startRead(i int32) {
	r := &kn.requests[i]
	r.stage = reading
	kn.cluster.etcd.read(kn.now, kn.newProposal(i))
}

// startWrite proposes a write to etcd, with etcd's own timeout.
func (kn *kernel) startWrite(i int32) {
	r := &kn.requests[i]
	r.stage = writing
	kn.inLine(lineEtcd, kn.now+etcdTimeout, evEtcdDeadline, i, r.gen)
	kn.cluster.etcd.propose(kn.now, kn.newProposal(i))
}

// newProposal returns the slot of a proposal for request i.
func (kn *kernel) newProposal(i int32) int32 {
	r := &kn.requests[i]
	k := kn.newProposalSlot()
	kn.proposals[k] = proposal{gen: r.gen, request: i, version: r.version, errand: errand{who: r.who, purpose: r.purpose}}
	return k
}

// newProposalSlot returns a free slot for a proposal.
func (kn *kernel) newProposalSlot() int32 {
	if n := len(kn.freeProposals); n > 0 {
		k := kn.freeProposals[n-1]
		kn.freeProposals = kn.freeProposals[:n-1]
		return k
	}
	kn.proposals = append(kn.proposals, proposal{})
	return int32(len(kn.proposals) - 1)
}

// newOrphan returns the slot of a proposal whose answer nobody waits for.
func (kn *kernel) newOrphan(why purpose) int32 {
	k := kn.newProposalSlot()
	kn.proposals[k] = proposal{gen: 1, request: -1, errand: errand{purpose: why}}
	return k
}

// bulk sends n writes whose answers nobody waits for. They skip the API servers' queues.
func (kn *kernel) bulk(why purpose, n int) {
	if n <= 0 {
		return
	}
	kn.cluster.rec.asked[why] += n
	if kn.quiet || kn.cluster.etcd.elsewhere(why) {
		kn.cluster.calm.landQuiet(why, n)
		kn.cluster.rec.committed += n
		kn.cluster.rec.wrote(why, n)
		return
	}
	for range n {
		kn.cluster.etcd.propose(kn.now, kn.newOrphan(why))
	}
}

// finish ends a request and tells whoever asked.
func (kn *kernel) finish(i int32, c code) {
	r := &kn.requests[i]
	why, who, version, process := r.purpose, r.who, r.version, r.process
	was, took := r.stage, kn.now-r.begun
	kn.release(i, r)
	kn.cluster.rec.answered[why][c]++
	if why == forLease && !kn.quiet {
		kn.cluster.rec.leaseLatency.Add(int64(took))
	}
	if was == writing {
		if !kn.cluster.etcd.elsewhere(why) {
			kn.cluster.sched.skipTicks()
			kn.lastWrite = took
		}
		if c == ok {
			kn.cluster.rec.latency.Add(int64(took))
		}
	}
	if kn.rows[why].asker == theControllers && process != kn.cluster.electors.list[controllers].process {
		return // the process that asked is gone
	}
	if replied := kn.rows[why].replied; replied != nil {
		replied(kn.cluster, answer{why: why, who: who, version: version, code: c})
	}
}

// release frees a request's slot, and its seat or its place in the queue.
func (kn *kernel) release(i int32, r *request) {
	was := r.stage
	if was == queued {
		kn.cluster.servers.unqueue(i)
	}
	r.stage = free
	r.gen++
	kn.freeRequests = append(kn.freeRequests, i)
	if lv := kn.rows[r.purpose].level; lv != exempt && (was == reading || was == writing) {
		kn.cluster.servers.leave(r.server, lv)
	}
}

// abandon drops a request whose answer nobody wants any more. A gen of 0 means that there is no
// such request.
func (kn *kernel) abandon(i int32, gen uint32) {
	if gen == 0 {
		return
	}
	if r := &kn.requests[i]; r.gen == gen && r.stage != free {
		kn.release(i, r)
	}
}
