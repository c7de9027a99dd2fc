package etcdmodel

import (
	"math"
	"math/rand/v2"
	"time"
)

// never is the time of a timer that is not set.
const never = math.MaxInt64

// Limits of etcd that the engine keeps to.
const (
	maxGap      = 5000 // commit - apply beyond which a proposal is refused (server/etcdserver/v3_server.go:839)
	maxInFlight = 512  // messages in flight to one follower (server/etcdserver/raft.go:40)
	// Bytes of committed entries handed over per Ready (raft.go:37, raft's MaxCommittedSizePerReady).
	maxCommitted = 1 << 20
)

// outcome is the end of a request.
type outcome int

const (
	committed outcome = iota
	timedOut          // etcd's own timeout answered; the proposal may still commit
	wasted            // it did: nobody waits for it any more
	refused           // "too many requests"
	noSpace           // the quota's alarm
	readDone
	outcomes
)

// observer is told the end of every request, at virtual time at.
type observer interface {
	done(r request, o outcome, at int64)
}

// request is one proposal or read on its way.
//
// It has four fields, one of them a group, and 32 bytes: Go's compiler keeps structs of up to that
// size in registers.
type request struct {
	at  int64 // sent by its client
	id  int64 // among all writes, ascending
	tag uint64
	route
}

type route struct {
	class  int32 // -1: the empty entry of a new leader
	member int16 // the client's
	stays  bool  // with that member, whatever happens
}

// entry is a request in the raft log.
type entry struct {
	request
	bytes int32
}

// waiter is a write whose client still waits.
type waiter struct {
	request
	answered bool
}

// class is an [Op] with its costs worked out.
type class struct {
	Stream
	writes  bool
	wal     int64   // bytes of its log record
	db      float64 // bytes of pages
	accept  int64   // ns to take the request in
	append  int64   // ns in the raft loop
	apply   int64   // ns in the apply loop
	cost    int64   // the quota check's
	limited bool    // refused under the NOSPACE alarm
	keys    keyspace
}

// engine is etcd in virtual time. Each member has a gated loop that saves batches, and a FIFO
// apply that pauses for backend commits. Between the members is raft. All times are ns since the
// start.
//
// It follows server/etcdserver/raft.go: one goroutine ticks, sends and saves; a leader sends
// before it saves, a follower after. It follows raft's node goroutine: proposals and messages are
// taken in while the loop saves. And it follows server/storage/backend: a commit every
// BatchInterval holds the lock that apply and reads need.
type engine struct {
	c       Cluster
	now     int64
	rested  int64 // in spells that the engine did not see ([Server.Rest])
	soonest int64 // of the timers, as far as it is known; up to now: not known
	first   int   // whose timer that is, the least of several
	until   int64 // no apply passes this time within the current run
	timers  []int64
	members []member
	classes []class
	see     observer

	log     ring[entry]
	base    int64 // index before the first entry kept
	nextID  int64
	waiting ring[waiter]
	waitID  int64 // id of the first of waiting
	reached int64 // [Done.Reached] of the entry that is applied
	timeout int64
	turn    int // round robin of the clients
	only    bool

	leader     int // -1: none
	term       int
	net        ring[message]
	halfTrip   int64
	heartbeats heartbeats
	election   election
	confirms   confirms
	chance     *rand.Rand
	hardState  int64
	db         database
	count      counters
	arrive     func()      // an open arrival is due
	again      func(i int) // a closed client of member i is due
}

// counters holds the totals since the start; callers take differences.
type counters struct {
	flushes         int64 // of the leader's backend
	fsyncs, batched int64 // of the leader: WAL fsyncs and the entries in them
	walBytes        int64
	fsyncTime       latencies
	commitTime      latencies
	beatsMissed     int64
	beatsLate       int64
	elections       int64
}

// Timers: some of the engine, then seven for every member.
const (
	timerNet = iota
	timerDeadline
	timerElection
	timerArrival
	timerCompact
	memberTimers
)

const (
	timerLoop   = iota // the raft loop's save ends
	timerApply         // the apply loop's work or a backend commit ends, or a commit is due
	timerTick          // the heartbeat tick
	timerClient        // a closed client sends again
	timerAccept        // a request has been taken in
	timerRead          // a round of reads asks again
	timerWoken         // readers have reached the lock
	timersEach
)

