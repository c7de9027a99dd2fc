package etcdmodel

// This file has members that stop and start again. A stopped member loses what it has not saved.
// Its clients are told at once that it is gone. When it returns, the leader sends it the entries
// that it lacks, or a snapshot of the db if its own log no longer reaches back that far.

// catchUp is the number of entries that a leader keeps behind its snapshot for slow followers
// (server/etcdserver/server.go, DefaultSnapshotCatchUpEntries).
const catchUp = 5000

// inMemory is the number of entries between two cuts of the log in memory. Since 3.6 they do not
// wait for a snapshot on disk (server/etcdserver/server.go, memorySnapshotCount).
const inMemory = 100

// firstKept returns the index before the first entry that the leader's log keeps.
func (e *engine) firstKept(applied int64) int64 {
	every := int64(inMemory)
	if e.c.Version == V3_5 {
		every = int64(e.c.SnapshotCount)
	}
	return max(0, applied/every*every-catchUp)
}

// needs returns the index after which a member needs the entries.
func (e *engine) needs(i int) int64 {
	m := &e.members[i]
	switch {
	case m.snapshotAt != never:
		return m.snapshotTo
	case !m.down:
		return m.applied
	}
	newest := int64(0)
	for j := range e.members {
		newest = max(newest, e.members[j].applied)
	}
	return max(m.applied, e.firstKept(newest))
}

// after returns the next running member, or the same one if none other runs.
func (e *engine) after(i int16) int16 {
	for range e.members {
		if i = (i + 1) % int16(len(e.members)); !e.members[i].down {
			break
		}
	}
	return i
}

// stop ends a member's process, as kill -9 does.
func (e *engine) stop(i int) {
	m := &e.members[i]
	m.down, m.replayTo = true, max(m.replayTo, m.applied)
	for kind := range timersEach {
		*e.timer(i, kind) = never
	}
	m.busy, m.working, m.committing, m.forced, m.snapshot, m.tickPending = false, false, false, false, false, false
	m.last, m.second, m.pending, m.dirty = m.stable, 0, 0, 0
	m.compact.left, m.compact.due = 0, never
	m.snapshotAt = never
	m.forgetAnswers()
	m.batches.drop(m.batches.n)
	m.inFlight.drop(m.inFlight.n)
	m.forward.drop(m.forward.n)
	if e.leader == i {
		e.leader = -1
		e.resetReads()
	}
	if e.election.underWay && e.election.who == i {
		e.election.underWay = false
		e.timers[timerElection] = never
	}
	e.hangUp(i)
	e.soonest = 0
}

func (m *member) forgetAnswers() {
	m.ackDue, m.beatDue, m.readDue, m.asks = false, false, false, false
	m.readSeen, m.readAnswers, m.confirmed, m.forwarding = 0, 0, 0, 0
}

// hangUp ends the requests of a member's own clients.
func (e *engine) hangUp(i int) {
	m := &e.members[i]
	for m.accepting.n > 0 {
		e.hear(m.accepting.pop().request)
	}
	for k := range e.waiting.n {
		if w := e.waiting.at(k); int(w.member) == i && !w.answered {
			w.answered = true
			e.hear(w.request)
		}
	}
	e.forget()
	m.reads.reset()
	for m.reads.queue.n > 0 {
		e.hear(m.reads.queue.pop())
	}
	for m.reads.readers.n > 0 {
		e.hear(m.reads.readers.pop())
	}
}

// hear has a client hear that its member has stopped, with the next thing that happens.
func (e *engine) hear(r request) {
	e.gone.push(r)
	e.timers[timerGone], e.soonest = e.now, 0
}

func (e *engine) tellGone() {
	e.timers[timerGone] = never
	for e.gone.n > 0 {
		e.see.done(e.gone.pop(), unavailable, e.now)
	}
}

