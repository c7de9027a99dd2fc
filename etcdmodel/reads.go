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
}

type readStage int8

const (
	readIdle readStage = iota
	readAsked
	readSent
	readConfirmed
	readApplying
)

func (e *engine) read(r request) {
	if e.classes[r.class].Op.Kind == KeepAlive { // the leader's lessor answers from memory
		e.see.done(r, readDone, e.now+2*e.halfTrip)
		return
	}
	e.reads.queue.push(r)
	e.nextRound()
}

func (e *engine) nextRound() {
	r := &e.reads
	if r.stage != readIdle || r.queue.n == 0 || e.leader < 0 {
		return
	}
	r.stage, r.count, r.index = readAsked, r.queue.n, e.members[e.leader].commit
	e.ready(e.leader)
	if r.stage == readAsked {
		e.timers[timerRead] = e.now + readRetry
	}
}

// readRetry is how long a read waits for its index before it asks for another (v3_server.go, readIndexRetryTime). The leader's
// loop answers all that was asked during a save at its end, and only the last answer counts (raft.go): a read on a slow disk
// waits for writes, too, that came after it.
const readRetry = 500_000_000 // ns

func (e *engine) askAgain() {
	e.timers[timerRead] = never
	if r := &e.reads; r.stage == readAsked && e.leader >= 0 {
		r.index = e.members[e.leader].commit
		e.timers[timerRead] = e.now + readRetry
	}
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
				e.send(msgRead, e.leader, j).commit = e.members[e.leader].commit
			}
		}
		return true
	case r.stage == readAsked || r.stage == readConfirmed:
		r.stage = readApplying
		e.answerReads()
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

// answerReads ends the round once its index is applied and no backend commit holds the lock.
func (e *engine) answerReads() {
	r := &e.reads
	if r.stage != readApplying {
		return
	}
	m := &e.members[e.leader]
	if m.applied < r.index || m.committing || m.working {
		return
	}
	r.stage = readIdle
	for ; r.count > 0; r.count-- {
		e.see.done(r.queue.pop(), readDone, e.now)
	}
	e.nextRound()
}

// reset gives up the round, as a member does that no longer leads: its reads ask again.
func (r *reads) reset() {
	r.stage, r.count = readIdle, 0
}