func (e *engine) timer(member, kind int) *int64 {
	return &e.timers[memberTimers+member*timersEach+kind]
}

func newEngine(c Cluster, streams []Stream, see observer) *engine {
	c = c.WithDefaults()
	e := &engine{
		c: c, see: see, timeout: ns(c.requestTimeout()), halfTrip: ns(c.RTT) / 2, chance: chance(c.Seed, "raft", 0),
	}
	e.timers = make([]int64, memberTimers+c.Members*timersEach)
	for i := range e.timers {
		e.timers[i] = never
	}
	e.count = counters{fsyncTime: newLatencies(), commitTime: newLatencies()}
	e.hardState = int64(record(13 + 1 + indexBytes))
	for _, s := range streams {
		e.classes = append(e.classes, e.newClass(s))
	}
	e.members = make([]member, c.Members)
	for i := range e.members {
		e.members[i] = newMember(c, i)
		if c.Members > 1 {
			*e.timer(i, timerTick) = e.chance.Int64N(ns(c.Heartbeat))
		}
		e.resetElection(i)
	}
	e.db = newDatabase(c, e.classes)
	return e
}

func (e *engine) newClass(s Stream) class {
	kib := float64(s.Op.Key+s.Op.Value) / 1024
	if s.Op.Kind == TxnPuts {
		kib *= float64(s.Op.puts())
	}
	k := class{Stream: s, writes: s.Op.Kind.Writes(), db: s.Op.DBBytes(e.c.Version), cost: s.Op.quotaCost()}
	k.wal = int64(s.Op.WALBytes(e.c.Version, math.Inf(1)))
	k.accept = max(1000, processing(e.c.CPU.Accept, e.c.CPU.AcceptPerKiB, kib))
	k.append = processing(e.c.CPU.Append, e.c.CPU.AppendPerKiB, kib)
	k.apply = processing(e.c.CPU.Apply, e.c.CPU.ApplyPerKiB, kib)
	k.limited = k.cost > 0
	return k
}

// processing returns the ns of processor that a request of so many KiB takes: an hour at most, so
// that no sum over all requests under way overflows.
func processing(fixed, perKiB time.Duration, kib float64) int64 {
	return min(ns(fixed)+int64(kib*float64(perKiB)), int64(time.Hour))
}

// run lets time pass until t, and everything that happens meanwhile.
func (e *engine) run(t int64) {
	e.until = t
	if e.soonest <= e.now {
		e.find()
	}
	if e.soonest > t {
		e.now = t
		return
	}
	for ; e.soonest <= t; e.find() {
		e.now = e.soonest
		e.fire(e.first)
	}
	e.now = t
}

// instant lets everything happen that is due next, at one time.
func (e *engine) instant() {
	e.now, e.until = e.soonest, e.soonest
	for ; e.soonest <= e.now; e.find() {
		e.fire(e.first)
	}
}

// find looks for the timer that is due first, the least of several. Its loop compiles to
// conditional moves: a processor would guess branches wrong.
func (e *engine) find() {
	at, first := int64(never), 0
	for i, x := range e.timers {
		if x < at {
			at, first = x, i
		}
	}
	e.soonest, e.first = at, first
}

func (e *engine) fire(which int) {
	switch which {
	case timerNet:
		e.deliver()
	case timerDeadline:
		e.expire()
	case timerElection:
		e.elect()
	case timerCompact:
		e.compactTimer()
	case timerArrival:
		e.arrive()
	default:
		i := (which - memberTimers) / timersEach
		switch (which - memberTimers) % timersEach {
		case timerLoop:
			e.saved(i)
		case timerApply:
			e.applyTimer(i)
		case timerTick:
			e.tickTimer(i)
		case timerClient:
			e.again(i)
		case timerAccept:
			e.accepted(i)
		case timerRead:
			e.askAgain(i)
		case timerWoken:
			e.woken(i)
		}
	}
}

// nextMember returns the member that the next client talks to.
func (e *engine) nextMember() int16 {
	if e.only {
		return int16(max(0, e.leader))
	}
	if e.turn++; e.turn >= len(e.members) {
		e.turn = 0
	}
	return int16(e.turn)
}
