package etcdmodel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Server is etcd to be stepped in virtual time by a caller that couples it with other
// models: it takes what is offered, and tells what was answered. It is the engine of
// [Predict], and reads no clock. It is not safe for concurrent use.
//
// A step allocates nothing once its buffers have grown.
type Server struct {
	e      *engine
	step   Step
	until  []float64 // expected requests of each class until its next one arrives
	chance *rand.Rand
}

// Step holds the counts of one step of a Server. It belongs to its Server and is overwritten by
// the next step.
type Step struct {
	Now     time.Duration // virtual time at the end of the step
	Classes []ClassStep   // one for every class
	Done    []Done        // the end of every request of [Server.Submit], in order of time

	Leader    int  // the leading member, -1 while there is none
	Term      int  // counts leaders
	Fsyncs    int  // of the leader's WAL in this step
	Commits   int  // backend commits of the leader in this step
	BeatsLate int  // heartbeats later than two intervals, counted per follower, in this step
	DB        Size // at the end of the step
	NoSpace   bool // the quota's alarm is on
	Backlog   int  // writes whose clients wait
	Unapplied int  // committed on the leader, not applied: above 5000 etcd refuses
}

// ClassStep counts the ends of one class's requests during a step.
type ClassStep struct {
	Offered   int           // arrived
	Committed int           // writes answered
	Read      int           // reads and keep-alives answered
	TimedOut  int           // writes that etcd gave up after 5 s + 2 election timeouts; they may still commit
	Wasted    int           // writes that committed after that
	Refused   int           // "too many requests"
	NoSpace   int           // "database space exceeded"
	Latency   time.Duration // sum over Committed and Read
	Slowest   time.Duration
}

// Outcome is the end of a request of [Server.Submit].
type Outcome int

// The outcomes. A request that is TimedOut can be Wasted later: it then appears twice.
const (
	Committed Outcome = Outcome(committed)
	TimedOut  Outcome = Outcome(timedOut)
	Wasted    Outcome = Outcome(wasted)
	Refused   Outcome = Outcome(refused)
	NoSpace   Outcome = Outcome(noSpace)
	Read      Outcome = Outcome(readDone)
)

// String returns the outcome in words.
func (o Outcome) String() string {
	if o < 0 || o >= Outcome(outcomes) {
		return fmt.Sprintf("Outcome(%d)", int(o))
	}
	return [...]string{"committed", "timed out", "wasted", "too many requests", "no space", "read"}[o]
}

// Done is the end of one request.
type Done struct {
	Tag     uint64 // the caller's
	Class   int
	Outcome Outcome
	At      time.Duration // virtual time
	Latency time.Duration
	// of a write that was applied: when the apply loop came to it. It has waited for the backend's
	// lock since
	Reached time.Duration
}

// NewServer returns an etcd at rest. The classes are the requests that will be offered. Their Keys
// and TTL decide how the db grows. Their Rate says what was written before the start, where
// Cluster.State or Cluster.DB has a db: without rates, nothing that State lacks is estimated.
// Cluster.Seed seeds its chance.
func NewServer(c Cluster, classes []Stream) (*Server, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if len(classes) == 0 {
		return nil, bad("len(classes)", 0, ">= 1")
	}
	for i, k := range classes {
		if err := k.check(fmt.Sprintf("classes[%d]", i)); err != nil {
			return nil, err
		}
	}
	s := &Server{until: make([]float64, len(classes)), chance: chance(c.Seed, "arrivals", 0)}
	s.e = newEngine(c, classes, s)
	s.step.Classes = make([]ClassStep, len(classes))
	s.step.Done = make([]Done, 0, 128) // what a commit has held up ends together
	for i := range s.until {
		s.until[i] = s.chance.ExpFloat64()
	}
	if every := s.e.c.CompactEvery; every > 0 {
		s.e.timers[timerCompact] = min(ns(every), ns(lasting(s.e.db.begin.next)))
	}
	return s, nil
}

// Step lets dt pass. offered is the expected number of requests of each class during it. They
// arrive as a Poisson process of that mean, which may be less than one; nil offers none.
//
// A negative dt or offer counts as zero, as does an offer of more than 2^31 requests.
func (s *Server) Step(dt time.Duration, offered []float64) *Step {
	start, span := s.e.now, float64(max(0, dt))
	end := start + ns(max(0, dt))
	before := s.begin()
	for {
		class, share := s.next(offered)
		if class < 0 {
			break
		}
		s.e.run(start + int64(share*span))
		s.arrive(request{route: route{class: int32(class), member: s.e.nextMember()}})
		s.until[class] += s.chance.ExpFloat64()
	}
	for i := range min(len(offered), len(s.until)) {
		if offered[i] > 0 {
			s.until[i] -= offered[i]
		}
	}
	s.e.run(end)
	return s.end(before)
}

