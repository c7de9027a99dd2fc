package etcdmodel

import (
	"math/rand/v2"
	"time"
)

// simulation is one run of the engine under a load: open arrivals as a Poisson
// process, closed clients that send again as soon as they have their answer.
type simulation struct {
	e      *engine
	chance *rand.Rand
	rates  []float64 // of the streams, summed up
	closed int32     // class of the clients' requests
	again  []ring[int64]
	robin  bool
	from   int64 // measured from here on

	writes, asksReads bool    // which of them the load has
	third, fourth     quarter // of the time measured
	full              bool    // more are on their way than are simulated
	rare              bool    // too few ended in the longest time that is simulated

	commits, reads                        latencies
	members                               []latencies
	written, timedOut, wasted, refusedAll int
}

func newSimulation(c Cluster, l Load) *simulation {
	classes := append([]Stream(nil), l.Streams...)
	s := &simulation{chance: chance(c.Seed, "arrivals", 0), closed: int32(len(classes))}
	if l.Clients > 0 {
		classes = append(classes, Stream{Name: "clients", Op: l.Op, Keys: l.Keys})
	}
	s.e = newEngine(c, classes, s)
	s.e.only, s.robin = l.LeaderOnly, l.RoundRobin
	s.e.arrive, s.e.again = s.arrive, s.send
	sum := 0.0
	for _, x := range l.Streams {
		sum += x.Rate
		s.rates = append(s.rates, sum)
	}
	for i, x := range classes {
		asks := x.Rate > 0 || i == len(l.Streams)
		s.writes = s.writes || asks && x.Op.Kind.Writes()
		s.asksReads = s.asksReads || asks && !x.Op.Kind.Writes()
	}
	s.commits, s.reads = newLatencies(), newLatencies()
	for range s.e.c.Members {
		s.members = append(s.members, newLatencies())
	}
	s.again = make([]ring[int64], s.e.c.Members)
	for i := range l.Clients { // they start one after the other within a millisecond
		s.repeat(i%s.e.c.Members, int64(i)*int64(time.Millisecond)/int64(l.Clients))
	}
	s.nextArrival()
	return s
}

func (s *simulation) nextArrival() {
	s.e.timers[timerArrival] = never
	if n := len(s.rates); n > 0 && s.rates[n-1] > 0 {
		s.e.timers[timerArrival] = s.e.now + int64(min(s.chance.ExpFloat64()*1e9/s.rates[n-1], never/2))
	}
}

func (s *simulation) arrive() {
	if s.e.now >= s.third.from {
		s.look()
	}
	class := 0
	if n := len(s.rates); n > 1 {
		for x := s.chance.Float64() * s.rates[n-1]; class < n-1 && x >= s.rates[class]; {
			class++
		}
	}
	s.nextArrival()
	s.e.submit(request{at: s.e.now, route: route{class: int32(class), member: s.e.nextMember()}})
}

// repeat makes a client of member i send again at t.
func (s *simulation) repeat(i int, t int64) {
	q := &s.again[i]
	if q.n > 0 {
		t = max(t, *q.at(q.n - 1))
	}
	q.push(t)
	if q.n == 1 {
		*s.e.timer(i, timerClient) = t
	}
}

func (s *simulation) send(i int) {
	q := &s.again[i]
	q.drop(1)
	*s.e.timer(i, timerClient) = never
	if q.n > 0 {
		*s.e.timer(i, timerClient) = *q.at(0)
	}
	member := int16(i)
	if s.robin || s.e.only {
		member = s.e.nextMember()
	}
	s.e.submit(request{at: s.e.now, route: route{class: s.closed, member: member, stays: !s.robin}})
}

// refusedPause is the time that a closed client waits after a refusal. A refusal comes at once,
// and the client would otherwise ask again without end.
const refusedPause = int64(10 * time.Millisecond)

func (s *simulation) done(r request, o outcome, at int64) {
	request := ns(s.e.c.CPU.Answer)
	if r.class == s.closed && o != wasted {
		next := at + request
		if o == refused || o == noSpace {
			next += refusedPause
		}
		s.repeat(int(r.member), next)
	}
	if at < s.from {
		return
	}
	latency := at - r.at + request
	switch o {
	case committed:
		s.written++
		s.commits.add(latency)
		if len(s.members) > 1 {
			s.members[r.member].add(latency)
		}
	case readDone:
		s.reads.add(latency)
	case timedOut:
		s.timedOut++
	case wasted:
		s.wasted++
	case refused, noSpace:
		s.refusedAll++
	}
}

// measure starts over what is counted.
func (s *simulation) measure() {
	s.from = s.e.now
	s.third, s.fourth = quarter{from: never}, quarter{from: never}
	fsync, commit := s.e.count.fsyncTime, s.e.count.commitTime
	fsync.reset()
	commit.reset()
	s.e.count = counters{fsyncTime: fsync, commitTime: commit}
	s.commits.reset()
	s.reads.reset()
	for i := range s.members {
		s.members[i].reset()
	}
	s.written, s.timedOut, s.wasted, s.refusedAll = 0, 0, 0, 0
}
