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
	at       int64
	index    int64
	commit   int64
	term     int32
	from, to int16
	kind     messageKind
	request  request // of msgPropose
}

// send puts a message on the wire and returns it to be filled in. All trips take half of RTT, so
// messages arrive in order.
func (e *engine) send(kind messageKind, from, to int) *message {
	m := e.net.add()
	m.at, m.term, m.kind, m.from, m.to = e.now+e.halfTrip, int32(e.term), kind, int16(from), int16(to)
	if e.net.n == 1 {
		e.timers[timerNet] = m.at
	}
	return m
}

// deliver hands the messages that have arrived to raft, which takes them in while the loop saves.
func (e *engine) deliver() {
	m := e.net.at(0) // valid until something is sent
	e.net.drop(1)
	e.timers[timerNet] = never
	if e.net.n > 0 {
		e.timers[timerNet] = e.net.at(0).at
	}
	e.receive(m)
}

func (e *engine) receive(m *message) {
	i := int(m.to)
	if e.members[i].down {
		return
	}
	if m.kind == msgPropose {
		e.forwarded(i, m.request)
		return
	}
	if int(m.term) != e.term {
		return
	}
	to, from := &e.members[i], &e.members[m.from]
	switch m.kind {
	case msgAppend:
		to.elapsed = 0
		e.calm(i)
		to.last = max(to.last, m.index)
		to.commit = max(to.commit, min(m.commit, to.last))
		if to.last <= to.stable {
			to.ackDue = true
		}
	case msgBeat, msgRead:
		to.elapsed = 0
		e.calm(i)
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
		if i == e.leader {
			e.askIndex(int(m.from), m.index)
		}
	case msgReadTold:
		to.reads.told(m.index, m.commit)
	}
	e.ready(i)
}

// forwarded takes a proposal that reaches the leader, or that looks for a new one.
func (e *engine) forwarded(i int, r request) {
	if e.leader == i {
		e.propose(r)
	} else {
		e.members[i].forward.push(r)
	}
	e.ready(i)
}

// leaderSend does the leader's part of a turn before it saves. It reports whether there was
// anything.
func (e *engine) leaderSend(i int) bool {
	leader := &e.members[i]
	for leader.forward.n > 0 { // left from when it was none
		e.propose(leader.forward.pop())
	}
	leader.forwarding = 0 // of a Ready from when it followed
	sent := e.readTurn(i)
	if e.c.Members == 1 {
		return sent
	}
	for j := range e.members {
		if j == i {
			continue
		}
		f := &e.members[j]
		if f.down || !e.reaches(i, f) {
			continue
		}
		before, to := f.sent, e.fill(f, leader.last)
		if to == before && f.sentCommit >= leader.commit {
			continue
		}
		f.sent, f.sentCommit = to, leader.commit
		m := e.sendEntries(i, j, before, to)
		m.index, m.commit = to, leader.commit
		sent = true
	}
	if e.heartbeats.due {
		e.beat(i)
		sent = true
	}
	return sent
}

// fill returns the index up to which a follower can be sent entries. Every proposal is a message
// of its own until 512 are in flight. What has gathered behind those goes as one message, of 1 MiB
// at most.
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

// advanceCommit applies raft's rule: it commits up to the highest index that a quorum has stored.
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