// Advance lets dt pass and offers nothing. It keeps up only [Step.Done], Now, Leader and Term; use
// it to step from request to request.
func (s *Server) Advance(dt time.Duration) *Step {
	s.step.Done = s.step.Done[:0]
	s.e.run(s.e.now + ns(max(0, dt)))
	s.step.Now, s.step.Leader, s.step.Term = time.Duration(s.e.now), s.e.leader, s.e.term
	return &s.step
}

// AdvanceTo is like Advance but stops as soon as something ends or another member leads, and at t
// at the latest. Step.Now is the time at which it stopped.
func (s *Server) AdvanceTo(t time.Duration) *Step {
	s.step.Done = s.step.Done[:0]
	e := s.e
	if e.soonest <= e.now {
		e.find()
	}
	for e.soonest <= ns(t) {
		e.instant()
		if len(s.step.Done) > 0 || e.term != s.step.Term {
			break
		}
	}
	s.step.Now, s.step.Leader, s.step.Term = time.Duration(e.now), e.leader, e.term
	return &s.step
}

// Idle reports whether no write waits for its answer and none is left to apply.
func (s *Server) Idle() bool {
	m := &s.e.members[max(0, s.e.leader)]
	return s.e.waiting.n == 0 && (s.e.leader < 0 || m.commit == m.applied)
}

// next returns the class whose request arrives next within the step and the share of the step at
// which it arrives. The class is -1 if there is none.
func (s *Server) next(offered []float64) (class int, share float64) {
	class, share = -1, 1
	for i := range min(len(offered), len(s.until)) {
		if s.until[i] < share*offered[i] && offered[i] <= math.MaxInt32 {
			class, share = i, math.Max(0, s.until[i]/offered[i])
		}
	}
	return class, share
}

func (s *Server) begin() counters {
	clear(s.step.Classes)
	s.step.Done = s.step.Done[:0]
	return s.e.count
}

func (s *Server) end(before counters) *Step {
	e, r := s.e, &s.step
	r.Now, r.Leader, r.Term = time.Duration(e.now), e.leader, e.term
	r.Fsyncs = int(e.count.fsyncs - before.fsyncs)
	r.Commits = int(e.count.flushes - before.flushes)
	r.BeatsLate = int(e.count.beatsLate - before.beatsLate)
	r.DB, r.NoSpace = s.DB(), e.db.alarm
	r.Backlog = e.waiting.n
	r.Unapplied = 0
	if e.leader >= 0 {
		m := &e.members[e.leader]
		r.Unapplied = int(m.commit - m.applied)
	}
	return r
}

// Submit sends one request of a class now, to the next member in turn. Its end appears in
// Step.Done under tag, which must not be zero.
func (s *Server) Submit(class int, tag uint64) error {
	return s.submit(request{tag: tag, route: route{class: int32(class), member: s.e.nextMember()}}, class)
}

// SubmitTo is like Submit but sends to one member, as an API server does that knows only the etcd
// beside it.
func (s *Server) SubmitTo(member, class int, tag uint64) error {
	if member < 0 || member >= len(s.e.members) {
		return bad("member", member, fmt.Sprintf("0 to %d", len(s.e.members)-1))
	}
	return s.submit(request{tag: tag, route: route{class: int32(class), member: int16(member), stays: true}}, class)
}

func (s *Server) submit(r request, class int) error {
	switch {
	case class < 0 || class >= len(s.until):
		return bad("class", class, fmt.Sprintf("0 to %d", len(s.until)-1))
	case r.tag == 0:
		return bad("tag", r.tag, "> 0")
	}
	s.arrive(r)
	return nil
}

func (s *Server) arrive(r request) {
	s.step.Classes[r.class].Offered++
	r.at = s.e.now
	s.e.submit(r)
}

func (s *Server) done(r request, o outcome, at int64) {
	k := &s.step.Classes[r.class]
	latency := time.Duration(at-r.at) + s.e.c.CPU.Answer
	switch o {
	case committed:
		k.Committed++
	case readDone:
		k.Read++
	case timedOut:
		k.TimedOut++
	case wasted:
		k.Wasted++
	case refused:
		k.Refused++
	case noSpace:
		k.NoSpace++
	}
	if o == committed || o == readDone {
		k.Latency += latency
		k.Slowest = max(k.Slowest, latency)
	}
	if r.tag != 0 {
		s.step.Done = append(s.step.Done, Done{})
		d := &s.step.Done[len(s.step.Done)-1]
		d.Tag, d.Class, d.Outcome, d.At, d.Latency = r.tag, int(r.class), Outcome(o), time.Duration(at), latency
		d.Reached = time.Duration(s.e.reached)
	}
}
