package etcdmodel

// reads are linearizable: the leader makes sure that it still leads (one round at a time, at its loop's
// pace and its followers'), then waits until it has applied what was committed when it
// asked, and for the backend commit under way. Reads of all clients are
// taken to be the leader's.
type reads struct {
	queue ring[request]
	stage readStage
	count int   // how many of queue the round answers
	round int64 // its number
	index int64 // what must be applied
	acks  int
	began int64
}

type readStage int8

const (
	readIdle readStage = iota
	readAsked
	readSent
	readConfirmed
	readApplying // until the batch of entries with the index has been applied
	readWoken    // that is done: the readers are on their way to the backend's lock
	readLocked   // and wait for it
)

func (e *engine) read(r request) {
	if e.classes[r.class].Op.Kind == KeepAlive { // the leader's lessor answers from memory
		e.see.done(r, readDone, e.now+2*e.halfTrip)
		return
	}
	e.reads.queue.push(r)
	e.nextRound(e.reads.queue.n)
}

// nextRound begins a round for the first count reads that wait, unless one is under way.
func (e *engine) nextRound(count int) {
	r := &e.reads
	if r.stage != readIdle || count == 0 || e.leader < 0 {
		return
	}
	r.stage, r.count, r.index, r.began = readAsked, count, e.members[e.leader].commit, e.now
	e.ready(e.leader)
	if r.stage != readIdle && r.stage < readApplying {
		e.timers[timerRead] = e.now + readRetry
	}
}

// readRetry is how long a read waits for its index before it asks for another (v3_server.go, readIndexRetryTime). The leader's
// loop answers all that was asked during a save at its end, and only the last answer counts (raft.go): a read on a slow disk
// waits for writes, too, that came after it.
const readRetry = 500_000_000 // ns

// askAgain also gives up a round that has no index after the time that etcd gives any request (requestCurrentIndex): its reads fail,
// their clients repeat them (client/v3/retry.go), and they are behind those that came meanwhile.
func (e *engine) askAgain() {
	e.timers[timerRead] = never
	r := &e.reads
	if r.stage == readIdle || r.stage >= readApplying || e.leader < 0 {
		return
	}
	if e.now-r.began >= e.timeout {
		others := r.queue.n - r.count
		for range r.count {
			r.queue.push(r.queue.pop())
		}
		r.reset()
		if others == 0 {
			others = r.queue.n
		}
		e.nextRound(others)
		return
	}
	if r.stage == readAsked {
		r.index = e.members[e.leader].commit
	}
	e.timers[timerRead] = e.now + readRetry
}

// readTurn is the round's part in a turn of the leader's loop; it tells whether there was any.
func (e *engine) readTurn() bool {
	r := &e.reads
	switch {
	case r.stage == readAsked && e.c.Members > 1:
		r.round++
		r.stage, r.acks = readSent, 1
		for j := range e.members {
			if j != e.leader {
				e.send(message{kind: msgRead, from: e.leader, to: j, commit: e.members[e.leader].commit})
			}
		}
		return true
	case r.stage == readAsked || r.stage == readConfirmed:
		e.timers[timerRead] = never
		e.indexKnown()
		return true
	}
	return false
}

func (r *reads) ack(round int64, quorum int) {
	if r.stage != readSent || round != r.round {
		return
	}
	if r.acks++; r.acks >= quorum {
		r.stage = readConfirmed
	}
}

// indexKnown is a round that has its index. One that is applied by then needs only the lock.
func (e *engine) indexKnown() {
	m := &e.members[e.leader]
	switch {
	case m.applied < e.reads.index || m.working:
		e.reads.stage = readApplying
	case m.committing:
		e.reads.stage = readLocked
	default:
		e.answerReads()
	}
}

// readWake is what the readers take from the end of a batch to the lock: two goroutines wake one after the other (assumed; what matters
// is that a revoke at the head of the next batch has its commit under way by then: 99 reads that a batch had freed waited for two fsyncs
// of 8 s in a run on 3.5.35, docs/cascade.md).
const readWake = 50_000 // ns

// wakeReads is the end of a batch of entries, which is when the reads that wait for one of them are told (server.go, applyAll).
func (e *engine) wakeReads(m *member) {
	if r := &e.reads; r.wait(m.told) {
		r.stage = readWoken
		e.timers[timerWoken] = e.now + readWake
	}
}

// wait tells whether reads wait for an entry up to this one.
func (r *reads) wait(told int64) bool { return r.stage == readApplying && told >= r.index }

// woken are readers that have reached the lock.
func (e *engine) woken() {
	e.timers[timerWoken] = never
	if e.reads.stage != readWoken {
		return
	}
	if e.leader >= 0 && e.members[e.leader].committing {
		e.reads.stage = readLocked
		return
	}
	e.answerReads()
}

// answerReads ends the round.
func (e *engine) answerReads() {
	r := &e.reads
	r.stage = readIdle
	for ; r.count > 0; r.count-- {
		e.see.done(r.queue.pop(), readDone, e.now)
	}
	e.nextRound(r.queue.n)
}

// reset gives up the round, as a member does that no longer leads: its reads ask again.
func (r *reads) reset() {
	r.stage, r.count = readIdle, 0
}
