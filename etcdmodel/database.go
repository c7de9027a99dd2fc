package etcdmodel

import "math"

// database is the db file, counted as kube-apiserver and etcd do.
type database struct {
	quota float64
	inUse float64 // bytes of pages in use, the uncommitted ones too
	total float64 // bytes of the file as of the last backend commit
	alarm bool    // NOSPACE: only a disarm ends it
	freed float64 // by the compaction under way

	compacted int64 // to what was written before then
}

func newDatabase(c Cluster) database {
	return database{quota: float64(c.Quota), inUse: float64(c.DB), total: float64(c.DB), compacted: math.MinInt64}
}

// keyspace counts the revisions of one class in the db.
type keyspace struct {
	revisions float64 // written since the start
	dropped   float64 // compacted away
	marks     ring[mark]
}

// mark is a count of revisions at a time.
type mark struct {
	at        int64
	revisions float64
}

func (d *database) add(k *class, t int64) {
	d.inUse += k.db
	k.keys.revisions += float64(k.Op.revisions())
}

// settle ends a backend commit: the file has grown to the bytes in use.
func (d *database) settle() { d.total = max(d.total, d.inUse) }

// over makes the quota check of a request on the committed size (server/storage/quota.go:126) and
// reports whether the request is refused. The first that fails raises the alarm.
func (d *database) over(cost int64) bool {
	if d.total+float64(cost) >= d.quota {
		d.alarm = true
	}
	return d.alarm
}

// perRevision returns the bytes of one revision of the class.
func (k *class) perRevision() float64 {
	if n := k.Op.revisions(); n > 0 {
		return k.db / float64(n)
	}
	return 0
}

// garbage returns the number of revisions written before `at` that no longer matter: superseded
// ones, and the keys (with their tombstones) whose lease ended.
func (k *class) garbage(at, ttl int64) float64 {
	total := k.keys.before(at)
	switch {
	case k.Op.Kind == TxnDelete || k.Op.Kind == Delete || k.Op.Kind == LeaseRevoke:
		return total - k.keys.dropped
	case k.Keys > 0:
		return max(0, total-float64(k.Keys)-k.keys.dropped)
	case ttl > 0:
		return max(0, k.keys.before(at-ttl)-k.keys.dropped)
	}
	return 0
}

// before returns the number of revisions written by time t, as far as the marks tell.
func (s *keyspace) before(t int64) float64 {
	n := 0.0
	for i := range s.marks.n {
		if m := s.marks.at(i); m.at <= t {
			n = m.revisions
		}
	}
	return n
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
	e.timers[timerCompact] += ns(e.c.CompactEvery)
	e.compactNow(e.clock() - ns(e.c.CompactKeep))
	e.mark()
}

// mark remembers how much every class has written by now.
func (e *engine) mark() {
	for i := range e.classes {
		s := &e.classes[i].keys
		s.marks.push(mark{e.clock(), s.revisions})
		if s.marks.n > 4096 {
			s.marks.drop(1)
		}
	}
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
	bytes := 0.0
	for i := range e.classes {
		k := &e.classes[i]
		n := k.garbage(t, ns(k.TTL))
		live := k.keys.before(t) - k.keys.dropped // kvstore_compaction.go:52: the range ends at the revision compacted to
		k.keys.dropped += n
		garbage += n
		bytes += n * k.perRevision()
		revisions += live
		kib += live * float64(k.Op.Key+k.Op.Value) / 1024
	}
	e.db.freed = bytes
	return revisions, garbage, kib
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
	if deletes && e.c.deletesForce() {
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
	m.compact.due = e.now + took + int64(e.c.pause(float64(took)))
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
