package etcdmodel

// This file has the leader's network where it is bounded (Cluster.Network). Entries to all
// followers go through it one message behind the other, and so does the commit index with them.
// Heartbeats and answers are small and have connections of their own (rafthttp's streams), so
// they pass by.

// sendEntries sends the entries after `from` up to `to` to follower j and returns the message to be
// filled in.
func (e *engine) sendEntries(leader, j int, from, to int64) *message {
	if e.c.Network == 0 {
		return e.send(msgAppend, leader, j)
	}
	bytes := 0.0
	for x := from + 1; x <= to; x++ {
		bytes += float64(e.entry(x).bytes)
	}
	e.sendFree = max(e.sendFree, e.now) + int64(e.c.sending(bytes))
	m := e.bulk.add()
	*m = message{at: e.sendFree + e.halfTrip, term: int32(e.term), kind: msgAppend, from: int16(leader), to: int16(j)}
	if e.bulk.n == 1 {
		e.timers[timerBulk] = m.at
	}
	return m
}

// deliverBulk hands over the entries that have arrived.
func (e *engine) deliverBulk() {
	m := *e.bulk.at(0)
	e.bulk.drop(1)
	e.timers[timerBulk] = never
	if e.bulk.n > 0 {
		e.timers[timerBulk] = e.bulk.at(0).at
	}
	e.receive(&m)
}
