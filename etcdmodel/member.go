package etcdmodel

import (
	"math/rand/v2"

	"github.com/redline-go/redline/internal/stream"
)

// member is one etcd server.
type member struct {
	disk sampler

	// Requests being taken in, one after the other.
	accepting ring[accepting]
	free      int64

	// The raft loop.
	busy        bool  // saving
	began       int64 // when that save began
	last        int64 // index of the last entry in its log
	stable      int64 // of the last on disk
	saving      int64 // of the last being saved
	commit      int64 // of the last known to be committed
	handed      int64 // of the last handed to apply
	ackDue      bool  // a follower's answers that wait for its loop
	beatDue     bool
	readDue     bool  // the answer to a heartbeat that carries reads
	readSeen    int64 // the last one's number
	readAnswers int64 // the one that the current Ready answers; 0: none
	asks        bool  // the current Ready has a round's question for the leader
	reads       reads
	ranges      ranges
	forward     ring[request] // a follower's proposals for the leader
	forwarding  int           // of those, the ones in the current Ready
	tickPending bool

	// As the leader sees it.
	match, sent, sentCommit int64
	inFlight                ring[int64] // last index of each message on its way
	heard                   int64       // when it last answered
	confirmed               int64       // the last heartbeat with reads that it answered

	// The apply loop and the backend.
	applied int64
	batches ring[int64] // the last entry of each batch that was handed over and is not applied to its end
	told    int64       // the last entry of the last that is: reads that wait have been told
	// when the apply loop came to the entry with which it waits for a commit to end; 0: it waits with
	// none
	reached      int64
	working      bool // applying until timerApply
	committing   bool // a backend commit until timerApply
	pending      int  // operations since the last backend commit
	dirty        float64
	commitDue    int64      // the timer of ordinary commits
	phases       *rand.Rand // draws where in its interval it is
	second       int64      // when the second fdatasync of the commit under way begins; 0: none is, or it has begun
	forced       bool       // a revoked lease wants a commit at once, whatever the timer says
	revokes      *rand.Rand // draws who has it then
	compact      compaction
	paused       int64 // held by a defragmentation until
	snapshot     bool  // due: SnapshotCount entries were applied since the last
	nextSnapshot int64 // index of the entry after which the next is

	// Stopped and started again.
	down       bool
	flushed    int64 // the last entry in the db file as of its last backend commit
	replayTo   int64 // up to this entry it applies what it has applied, and answered, before
	flushBegan int64 // when that commit began
	returned   bool  // the leader has yet to see whether its log reaches back far enough
	snapshotAt int64 // when the snapshot that the leader sends has come; never: none is under way
	snapshotTo int64 // the last entry in it

	// Elections.
	elapsed, limit int // ticks since it heard a leader, and how many it waits
}

func newMember(c Cluster, i int) member {
	m := member{
		disk: newSampler(c.Disks[i], stream.Numbered(c.Seed, "disk", i)), revokes: chance(c.Seed, "revoke", i),
		phases: chance(c.Seed, "backend", i),
	}
	m.commitDue = m.phases.Int64N(ns(c.BatchInterval) * 20) // members do not start together
	m.compact.due, m.snapshotAt = never, never
	m.nextSnapshot = int64(c.SnapshotCount)
	return m
}

// accepting is a request that will have been taken in at a time.
type accepting struct {
	request
	done int64
}

// submit takes a request that arrives at its client's member. The member takes in one after the
// other.
func (e *engine) submit(r request) {
	m := &e.members[r.member]
	if m.down {
		e.hear(r)
		return
	}
	accept := e.classes[r.class].accept
	if len(m.ranges.jobs) > 0 {
		e.shareRanges(int(r.member))
		accept = e.sharedAccept(int(r.member), accept)
	}
	m.free = max(m.free, e.now) + accept
	a := m.accepting.add()
	a.request = r
	a.done = m.free
	if m.accepting.n == 1 {
		which := memberTimers + int(r.member)*timersEach + timerAccept
		e.timers[which] = m.free
		if m.free < e.soonest || m.free == e.soonest && which < e.first {
			e.soonest, e.first = m.free, which
		}
	}
}

func (e *engine) accepted(i int) {
	m := &e.members[i]
	a := m.accepting.at(0)
	r := a.request
	if len(m.ranges.jobs) > 0 {
		e.shareRanges(i)
	}
	m.accepting.drop(1)
	*e.timer(i, timerAccept) = never
	if m.accepting.n > 0 {
		*e.timer(i, timerAccept) = m.accepting.at(0).done
	}
	if len(m.ranges.jobs) > 0 {
		e.nextRange(i)
	}
	e.admit(r)
}

// admit checks what etcd checks before it proposes, and proposes.
func (e *engine) admit(r request) {
	k := &e.classes[r.class]
	if !k.writes {
		e.read(r)
		return
	}
	m := &e.members[r.member]
	if m.commit-m.applied > maxGap {
		e.see.done(r, refused, e.now)
		return
	}
	if k.limited && e.db.over(int(r.member), k.cost, e.lastIndex()) {
		e.see.done(r, noSpace, e.now)
		return
	}
	r.id = e.nextID
	e.nextID++
	w := e.waiting.add()
	w.request = r
	w.answered = false
	if e.waiting.n == 1 {
		e.timers[timerDeadline] = r.at + e.timeout
	}
	if e.leader == int(r.member) {
		e.propose(r)
		e.ready(e.leader)
		return
	}
	m.forward.push(r)
	e.ready(int(r.member))
}