// start starts a member's process. It replays its log from the last backend commit on.
func (e *engine) start(i int) {
	m := &e.members[i]
	m.down = false
	m.applied = min(max(m.flushed, e.base), max(m.stable, e.base))
	m.last = m.stable
	m.handed, m.commit, m.told = m.applied, m.applied, m.applied
	m.match, m.sent, m.sentCommit = m.stable, m.stable, 0
	m.returned, m.free = true, e.now
	m.commitDue = e.now + ns(e.c.BatchInterval)
	m.nextSnapshot = (m.applied/int64(e.c.SnapshotCount) + 1) * int64(e.c.SnapshotCount)
	e.resetElection(i)
	e.soonest = 0
	if e.c.Members == 1 { // it fast-forwards all ticks but one (server.go, adjustTicks), and votes for itself
		m.commit = m.stable
		e.election = election{who: i, underWay: true}
		e.timers[timerElection] = e.now + int64(m.limit-e.electionTicks()+1)*ns(e.c.Heartbeat) + m.disk.save(e.hardState)
		return
	}
	if e.peers(i) > 1 {
		m.elapsed = e.electionTicks() - 2
	}
	*e.timer(i, timerTick) = e.now + e.chance.Int64N(ns(e.c.Heartbeat))
}

// peers returns the number of other members that run.
func (e *engine) peers(i int) int {
	n := 0
	for j := range e.members {
		if j != i && !e.members[j].down {
			n++
		}
	}
	return n
}

// committed returns the index up to which entries are committed, as far as any member knows.
func (e *engine) committed() int64 {
	if e.leader >= 0 {
		return e.members[e.leader].commit
	}
	newest := int64(0)
	for i := range e.members {
		newest = max(newest, e.members[i].commit)
	}
	return newest
}

// reaches reports whether the leader can send a follower entries. One that has returned and lacks
// some that the log no longer has is sent a snapshot first.
func (e *engine) reaches(leader int, f *member) bool {
	if f.snapshotAt != never {
		return false
	}
	l := &e.members[leader]
	if !f.returned {
		return true
	}
	f.returned = false
	if f.stable >= max(e.base, e.firstKept(l.applied)) {
		return true
	}
	f.snapshotTo = l.applied
	f.snapshotAt = e.now + e.snapshotTime(l, f)
	e.timers[timerSnapshot] = min(e.timers[timerSnapshot], f.snapshotAt)
	return false
}

// snapshotTime returns the ns that a snapshot takes: the leader commits its backend, sends the db
// file, and the follower saves it (server/etcdserver/snapshot_merge.go;
// api/snap/db.go, SaveDBFrom: one fsync).
func (e *engine) snapshotTime(leader, f *member) int64 {
	size := e.db.files[e.leader]
	perByte := f.disk.dbPerByte
	if e.c.Network > 0 {
		perByte = max(perByte, 1e9/e.c.Network)
	}
	return leader.disk.flush(0, 0) + 2*e.halfTrip + int64(min(size*perByte, never/4)) + f.disk.sync() + f.disk.save(0)
}

// snapshotsCome gives members the snapshots that have come.
func (e *engine) snapshotsCome() {
	e.timers[timerSnapshot] = never
	for i := range e.members {
		m := &e.members[i]
		if m.snapshotAt > e.now {
			e.timers[timerSnapshot] = min(e.timers[timerSnapshot], m.snapshotAt)
			continue
		}
		to := m.snapshotTo
		m.snapshotAt = never
		m.last, m.stable, m.saving, m.commit, m.handed, m.applied = to, to, to, to, to, to
		m.told, m.match, m.sent, m.flushed = to, to, to, to
		m.batches.drop(m.batches.n)
		m.nextSnapshot = (to/int64(e.c.SnapshotCount) + 1) * int64(e.c.SnapshotCount)
		e.db.files[i] = e.db.inUse
		if e.leader >= 0 {
			e.db.files[i] = e.db.files[e.leader]
			e.ready(e.leader)
		}
	}
}
