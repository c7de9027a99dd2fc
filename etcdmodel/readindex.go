package etcdmodel

// This file has the leader's part of a read: it makes sure that it still leads and gives the read
// an index. It sends a heartbeat for that, which a quorum has to answer (raft's ReadOnlySafe).

type confirms struct {
	waiting ring[confirm]
	number  int64 // of the last heartbeat sent for one
}

// confirm is a member's round that waits for that.
type confirm struct {
	from   int
	round  int64
	index  int64 // what was committed when it was asked
	number int64 // of its heartbeat; 0: not sent yet
	known  bool  // confirmed; a follower is told with the leader's next turn
}

// askIndex takes a round's question at the leader.
func (e *engine) askIndex(from int, round int64) {
	e.confirms.waiting.push(confirm{from: from, round: round, index: e.members[e.leader].commit})
}

// renewIndex asks the leader's own question again before the heartbeat. Of all questions that one
// heartbeat confirms, the last answer counts.
func (e *engine) renewIndex(i int) {
	for k := range e.confirms.waiting.n {
		if c := e.confirms.waiting.at(k); c.from == i && c.number == 0 {
			c.index = e.members[i].commit
		}
	}
}

// confirmTurn sends followers the index of rounds that are confirmed, and the heartbeat for rounds
// that are new. It reports whether it sent anything.
func (e *engine) confirmTurn(i int) bool {
	w, sent := &e.confirms.waiting, false
	for w.n > 0 && w.at(0).known {
		if c := w.pop(); c.from != i {
			told := e.send(msgReadTold, i, c.from)
			told.index, told.commit = c.round, c.index
			sent = true
		}
	}
	if w.n == 0 || w.at(w.n-1).number > 0 {
		return sent
	}
	e.confirms.number++
	for k := range w.n {
		if c := w.at(k); c.number == 0 {
			c.number = e.confirms.number
		}
	}
	for j := range e.members {
		if j != i {
			m := e.send(msgRead, i, j)
			m.index, m.commit = e.confirms.number, e.members[i].commit
		}
	}
	return true
}

// confirmReads marks the rounds whose heartbeat a quorum has answered.
func (e *engine) confirmReads() {
	w := &e.confirms.waiting
	for k := range w.n {
		c := w.at(k)
		if c.known || c.number == 0 || !e.answered(c.number) {
			continue
		}
		c.known = true
		if c.from == e.leader {
			e.members[c.from].reads.told(c.round, c.index)
		}
	}
}

// answered reports whether a quorum has answered that heartbeat.
func (e *engine) answered(number int64) bool {
	n := 1
	for j := range e.members {
		if j != e.leader && e.members[j].confirmed >= number {
			n++
		}
	}
	return n >= e.c.quorum()
}

// told takes the index of a member's round.
func (r *reads) told(round, index int64) {
	if r.stage == readSent && r.round == round {
		r.stage, r.index = readConfirmed, index
	}
}
