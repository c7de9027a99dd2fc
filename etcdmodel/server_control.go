package etcdmodel

import (
	"fmt"
	"time"
)

// Now returns the virtual time since the start.
func (s *Server) Now() time.Duration { return time.Duration(s.e.now) }

// Counted returns the number of WAL fdatasyncs and of backend commits that the leaders have made
// since the start, whether during a step or on a Submit between two.
func (s *Server) Counted() (fsyncs, commits int) {
	return int(s.e.count.fsyncs), int(s.e.count.flushes)
}

// Leader returns the leading member, or -1 while there is none.
func (s *Server) Leader() int { return s.e.leader }

// Saving returns for how long the leader's loop has been writing its log; everything else it does
// waits meanwhile. It returns zero if it is not writing, or if none leads.
func (s *Server) Saving() time.Duration {
	if s.e.leader < 0 || !s.e.members[s.e.leader].busy {
		return 0
	}
	return time.Duration(s.e.now - s.e.members[s.e.leader].began)
}

// LessorFree returns the time when the leader's lessor can next look for leases that have expired.
// That is now, unless a backend commit is under way that holds up the lessor's lock: one that a
// revoke has forced, or for which the grant to be applied next waits. A revoke that is to be
// applied next does not hold it (lease/lessor.go, Revoke and Grant).
func (s *Server) LessorFree() time.Duration {
	e := s.e
	if e.leader < 0 {
		return s.Now()
	}
	m := &e.members[e.leader]
	held := m.forced
	if !held && m.applied < m.handed {
		if x := e.entry(m.applied + 1); x.class >= 0 {
			held = e.classes[x.class].Op.Kind == LeaseGrant
		}
	}
	if !m.committing || !held {
		return s.Now()
	}
	return time.Duration(*e.timer(e.leader, timerApply))
}

// DB returns the size of the db file now.
func (s *Server) DB() Size {
	return Size{At: s.Now(), Total: int64(s.e.db.total), InUse: int64(s.e.db.inUse)}
}

// State returns the database now, as etcd shows it on its metrics page. A [Cluster] that
// starts from it goes on as the server does.
func (s *Server) State() State {
	s.e.db.expire(s.e.classes, s.e.clock())
	return s.e.db.state(s.e.classes)
}

// SetDisk gives a member another disk from now on: a fault, a repair, a swap. The fdatasync under
// way ends as it began.
func (s *Server) SetDisk(member int, d Disk) error {
	if member < 0 || member >= len(s.e.members) {
		return bad("member", member, fmt.Sprintf("0 to %d", len(s.e.members)-1))
	}
	if err := d.Check("Disk"); err != nil {
		return err
	}
	m := &s.e.members[member]
	s.e.c.Disks[member] = d.orDefault()
	m.disk = newSampler(d, m.disk.rng)
	if m.second > s.e.now {
		*s.e.timer(member, timerApply) = m.second + m.disk.half()
		m.second, s.e.soonest = 0, 0
	}
	return nil
}

// SetDisks gives every member the disk.
func (s *Server) SetDisks(d Disk) error {
	for i := range s.e.members {
		if err := s.SetDisk(i, d); err != nil {
			return err
		}
	}
	return nil
}

// MoveLeader makes another member leader, as `etcdctl move-leader` or the death of the leader's
// process does; entries that only the old leader had are lost.
func (s *Server) MoveLeader(to int) error {
	if to < 0 || to >= len(s.e.members) {
		return bad("member", to, fmt.Sprintf("0 to %d", len(s.e.members)-1))
	}
	if to == s.e.leader {
		return nil
	}
	if s.e.leader >= 0 && s.e.members[to].last < s.e.members[s.e.leader].commit {
		return fmt.Errorf("%w: member %d lacks committed entries and cannot lead yet", ErrInput, to)
	}
	s.e.election.who = to
	s.e.elect()
	s.e.soonest = 0
	return nil
}

// Compact starts a compaction now, to what was written before `age` ago, as every CompactEvery
// does by itself.
func (s *Server) Compact(age time.Duration) {
	s.e.mark()
	s.e.compactNow(s.e.clock() - ns(max(0, age)))
}

// Defrag rewrites every member's db, one after the other: the file shrinks to the bytes in use. A
// member applies nothing meanwhile, for Likely of what one member takes, which is returned.
func (s *Server) Defrag() Defrag {
	e := s.e
	took := newDefrag(e.c, tally{e.db.inUse, e.db.revisions(e.classes)})
	for i := range e.members {
		m := &e.members[i]
		m.paused = e.now + ns(took.Likely)*int64(i+1)
	}
	e.db.total = e.db.inUse
	return took
}

// Disarm ends the NOSPACE alarm. It stays if the file is still over the quota: compacting
// alone does not shrink the file, only a defragmentation does.
func (s *Server) Disarm() error {
	if s.e.db.total >= s.e.db.quota {
		return fmt.Errorf(
			"%w: db is %d bytes, quota %d: compact and defragment first", ErrInput, int64(s.e.db.total),
			int64(s.e.db.quota),
		)
	}
	s.e.db.alarm = false
	return nil
}

// Next returns the virtual time of the next thing that happens by itself, for a caller that steps
// from event to event. A step up to it misses none. There is always one: with a single idle member
// it may be far.
func (s *Server) Next() time.Duration {
	if s.e.soonest <= s.e.now {
		s.e.find()
	}
	return time.Duration(s.e.soonest)
}