// propose appends to the leader's log, whatever its loop is doing.
func (e *engine) propose(r request) {
	var bytes int64 = 32
	if r.class >= 0 {
		bytes = e.classes[r.class].wal
	}
	x := e.log.add()
	x.request = r
	x.bytes = int32(bytes)
	m := &e.members[e.leader]
	m.last++
	if e.c.Version == V3_5 {
		// raft before 3.6 counts the leader's own entry as stored when it is appended.
		e.advanceCommit()
	}
}

func (e *engine) entry(index int64) *entry { return e.log.at(int(index - e.base - 1)) }

// ready runs a member's raft loop until it saves or has nothing to do.
func (e *engine) ready(i int) {
	m := &e.members[i]
	for !m.busy && !m.down {
		if m.tickPending && e.tickFirst(m) {
			m.tickPending = false
			e.tick(i)
		}
		leads := e.leader == i
		work := m.commit > m.handed || m.last > m.stable
		if leads {
			work = e.leaderSend(i) || work
		} else {
			work = e.readTurn(i) || work
			m.forwarding, m.readAnswers, m.asks = 0, 0, m.reads.stage == readAsked
			if e.leader >= 0 {
				m.forwarding = m.forward.n
			}
			if m.readDue {
				m.readAnswers = m.readSeen
			}
			answers := m.ackDue || m.beatDue || m.readDue || m.forwarding > 0 || m.asks
			m.readDue = false
			work = work || answers && e.leader >= 0
		}
		if !work {
			if m.tickPending {
				continue
			}
			return
		}
		e.handOver(i)
		if m.last > m.stable {
			e.save(i)
			return
		}
		e.afterSave(i)
	}
}

// tickFirst reports whether the loop's select (etcdserver/raft.go:182) takes a waiting tick before
// the next save. Go may take the save first, if raft has it ready by then, and the heartbeat
// misses a turn. One in four does: of three members at 200 ms, 88 and 76 late heartbeats were
// counted where every turn would have made 120 and about 100.
func (e *engine) tickFirst(m *member) bool {
	return m.last <= m.stable || e.chance.Uint64()&3 != 0
}

// handOver gives committed entries to the apply loop, 1 MiB at a time. A 3.5 member alone
// commits what it has not saved; it hands that over after the save.
func (e *engine) handOver(i int) {
	m := &e.members[i]
	limit := m.commit
	if e.c.Version == V3_5 && e.c.Members == 1 {
		limit = min(limit, m.stable)
	}
	waits := m.committing && !m.forced && m.applied == m.handed
	bytes := int64(0)
	for m.handed < limit {
		bytes += int64(e.entry(m.handed + 1).bytes)
		if bytes > maxCommitted && bytes > int64(e.entry(m.handed+1).bytes) {
			break
		}
		m.handed++
	}
	if bytes > 0 {
		m.batches.push(m.handed)
		if waits {
			m.reached = e.now
		}
	}
	e.work(i)
}

// batchEnds reports whether the entry just applied is the last of its batch.
func (m *member) batchEnds() bool {
	if m.batches.n == 0 || m.applied < *m.batches.at(0) {
		return false
	}
	m.told = m.applied
	m.batches.drop(1)
	return true
}

// save writes everything that has been appended, in one fdatasync.
func (e *engine) save(i int) {
	m := &e.members[i]
	m.busy, m.began, m.saving = true, e.now, m.last
	bytes, cpu := e.hardState, ns(e.c.CPU.Turn)
	for x := m.stable + 1; x <= m.last; x++ {
		entry := e.entry(x)
		bytes += int64(entry.bytes)
		if entry.class >= 0 {
			cpu += e.classes[entry.class].append
		}
	}
	took := e.saveTime(m, bytes)
	*e.timer(i, timerLoop) = e.now + took + cpu
	if i == e.leader {
		e.count.fsyncs++
		e.count.batched += m.last - m.stable
		e.count.walBytes += bytes
		e.count.fsyncTime.add(took)
		if float64(took) > e.c.patience() {
			e.reigns.stalls++
		}
	}
}

// saved ends a save.
func (e *engine) saved(i int) {
	m := &e.members[i]
	*e.timer(i, timerLoop) = never
	m.busy = false
	m.stable = min(m.saving, m.last)
	if e.leader != i {
		m.ackDue = true
	}
	e.afterSave(i)
	e.ready(i)
}

// afterSave does what a member may do only after a save: a leader counts itself, a follower sends.
func (e *engine) afterSave(i int) {
	m := &e.members[i]
	if e.leader == i {
		e.advanceCommit()
		if e.c.Version == V3_5 && e.c.Members == 1 {
			e.handOver(i)
		}
		return
	}
	if e.leader < 0 {
		return
	}
	if m.ackDue || m.beatDue {
		e.send(msgAck, i, e.leader).index = m.stable
		m.ackDue, m.beatDue = false, false
	}
	if m.readAnswers > 0 {
		e.send(msgReadAck, i, e.leader).index = m.readAnswers
		m.readAnswers = 0
	}
	if m.asks && m.reads.stage == readAsked {
		m.asks = false
		e.send(msgReadAsk, i, e.leader).index = m.reads.round
		m.reads.stage = readSent
	}
	for ; m.forwarding > 0; m.forwarding-- {
		e.send(msgPropose, i, e.leader).request = m.forward.pop()
	}
}

// trim forgets the entries that every member has applied.
func (e *engine) trim() {
	low := int64(never)
	for i := range e.members {
		low = min(low, e.needs(i))
	}
	if low-e.base >= 64 {
		e.log.drop(int(low - e.base))
		e.base = low
	}
}
