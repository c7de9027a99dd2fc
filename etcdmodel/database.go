package etcdmodel

import "math"

// database is the db file, counted as kube-apiserver and etcd do.
type database struct {
	begin   begin
	version Version
	quota   float64
	inUse   float64 // bytes of pages in use, the uncommitted ones too
	total   float64 // bytes of the file as of the last backend commit
	alarm   bool    // NOSPACE: only a disarm ends it
	freed   float64 // by the compaction under way

	compacted    int64    // to what was written before then
	others       keyspace // keys of the start that are no class's
	freedHistory float64  // revisions of the start's garbage that were compacted away
	leases       float64
	revision     float64 // of the newest write that was compacted to
	dying        bool    // some class's keys expire or are deleted
}

// newDatabase takes the start apart and gives every class its part of it.
func newDatabase(c Cluster, classes []class) database {
	streams := make([]Stream, len(classes))
	for i := range classes {
		streams[i] = classes[i].Stream
	}
	casting := castOf(streams)
	b := newBegin(c, streams, casting)
	d := database{
		begin: b, version: c.Version, quota: float64(c.Quota), inUse: b.inUse, total: b.total, compacted: math.MinInt64,
		revision: max(0, b.revision-b.written),
	}
	d.others = keyspace{cast: cast{creates, unleased}, bytes: b.size, live: b.others}
	for i := range classes {
		k := &classes[i]
		k.keys = keyspace{
			cast: casting[i], bytes: k.perRevision(c.Version), grave: k.grave(c.Version), have: b.have[i], live: b.have[i],
		}
		d.dying = d.dying || k.keys.role == expires || k.keys.role == removes
	}
	return d
}

// settle ends a backend commit: the file has grown to the bytes in use.
func (e *engine) settle() {
	d := &e.db
	if d.dying {
		d.expire(e.classes, e.clock())
		apart := ns(e.c.CompactKeep)
		if e.c.CompactEvery > 0 {
			apart = min(apart, ns(e.c.CompactEvery))
		}
		e.remember(apart / marksEach)
	}
	d.total = max(d.total, d.inUse)
}

// marksEach is the number of marks in an interval between compactions: keys do not end evenly
// there where leases or deletes begin or run out.
const marksEach = 16

// over makes the quota check of a request on the committed size (server/storage/quota.go:126) and
// reports whether the request is refused. The first that fails raises the alarm.
func (d *database) over(cost int64) bool {
	if d.total+float64(cost) >= d.quota {
		d.alarm = true
	}
	return d.alarm
}

// compaction is one member's physical compaction. It goes in batches of 1000 revisions, live ones
// too. Each batch ends with forced commits and a pause
// (server/storage/mvcc/kvstore_compaction.go:52,88,93).
type compaction struct {
	due     int64 // the next batch
	left    int
	scan    int64 // ns to read a batch
	commits int   // forced commits a batch
	began   int64
	took    int64 // of the last one that ended
}

const (
	compactBatch = 1000
	compactPause = 10_600_000 // ns: the 10 ms sleep, as measured
)

// compactTimer does what kube-apiserver's compactor does every interval: it compacts to the
// revision of that age.
func (e *engine) compactTimer() {
	e.timers[timerCompact] = later(e.timers[timerCompact], ns(e.c.CompactEvery))
	e.compactNow(e.clock() - ns(e.c.CompactKeep))
	e.mark()
}

// later returns t + d, or never where that is beyond what the engine counts.
func later(t, d int64) int64 {
	if t > never-d {
		return never
	}
	return t + d
}

// mark remembers how much every class has written by now. Where compactions come that often, one
// in some counts.
func (e *engine) mark() {
	apart := int64(0)
	if often := ns(e.c.CompactKeep) / 1024; ns(e.c.CompactEvery) < often {
		apart = often
	}
	e.remember(apart)
}

// remember is like mark but leaves out a mark that is nearer to the last than apart.
func (e *engine) remember(apart int64) {
	for i := range e.classes {
		s := &e.classes[i].keys
		note(&s.marks, mark{e.clock(), s.written, s.dead}, apart)
	}
	note(&e.db.others.marks, mark{e.clock(), 0, e.db.others.dead}, apart)
}

// compactable reports whether a compaction to what was written before t can start, and remembers
// t. After a compaction to a later time etcd refuses a revision that is gone (mvcc.ErrCompacted).
func (e *engine) compactable(t int64) bool {
	if t < e.db.compacted {
		return false
	}
	e.db.compacted = t
	return true
}

