package etcdmodel

// Replication: the leader sends at the start of its loop's turn, before it saves; a
// follower answers after its own save; an entry is committed when a quorum has it on disk.

type messageKind int8

const (
	msgAppend  messageKind = iota // entries up to index, and the commit index
	msgAck                        // stable up to index; also the answer to a heartbeat
	msgPropose                    // a follower's client's request
	msgBeat
	msgRead // a heartbeat that carries reads
	msgReadAck
	msgReadAsk  // a follower's round of reads wants its index
	msgReadTold // and is told
)

type message struct {
	kind     messageKind
	from, to int
	term     int
	at       int64
	index    int64
	commit   int64
	request  request
}

// send puts a message on the wire; all trips take half of RTT, so they arrive in order.
func (e *engine) send(m message) {
	m.at, m.term = e.now+e.halfTrip, e.term
	e.net.push(m)
	if e.net.n == 1 {
		e.timers[timerNet] = m.at
	}
}

// deliver hands the messages that have arrived to raft, which takes them in while the loop saves.
func (e *engine) deliver() {
	m := e.net.pop()
	e.timers[timerNet] = never
	if e.net.n > 0 {
		e.timers[timerNet] = e.net.at(0).at
	}
	if m.kind == msgPropose {
		e.forwarded(m)
		return
	}
	if m.term != e.term {
		return
	}
	to, from := &e.members[m.to], &e.members[m.from]
	switch m.kind {
	case msgAppend:
		to.elapsed = 0
		e.calm(m.to)
		to.last = max(to.last, m.index)
		to.commit = max(to.commit, min(m.commit, to.last))
		if to.last <= to.stable {
			to.ackDue = true
		}
	case msgBeat, msgRead:
		to.elapsed = 0
		e.calm(m.to)
		to.commit = max(to.commit, min(m.commit, to.last))
		to.beatDue = true
		if m.kind == msgRead {
			to.readDue, to.readSeen = true, max(to.readSeen, m.index)
		}
	case msgAck:
		from.heard = e.now
		from.match = max(from.match, m.index)
		for from.inFlight.n > 0 && *from.inFlight.at(0) <= from.match {
			from.inFlight.drop(1)
		}
		e.advanceCommit()
	case msgReadAck:
		from.heard = e.now
		from.confirmed = max(from.confirmed, m.index)
		e.confirmReads()
	case msgReadAsk:
		if m.to == e.leader {
			e.askIndex(m.from, m.index)
		}
	case msgReadTold:
		to.reads.told(m.index, m.commit)
	}
	e.ready(m.to)
}

// forwarded is a proposal that reaches the leader, or that looks for a new one.
func (e *engine) forwarded(m message) {
	if e.leader == m.to {
		e.propose(m.request)
		e.ready(m.to)
		return
	}
	e.members[m.to].forward.push(m.request)
	e.ready(m.to)
}

// leaderSend is the leader's part of a turn before it saves. It tells whether there was anything.
func (e *engine) leaderSend(i int) bool {
	leader := &e.members[i]
	for leader.forward.n > 0 { // left from when it was none
		e.propose(leader.forward.pop())
	}
	sent := e.readTurn(i)
	if e.c.Members == 1 {
		return sent
	}
	for j := range e.members {
		if j == i {
			continue
		}
		f := &e.members[j]
		before, to := f.sent, e.fill(f, leader.last)
		if to == before && f.sentCommit >= leader.commit {
			continue
		}
		f.sent, f.sentCommit = to, leader.commit
		e.send(message{kind: msgAppend, from: i, to: j, index: to, commit: leader.commit})
		sent = true
	}
	if e.heartbeats.due {
		e.beat(i)
		sent = true
	}
	return sent
}

// fill is how far a follower can be sent: every proposal is a message of its own until 512
// are in flight; what has gathered behind those goes as one, of 1 MiB at most.
func (e *engine) fill(f *member, last int64) int64 {
	if f.sent < last && f.inFlight.n == 0 && last-f.sent > maxInFlight {
		bytes, to := int64(0), f.sent
		for to < last && bytes < maxCommitted {
			to++
			bytes += int64(e.entry(to).bytes)
		}
		f.inFlight.push(to)
		return to
	}
	to := f.sent
	for to < last && f.inFlight.n < maxInFlight {
		to++
		f.inFlight.push(to)
	}
	return to
}

// advanceCommit is raft's rule: the highest index that a quorum has stored.
func (e *engine) advanceCommit() {
	if e.leader < 0 {
		return
	}
	leader := &e.members[e.leader]
	leader.match = leader.stable
	if e.c.Version == V3_5 {
		leader.match = leader.last
	}
	if e.c.Members == 1 {
		leader.commit = leader.match
		return
	}
	var stored [16]int64
	n := 0
	for i := range e.members { // insertion sort, descending
		x, at := e.members[i].match, n
		for at > 0 && stored[at-1] < x {
			stored[at] = stored[at-1]
			at--
		}
		stored[at] = x
		n++
	}
	leader.commit = max(leader.commit, stored[e.c.quorum()-1])
}
