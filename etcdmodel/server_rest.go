package etcdmodel

import "time"

// Rest passes a spell in which the server is idle but for writes that are answered at once, for a
// caller that only counts them. written is the number of writes of each class, evenly spread over
// dt. [Server.Now] stands still. The db grows, is compacted on time, and can meet its quota
// ([Server.Full]). Compactions take no time here: on a disk that is fast enough for such a spell
// they hold nobody up.
func (s *Server) Rest(dt time.Duration, written []float64) {
	e := s.e
	e.finishCompaction()
	for left := ns(max(0, dt)); left > 0; {
		step := left
		if due := e.timers[timerCompact]; due != never {
			step = min(step, max(0, due-e.now))
			e.timers[timerCompact] -= step
		}
		for i := range min(len(written), len(e.classes)) {
			k := &e.classes[i]
			n := written[i] * float64(step) / float64(max(1, ns(dt)))
			e.db.apply(e.classes, k, n)
			if k.limited && n > 0 {
				e.db.total = max(e.db.total, e.db.inUse)
				e.db.over(k.cost)
			}
		}
		e.rested += step
		left -= step
		if e.db.dying {
			e.settle()
		}
		if e.timers[timerCompact] <= e.now {
			e.timers[timerCompact] = later(e.timers[timerCompact], ns(e.c.CompactEvery))
			e.restCompact(e.clock() - ns(e.c.CompactKeep))
		}
	}
	e.settle()
	e.soonest = 0
}

// Wake ends a spell of rest whose last write was `last` ago. If a member's backend has not
// committed since, that write is left for its next commit. On a disk that has become slow
// meanwhile this commit is the first to hold everybody up.
func (s *Server) Wake(last time.Duration) {
	e := s.e
	interval := ns(e.c.BatchInterval)
	for i := range e.members {
		m := &e.members[i]
		since := m.phases.Int64N(interval) // every commit has put the timer off by as long as it took
		m.commitDue = e.now + interval - since
		m.pending, m.dirty = 0, 0
		if ns(last) < since {
			m.pending = 1
		}
		e.rest(i)
	}
	e.soonest = 0
}

// Full reports whether the quota's alarm is on: puts, creates and lease grants fail.
func (s *Server) Full() bool { return s.e.db.alarm }

// clock returns the time since the start, spells of rest included: that of the db's marks.
func (e *engine) clock() int64 { return e.now + e.rested }

// finishCompaction ends at once a compaction that is under way.
func (e *engine) finishCompaction() {
	for i := range e.members {
		m := &e.members[i]
		if m.compact.left > 0 {
			m.compact.left, m.compact.due = 0, never
		}
	}
	e.db.inUse = max(0, e.db.inUse-e.db.freed)
	e.db.freed = 0
}

// restCompact makes a compaction that takes no time.
func (e *engine) restCompact(t int64) {
	if e.compactable(t) {
		e.collect(t)
		e.finishCompaction()
	}
	e.mark()
}
