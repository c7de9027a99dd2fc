package etcdmodel

// This file has the apply loop and the backend. Apply works through committed entries one by one.
// A backend commit holds the lock that apply needs (server/storage/backend/batch_tx.go). It comes
// every BatchInterval after the commit before, after BatchLimit operations, and for a compaction
// or a snapshot.

// work starts the apply loop if it rests and there is something to apply, and tells whether it did.
func (e *engine) work(i int) bool {
	m := &e.members[i]
	if m.working || m.committing || m.applied >= m.handed {
		return false
	}
	e.applySome(i)
	return true
}

func (e *engine) applyTimer(i int) {
	m := &e.members[i]
	*e.timer(i, timerApply) = never
	switch {
	case m.committing:
		e.commitEnds(i)
		if m.working || m.committing { // the next round of reads made the loop hand over more, which is being applied
			return
		}
	case m.working:
		m.working = false
	}
	e.applySome(i)
}

// applySome applies until it is done, a commit is due, or the run ends.
func (e *engine) applySome(i int) {
	m := &e.members[i]
	e.wakeReads(i)
	t := max(e.now, m.paused)
	if t > e.now {
		m.working = true
		*e.timer(i, timerApply) = t
		return
	}
	for {
		if e.commitIsDue(m, t) {
			if t > e.now {
				e.busyUntil(i, t)
				return
			}
			e.commitBegins(i)
			return
		}
		if m.applied >= m.handed {
			break
		}
		entry := e.entry(m.applied + 1)
		if entry.class >= 0 {
			t += e.classes[entry.class].apply
		}
		m.applied++
		if m.applied == m.nextSnapshot {
			m.snapshot = true
			m.nextSnapshot += int64(e.c.SnapshotCount)
		}
		e.appliedOne(i, entry, t)
		if m.batchEnds() && m.reads.wait(m.told) && t > e.now || t > e.until {
			break
		}
	}
	e.trim()
	if t > e.now {
		e.busyUntil(i, t)
		return
	}
	e.rest(i)
}

func (e *engine) busyUntil(i int, t int64) {
	e.members[i].working = true
	*e.timer(i, timerApply) = t
}

// rest waits for the next commit if there is something to commit.
func (e *engine) rest(i int) {
	m := &e.members[i]
	next := m.compact.due
	if m.pending > 0 {
		next = min(next, m.commitDue)
	}
	*e.timer(i, timerApply) = next
	e.wakeReads(i)
}

// appliedOne puts one entry into the tree at time t and answers its client.
func (e *engine) appliedOne(i int, x *entry, t int64) {
	m := &e.members[i]
	e.reached = t
	if m.reached > 0 {
		e.reached, m.reached = m.reached, 0
	}
	if x.class < 0 {
		return
	}
	k := &e.classes[x.class]
	if k.limited && e.db.full() && e.behindAlarm(i) {
		if int(x.member) == i && m.applied > m.replayTo {
			e.refuse(x.request, t)
		}
		return
	}
	if k.db > 0 || k.Op.Kind == LeaseRevoke {
		if m.pending == 0 { // the timer went on by itself while there was nothing to commit
			interval := ns(e.c.BatchInterval)
			if behind := t - m.commitDue; behind > 0 {
				m.commitDue += (behind + interval - 1) / interval * interval
			}
		}
		m.pending += k.Op.puts()
		m.dirty += k.db
	}
	if k.Op.Kind == LeaseRevoke && e.c.deletesForce() {
		m.forced = true // a pending bbolt delete forces a commit (batch_tx.go:335)
	}
	if i == e.leader && m.applied > e.db.counted {
		e.db.counted = m.applied
		e.db.apply(e.classes, k, 1)
	}
	full := k.limited && e.db.over(i, k.cost, e.lastIndex())
	switch {
	case int(x.member) != i || m.applied <= m.replayTo:
	case full:
		e.refuse(x.request, t)
	default:
		e.answer(x.request, t)
	}
}

func (e *engine) commitIsDue(m *member, t int64) bool {
	return m.snapshot || m.forced || m.pending > 0 && (t >= m.commitDue || m.pending >= e.c.BatchLimit) ||
		t >= m.compact.due
}