// compactNow starts a compaction on every member to what was written before t.
func (e *engine) compactNow(t int64) {
	if !e.compactable(t) {
		return
	}
	revisions, garbage, kib := e.collect(t)
	e.compactBatches(int(revisions), garbage > 0, kib/max(1, revisions))
}

// collect finds the bytes that a compaction to t frees. It returns the number of revisions that
// the compaction reads, the number of those that it deletes, and their size.
func (e *engine) collect(t int64) (revisions, garbage, kib float64) {
	d := &e.db
	d.expire(e.classes, e.clock())
	bytes, compactedTo := 0.0, 0.0
	for i := range e.classes {
		k := &e.classes[i]
		s := &k.keys
		then := markAt(&s.marks, t, mark{e.clock(), s.written, s.dead})
		n := max(0, s.gone(float64(k.Keys), then.written, then.dead)-s.dropped)
		read := max(0, s.have+then.written-s.dropped) // kvstore_compaction.go:52: the range ends at the revision compacted to
		s.dropped += n
		garbage += n
		bytes += n * s.bytes
		if s.role == expires { // and their tombstones
			garbage += n
			read += n
			bytes += n * s.grave
		}
		revisions += read
		kib += read * float64(k.Op.Key+k.Op.Value) / 1024
		compactedTo += then.written / max(1, float64(k.Op.revisions()))
	}
	d.compactedTo(t, compactedTo)
	old, freed := e.collectStart(t)
	d.freed += bytes + freed // with what a compaction that is not at its end has still to free
	for i := range e.classes {
		forget(&e.classes[i].keys.marks, t)
	}
	forget(&d.others.marks, t)
	return revisions + old.revisions, garbage + old.garbage, kib + old.kib
}

// startRead is a compaction's share of what was there at the start.
type startRead struct{ revisions, garbage, kib float64 }

// collectStart is like collect for the history and the keys of the start that are no class's.
func (e *engine) collectStart(t int64) (r startRead, bytes float64) {
	d := &e.db
	if d.begin.inUse == 0 {
		return r, 0
	}
	history := d.begin.garbage
	share := 1.0
	if age := d.begin.age * 1e9; age > 0 && t < 0 {
		share = max(0, 1+float64(t)/age)
	}
	n := max(0, share*history.revisions-d.freedHistory)
	d.freedHistory += n
	if history.revisions > 0 {
		bytes = n * history.bytes / history.revisions
	}
	o := &d.others
	gone := max(0, markAt(&o.marks, t, mark{e.clock(), 0, o.dead}).dead-o.dropped)
	r = startRead{revisions: n + d.begin.others - o.dropped, garbage: n + gone}
	r.kib = r.revisions * o.bytes / 1024
	o.dropped += gone
	return r, bytes + gone*o.bytes
}

// compactRevisions starts a compaction of so many revisions, whatever was written.
func (e *engine) compactRevisions(revisions, deletes int) {
	kib, n := 0.0, 0.0
	for i := range e.classes {
		k := &e.classes[i]
		kib += float64(k.Op.Key+k.Op.Value) / 1024
		n++
	}
	e.compactBatches(revisions, deletes > 0, kib/max(1, n))
}

func (e *engine) compactBatches(revisions int, deletes bool, kib float64) {
	e.soonest = 0
	commits := 1
	if deletes {
		commits = 2
	}
	for i := range e.members {
		m := &e.members[i]
		m.compact = compaction{
			due: e.now, left: revisions/compactBatch + 1, scan: scanTime(kib), commits: commits, began: e.now,
			took: m.compact.took,
		}
		if !m.working && !m.committing {
			*e.timer(i, timerApply) = e.now
		}
	}
}

func (e *engine) compacting() bool {
	for i := range e.members {
		if e.members[i].compact.left > 0 {
			return true
		}
	}
	return false
}

// scanTime returns the ns to read 1000 revisions of so many KiB each: 0.9 + 0.4/KiB ms, measured
// on 3.6.16.
func scanTime(kib float64) int64 { return int64(0.9e6 + 0.4e6*kib) }

// compactStep makes one batch and returns how long it holds the lock, in ns.
func (e *engine) compactStep(i int) int64 {
	m := &e.members[i]
	took := m.compact.scan
	commits := m.compact.commits
	if m.compact.left == 1 { // the last batch, not a full one, is not followed by a commit of its own nor by a pause
		commits--
	}
	for range commits {
		took += e.flush(m)
	}
	m.compact.left--
	m.compact.due = e.now + took + compactPause
	if m.compact.left == 0 {
		m.compact.due = never
		m.compact.took = e.now + took - m.compact.began
		if i == max(0, e.leader) {
			e.db.inUse = max(0, e.db.inUse-e.db.freed)
			e.db.freed = 0
		}
	}
	return took
}
