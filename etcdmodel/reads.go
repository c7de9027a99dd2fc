package etcdmodel

// reads holds a member's linearizable reads. The member asks the leader for an index, one round at
// a time; a follower's question and the answer wait for both their loops. Then the reads wait
// until the member has applied that index, and for the backend commit under way.
type reads struct {
	queue ring[request]
	stage readStage
	count int   // how many of queue the round answers
	round int64 // its number
	index int64 // what must be applied
	began int64
	// their index is applied: they are on their way to the lock of the backend, or wait for it, while
	// the next round is asked
	readers ring[request]
}

type readStage int8

const (
	readIdle readStage = iota
	readAsked
	readSent
	readConfirmed // the index has come, and is told with the member's next turn
	readApplying  // until the batch of entries with the index has been applied
)

// readRetry is the time that a read waits for its index before it asks for another (v3_server.go,
// readIndexRetryTime). The leader's loop answers at its end all that was asked during a save, and
// only the last answer counts (raft.go). So a read on a slow disk also waits for writes that came
// after it.
const readRetry = 500_000_000 // ns

// readWake is the time that readers take from the end of a batch to the lock: two goroutines wake
// one after the other. It is assumed. It has to be long enough for a revoke at the head of the
// next batch to have its commit under way: 99 reads that a batch had freed waited for two fsyncs
// of 8 s in a run on 3.5.35 (docs/cascade.md).
const readWake = 50_000 // ns

func (e *engine) read(r request) {
	if e.classes[r.class].Op.Kind == KeepAlive { // the leader's lessor answers from memory
		e.see.done(r, readDone, e.now+2*e.halfTrip)
		return
	}
	m := &e.members[r.member]
	if e.classes[r.class].Op.Kind == SerializableRange { // the lock alone
		if m.committing {
			m.reads.readers.push(r)
		} else {
			e.compute(int(r.member), r)
		}
		return
	}
	m.reads.queue.push(r)
	e.nextRound(int(r.member), m.reads.queue.n)
}

// nextRound begins a round for the first `count` reads that wait at a member, unless one is under
// way.
func (e *engine) nextRound(i, count int) {
	r := &e.members[i].reads
	if r.stage != readIdle || count == 0 || e.leader < 0 {
		return
	}
	r.stage, r.count, r.began = readAsked, count, e.now
	r.round++
	r.index = e.members[e.leader].commit
	if i == e.leader && e.c.Members > 1 {
		r.stage = readSent
		e.askIndex(i, r.round)
	}
	e.ready(i)
	if r.stage != readIdle && r.stage < readApplying {
		*e.timer(i, timerRead) = e.now + readRetry
	}
}

// askAgain asks for another index. It gives up a round that has none after the time that etcd
// gives any request (requestCurrentIndex).
func (e *engine) askAgain(i int) {
	*e.timer(i, timerRead) = never
	r := &e.members[i].reads
	if r.stage == readIdle || r.stage >= readApplying || e.leader < 0 {
		return
	}
	if e.now-r.began >= e.timeout {
		e.giveUp(i)
		return
	}
	if i == e.leader {
		r.index = e.members[i].commit
		e.renewIndex(i)
	}
	*e.timer(i, timerRead) = e.now + readRetry
}

// giveUp ends a round that fails. Its clients repeat their reads (client/v3/retry.go) at the next
// member, behind those that came meanwhile.
func (e *engine) giveUp(i int) {
	r := &e.members[i].reads
	others := r.queue.n - r.count
	for range r.count {
		q := r.queue.pop()
		if !q.stays {
			q.member = e.after(q.member)
		}
		e.members[q.member].reads.queue.push(q)
	}
	r.reset()
	if others == 0 {
		others = r.queue.n
	}
	e.nextRound(i, others)
	next := int(e.after(int16(i)))
	e.nextRound(next, e.members[next].reads.queue.n)
}

// readTurn does the rounds' part in a turn of a member's loop. It reports whether there was any.
func (e *engine) readTurn(i int) bool {
	r, done := &e.members[i].reads, false
	if r.stage == readConfirmed || r.stage == readAsked && e.c.Members == 1 {
		*e.timer(i, timerRead) = never
		e.indexKnown(i)
		done = true
	}
	if i == e.leader && e.c.Members > 1 {
		done = e.confirmTurn(i) || done
	}
	return done
}

// indexKnown takes the index of a round. A round whose index is applied by then needs only the
// lock.
func (e *engine) indexKnown(i int) {
	m := &e.members[i]
	if m.applied < m.reads.index || m.working {
		m.reads.stage = readApplying
		return
	}
	e.tellReads(i)
	if !m.committing {
		e.answerReads(i)
	}
	e.nextRound(i, m.reads.queue.n)
}

// wakeReads tells the reads that wait for an entry of the batch that has just ended (server.go,
// applyAll).
func (e *engine) wakeReads(i int) {
	if m := &e.members[i]; m.reads.wait(m.told) {
		e.tellReads(i)
		*e.timer(i, timerWoken) = e.now + readWake
	}
}

// tellReads ends the round. A revoke that made sure of the leader wants no more than that.
func (e *engine) tellReads(i int) {
	r := &e.members[i].reads
	r.stage = readIdle
	for ; r.count > 0; r.count-- {
		q := r.queue.pop()
		if e.classes[q.class].Op.Kind == ReadIndex {
			e.see.done(q, readDone, e.now)
			continue
		}
		r.readers.push(q)
	}
}

// wait reports whether reads wait for an entry up to this one.
func (r *reads) wait(told int64) bool { return r.stage == readApplying && told >= r.index }

// woken answers readers that have reached the lock.
func (e *engine) woken(i int) {
	*e.timer(i, timerWoken) = never
	m := &e.members[i]
	if !m.committing {
		e.answerReads(i)
	}
	e.nextRound(i, m.reads.queue.n)
}

// answerReads answers those that have the lock.
func (e *engine) answerReads(i int) {
	for r := &e.members[i].reads; r.readers.n > 0; {
		e.compute(i, r.readers.pop())
	}
}

// resetReads gives up all rounds, as members do whose leader changes: their reads ask again.
func (e *engine) resetReads() {
	for j := range e.members {
		e.members[j].reads.reset()
	}
	e.confirms.waiting.drop(e.confirms.waiting.n)
	e.confirms.number = 0
}

func (r *reads) reset() { r.stage, r.count = readIdle, 0 }
