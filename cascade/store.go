package cascade

import (
	"time"

	"github.com/redline-go/redline/internal/vtime"
)

// store is etcd as the API servers meet it (temporary stand-in with one member until etcdmodel.Server lands).
type store struct {
	sink interface {
		applied(token int32) (forces bool)
		readDone(token int32)
		readFailed(token int32)
	}
	base, delay time.Duration // fsync: own and injected
	batch       time.Duration

	// raft loop
	saving  bool
	saveEnd time.Duration
	log     []int32 // unstable
	inSave  []int32
	// apply
	ready    []int32 // persisted, to apply (FIFO)
	proposed int
	done     int
	// backend
	commitEnd  time.Duration // while > now the backend is locked
	committing bool
	tick       time.Duration // next batch-interval tick
	dirty      bool
	// reads
	waiting  []int32
	inRead   []int32
	reading  bool
	readIdx  int
	haveIdx  bool
	readFrom time.Duration
	lockRead []int32 // index reached, waiting for the backend lock

	WALFsyncs, Commits, Proposals int
}

func (s *store) fsync() time.Duration { return s.base + s.delay }

func (s *store) propose(now time.Duration, token int32) {
	s.log = append(s.log, token)
	s.proposed++
	if !s.saving {
		s.save(now)
	}
}

func (s *store) save(now time.Duration) {
	s.saving = true
	s.inSave, s.log = s.log, s.inSave[:0]
	s.saveEnd = now + s.fsync()
}

func (s *store) read(now time.Duration, token int32) {
	s.waiting = append(s.waiting, token)
	if !s.reading {
		s.beginRead(now)
	}
}

func (s *store) beginRead(now time.Duration) {
	s.reading, s.haveIdx = true, false
	s.inRead, s.waiting = s.waiting, s.inRead[:0]
	s.readIdx, s.readFrom = s.proposed, now
	if !s.saving {
		s.haveIdx = true
		s.tryRead(now)
	}
}

func (s *store) tryRead(now time.Duration) {
	for s.reading && s.haveIdx && s.done >= s.readIdx {
		if s.committing {
			s.lockRead = append(s.lockRead, s.inRead...)
		} else {
			for _, t := range s.inRead {
				s.sink.readDone(t)
			}
		}
		s.inRead = s.inRead[:0]
		s.reading = false
		if len(s.waiting) > 0 {
			s.beginRead(now)
		}
	}
}

func (s *store) next() time.Duration {
	t := vtime.Never
	if s.saving {
		t = min(t, s.saveEnd)
	}
	if s.committing {
		t = min(t, s.commitEnd)
	} else if s.dirty {
		t = min(t, s.tick)
	}
	if s.reading && !s.haveIdx {
		t = min(t, s.readFrom+7*time.Second)
	}
	return t
}

func (s *store) step(now time.Duration) {
	if s.committing && s.commitEnd <= now {
		s.committing = false
		s.tick = s.commitEnd + s.batch
		s.Commits++
		l := s.lockRead
		s.lockRead = nil
		for _, t := range l {
			s.sink.readDone(t)
		}
		s.apply(now)
	}
	if s.saving && s.saveEnd <= now {
		s.saving = false
		s.WALFsyncs++
		s.Proposals += len(s.inSave)
		s.ready = append(s.ready, s.inSave...)
		if s.reading && !s.haveIdx {
			s.haveIdx = true
		}
		if len(s.log) > 0 {
			s.save(now)
		}
		s.apply(now)
	}
	if s.reading && !s.haveIdx && s.readFrom+7*time.Second <= now {
		for _, t := range s.inRead {
			s.sink.readFailed(t)
		}
		s.inRead = s.inRead[:0]
		s.reading = false
		if len(s.waiting) > 0 {
			s.beginRead(now)
		}
	}
	if !s.committing && s.dirty && s.tick <= now {
		s.committing, s.dirty = true, false
		s.commitEnd = now + 2*s.fsync()
	}
}

func (s *store) apply(now time.Duration) {
	for !s.committing && len(s.ready) > 0 {
		t := s.ready[0]
		s.ready = s.ready[1:]
		s.done++
		if !s.dirty {
			s.dirty = true
			if s.tick <= now {
				s.tick += ((now-s.tick)/s.batch + 1) * s.batch
			}
		}
		if s.sink.applied(t) {
			s.committing, s.dirty = true, false
			s.commitEnd = now + 2*s.fsync()
		}
	}
	s.tryRead(now)
}

func (s *store) idle() bool {
	return !s.saving && len(s.log) == 0 && len(s.ready) == 0 && !s.reading && len(s.lockRead) == 0
}
