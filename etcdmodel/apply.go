package etcdmodel

// The apply loop and the backend. Apply works through committed entries one by one; a
// backend commit holds the lock it needs (server/storage/backend/batch_tx.go), every
// BatchInterval after the commit before, after BatchLimit operations, for a compaction or a snapshot.

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
	case m.working:
		m.working = false
	}
	e.applySome(i)
}

// applySome applies until it is done, a commit is due, or the run ends.
func (e *engine) applySome(i int) {
	m := &e.members[i]
	if i == e.leader && !m.committing {
		e.answerReads()
		if m.working || m.committing { // the next round of reads made the loop hand over more, which is being applied
			return
		}
	}
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
		if t > e.until {
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
	if i == e.leader {
		e.answerReads()
	}
}

// appliedOne is one entry in the tree at time t: its client gets the answer.
func (e *engine) appliedOne(i int, x *entry, t int64) {
	m := &e.members[i]
	if x.class < 0 {
		return
	}
	k := &e.classes[x.class]
	if k.db > 0 || k.Op.Kind == LeaseRevoke {
		if m.pending == 0 && !m.overdue { // the timer went on by itself while there was nothing to commit
			interval := ns(e.c.BatchInterval)
			if behind := t - m.commitDue; behind > 0 {
				m.commitDue += (behind + interval - 1) / interval * interval
			}
		}
		m.pending += k.Op.puts()
		m.dirty += k.db
	}
	if k.Op.Kind == LeaseRevoke {
		m.forced = true // a pending bbolt delete forces a commit (batch_tx.go:335)
	}
	if i == e.leader {
		e.db.add(k, t)
	}
	if int(x.member) == i {
		e.answer(x.request, t)
	}
}

func (e *engine) commitIsDue(m *member, t int64) bool {
	return m.snapshot || m.forced || m.pending > 0 && (t >= m.commitDue || m.pending >= e.c.BatchLimit) || t >= m.compact.due
}

// commitBegins holds apply and reads for one backend commit, or for one batch of a compaction.
func (e *engine) commitBegins(i int) {
	m := &e.members[i]
	m.committing = true
	took := int64(0)
	switch {
	case m.snapshot:
		took = e.snapshot(m)
	case e.now >= m.compact.due:
		took = e.compactStep(i)
	default:
		took = e.flush(m)
	}
	*e.timer(i, timerApply) = e.now + took
}

// snapshot commits the backend; since 3.6 the apply loop also waits for the snapshot's file, its directory
// and its WAL record to be synced (server.go:2233,2252; 3.5 saves them beside it, server.go:2553).
func (e *engine) snapshot(m *member) int64 {
	m.snapshot = false
	took := e.flush(m)
	if e.c.Version != V3_5 {
		took += m.disk.sync() + m.disk.sync() + m.disk.save(0)
	}
	return took
}

// pagesBeside is what a commit writes beside the leaves: branches, the two buckets' roots and the meta page.
const pagesBeside = 4 * pageSize

func (e *engine) flush(m *member) int64 {
	took := m.disk.flush(m.dirty+pagesBeside, float64(e.c.CPU.CommitPerKiB)/1024)
	m.dirty, m.pending = 0, 0
	if e.leader >= 0 && m == &e.members[e.leader] {
		e.count.commitTime.add(took)
		e.count.flushes++
	}
	return took
}

// afterFirst is how often the ordinary commit that waits for the end of a forced one gets the lock after the first write behind it, if
// reads wait as well; else it comes before and finds nothing to do. A race in Go's scheduler: 2 of 4 in the control plane that was replayed
// at 2 s, 12 of 28 on etcd 3.5.35 with serializable reads at the lock, 8 of 100 without, and 3 of 3 and 0 of 3 on 3.6.16 (validation/etcd, TestARevokeHoldsWritesTwice).
const afterFirst = 0.5

// commitEnds starts the timer of ordinary commits anew, unless the commit that ends was a revoke's: that timer runs in a
// goroutine of its own (backend.go, run), which a commit by the apply loop does not set back. If it has run out meanwhile, it waits for
// the lock, and has it before the writes that queue behind the revoke or after the first of them.
func (e *engine) commitEnds(i int) {
	m := &e.members[i]
	m.committing = false
	late := m.forced && m.commitDue <= e.now
	m.overdue = late && !m.overdue && e.reads.stage != readIdle && m.revokes.Float64() < afterFirst
	if !m.overdue && (late || !m.forced) {
		m.commitDue = e.now + ns(e.c.BatchInterval)
	}
	m.forced = false
	if i == e.leader {
		e.db.settle()
	}
}

// answer ends a write for its client, unless etcd's timeout did before.
func (e *engine) answer(r request, t int64) {
	if r.id < e.waitID || t >= r.at+e.timeout {
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
