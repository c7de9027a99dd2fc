package etcdmodel

import (
	"context"
	"fmt"
	"time"
)

// These bound a simulation.
const (
	// p99Enough is the number of ended requests at which the simulated time stops growing: ten of
	// them are then beyond the p99.
	p99Enough = 1000
	firstSpan = 10 * time.Second // that is simulated where Load.For is zero, before it grows
	mostSpan  = time.Hour        // to which it grows

	// quickCost is the cost of about a second of computing on a slow machine: see costOf.
	quickCost = 1e6

	// maxHeld is the number of requests that etcd and its clients hold at one time. A load that
	// passes it piles up without end, and simulating it further would only take memory.
	maxHeld = 1 << 20

	// sliceEvents is the number of events between two looks at the context: less than a
	// millisecond.
	sliceEvents = 2048
)

// runSome is like run but returns after so many events. It reports whether it came to t.
func (e *engine) runSome(t int64, events int) bool {
	e.until = t
	if e.soonest <= e.now {
		e.find()
	}
	for ; e.soonest <= t; e.find() {
		if events--; events < 0 {
			return false
		}
		e.now = e.soonest
		e.fire(e.first)
	}
	e.now = t
	return true
}

// drive simulates until t. It ends early if ctx does, and if requests pile up beyond maxHeld.
func (s *simulation) drive(ctx context.Context, t int64) error {
	for !s.full {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("etcdmodel: %w", err)
		}
		if s.e.runSome(t, sliceEvents) {
			return nil
		}
		s.full = s.held() > maxHeld
	}
	return nil
}

// held returns the number of requests that memory is used for.
func (s *simulation) held() int { return s.open() + s.e.log.n }

// open returns the number of requests whose clients wait.
func (s *simulation) open() int {
	n := s.e.waiting.n
	for i := range s.e.members {
		m := &s.e.members[i]
		n += m.accepting.n + m.reads.queue.n + m.reads.readers.n
	}
	return n
}

// simulate warms up and measures. It returns the time measured.
//
// Where the load gives no time, it doubles the time until p99Enough requests of each sort that the
// load has (writes, reads) have ended, mostSpan is reached, or the cost of a second is.
func (s *simulation) simulate(ctx context.Context, c Cluster, l Load) (time.Duration, error) {
	span := l.For
	if span == 0 {
		span = firstSpan
	}
	if err := s.drive(ctx, max(ns(span)/10, int64(time.Second))); err != nil {
		return 0, err
	}
	s.measure()
	if err := s.drive(ctx, s.from+ns(span)); err != nil {
		return 0, err
	}
	for l.For == 0 && !s.full && !s.enough() && span < mostSpan && costOf(c, s.ended(), span) < quickCost/2 {
		span = min(2*span, mostSpan)
		if err := s.drive(ctx, s.from+ns(span)); err != nil {
			return 0, err
		}
	}
	return time.Duration(s.e.now - s.from), nil
}

// ended returns the number of requests whose end was measured.
func (s *simulation) ended() float64 { return float64(s.endedWrites() + s.reads.counts.Total()) }

func (s *simulation) endedWrites() int { return s.written + s.timedOut + s.refusedAll }

// enough reports whether each sort of request that the load has has ended often enough for a p99.
func (s *simulation) enough() bool {
	return (!s.writes || s.endedWrites() >= p99Enough) && (!s.asksReads || s.reads.counts.Total() >= p99Enough)
}

// piled returns the requests/s by which those without an answer have grown, if that is more than
// chance, more than the clients that wait for each other, and a twentieth of those that came.
func (s *simulation) piled(clients int, seconds float64) float64 {
	more := float64(s.open() - s.openBefore - clients)
	if s.came == 0 || !s.full && (more < 20 || more < float64(s.came)/20) {
		return 0
	}
	return max(more, 1) / max(seconds, 1)
}

// costOf estimates the work of simulating so many requests over a time, in requests: on one member
// a request takes about 0.3 us of a core where many share an fdatasync and ten times that where
// each has its own, and a tick of a member as much as a shared one. quickCost is the second.
func costOf(c Cluster, requests float64, span time.Duration) float64 {
	each := 1.0
	if c.Members > 1 {
		each += float64(c.Members-1) / 2
		requests += span.Seconds() / c.Heartbeat.Seconds()
	}
	return requests * each
}

// checkCost returns an error if the load takes much more than a second to simulate. instead is the
// call that takes it.
func checkCost(c Cluster, l Load, instead string) error {
	span := l.For
	if span == 0 {
		span = firstSpan
	}
	cost := costOf(c, mostRequests(c, l)*span.Seconds(), span)
	if cost <= quickCost {
		return nil
	}
	return bad("Load", fmt.Sprintf("about %.2g requests to simulate", cost),
		fmt.Sprintf("%.0g at most, about a second of computing; %s takes more", quickCost, instead))
}

// mostRequests returns the requests/s that the load makes, as far as members take them in. c must
// have its defaults.
func mostRequests(c Cluster, l Load) float64 {
	rate := 0.0
	for _, s := range l.Streams {
		rate += s.Rate
	}
	if l.Clients == 0 {
		return rate
	}
	doors := float64(c.Members) * 1e9 / l.Op.accept(c.CPU)
	if !l.Op.Kind.Writes() {
		return rate + min(doors, float64(l.Clients)*1e9/(l.Op.accept(c.CPU)+float64(c.CPU.Answer)))
	}
	m := newMix(c, Load{Clients: l.Clients, Op: l.Op, Keys: l.Keys}, 1)
	most, _ := c.sustainable(m, l.LeaderOnly)
	fsync := newDiskMean(c, 0).fsync
	return rate + min(most, float64(l.Clients)*1e9/(fsync+m.accept+m.apply))
}