// commitBegins holds apply and reads for one backend commit, or for one batch of a compaction.
func (e *engine) commitBegins(i int) {
	m := &e.members[i]
	m.committing = true
	if !m.forced && m.applied < m.handed {
		m.reached = e.now
	}
	took := int64(0)
	switch {
	case m.snapshot:
		took = e.snapshot(m)
	case e.now >= m.compact.due:
		took = e.compactStep(i)
	default:
		took = e.flush(m)
		m.flushBegan = e.now
		m.second = e.now + took/2 // data, then the meta page
	}
	*e.timer(i, timerApply) = e.now + took
}

// snapshot commits the backend. Since 3.6 the apply loop also waits for the snapshot's file, its
// directory and its WAL record to be synced (server.go:2233,2252). 3.5 saves them beside it
// (server.go:2553).
func (e *engine) snapshot(m *member) int64 {
	m.snapshot = false
	took := e.flush(m)
	if e.c.Version != V3_5 {
		took += m.disk.sync() + m.disk.sync() + m.disk.save(0)
	}
	return took
}

// pagesBeside is the number of bytes that a commit writes beside the leaves: branches, the roots
// of the two buckets and the meta page.
const pagesBeside = 4 * pageSize

func (e *engine) flush(m *member) int64 {
	took := m.disk.flush(m.dirty+pagesBeside, float64(e.c.CPU.CommitPerKiB)/1024)
	m.dirty, m.pending, m.flushed = 0, 0, m.applied
	if e.leader >= 0 && m == &e.members[e.leader] {
		e.count.commitTime.add(took)
		e.count.flushes++
	}
	return took
}

// The timer of ordinary commits runs in a goroutine of its own (backend.go, run). A revoke's
// forced commit does not set it back. If the timer has run out meanwhile, its goroutine waits for
// the lock (safePending, Commit), and Go decides when it gets it. If it comes before the writes
// behind the revoke, it finds nothing to do and waits for another interval. If it comes after the
// first few of them, the others wait for two fdatasyncs more.
//
// A goroutine that has waited for more than a millisecond gets the lock handed over once it runs
// again (sync.Mutex's starvation mode). Until then the running apply loop takes the lock again and
// again. So the delay is that of a wake-up. A further revoke that is applied first still forces its
// own commit.
//
// afterFirst is the share of cases in which the timer's goroutine comes late, if reads wait as
// well. Measured: 33 of 63 revokes that no other followed, in ten runs of a control plane on
// fsyncs of 1 and 2 s (validation/RESULTS/cascade.md), and 2 of 4 in the one replayed at 2 s. On
// etcd 3.5.35 alone: 12 of 28 with serializable reads at the lock and 8 of 100 without. On 3.6.16:
// 3 of 3 and 0 of 3 (validation/etcd, TestARevokeHoldsWritesTwice).
//
// lockRace follows from the writes that the goroutine lets pass: 1 to 4 in 20 of the 23 late cases
// before which any was seen.
const (
	afterFirst = 0.5
	lockRace   = 150_000 // ns: two or three writes at [CPU.Apply]
)

// commitEnds starts the timer of ordinary commits anew.
func (e *engine) commitEnds(i int) {
	m := &e.members[i]
	m.committing, m.second = false, 0
	switch late := m.forced && m.commitDue <= e.now; {
	case late && (m.reads.stage != readIdle || m.reads.readers.n > 0) && m.revokes.Float64() < afterFirst:
		m.commitDue = e.now + lockRace
	case late, !m.forced:
		m.commitDue = e.now + ns(e.c.BatchInterval)
	}
	m.forced = false
	if i == e.leader {
		e.settle()
	}
	e.answerReads(i)
}

// answer ends a write for its client, unless etcd's timeout did before.
func (e *engine) answer(r request, t int64) {
	if r.id < e.waitID || t >= r.at+e.timeout || e.waiting.at(int(r.id-e.waitID)).answered {
		e.see.done(r, wasted, t)
		return
	}
	e.waiting.at(int(r.id - e.waitID)).answered = true
	e.see.done(r, committed, t)
	e.forget()
}

// forget drops the answered ones from the head and sets the next deadline.
func (e *engine) forget() {
	for e.waiting.n > 0 && e.waiting.at(0).answered {
		e.waiting.drop(1)
		e.waitID++
	}
	e.timers[timerDeadline] = never
	if e.waiting.n > 0 {
		e.timers[timerDeadline] = e.waiting.at(0).at + e.timeout
	}
}

// expire answers the oldest write with a timeout (server/config/config.go ReqTimeout).
func (e *engine) expire() {
	w := e.waiting.at(0)
	if !w.answered {
		w.answered = true
		e.see.done(w.request, timedOut, e.now)
	}
	e.forget()
}
