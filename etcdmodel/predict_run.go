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

	// quickCost is the cost of about a second of computing: see costOf.
	quickCost = 3e6

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
// load has (writes, reads) have ended, mostSpan is reached, or half of quickCost is.
func (s *simulation) simulate(ctx context.Context, c Cluster, l Load) (time.Duration, error) {
	span := l.For
	if span == 0 {
		span = firstSpan
	}
	if err := s.drive(ctx, max(ns(span)/10, int64(time.Second))); err != nil {
		return 0, err
	}
	s.measure()
	s.watch(s.from + ns(span))
	if err := s.drive(ctx, s.from+ns(span)); err != nil {
		return 0, err
	}
	for l.For == 0 && !s.full && !s.enough() {
		if span == mostSpan || costOf(c, l, s.ended(), span) > quickCost/4 {
			s.rare = true
			break
		}
		span = min(2*span, mostSpan)
		s.watch(s.from + ns(span))
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

// quarter adds up the requests without an answer, as those find it that come in a quarter of the
// time measured.
type quarter struct {
	from, came int64
	open       float64
}

func (q quarter) mean() float64 { return q.open / float64(max(q.came, 1)) }

// watch sets the third and the fourth quarter of a time that ends at `end`. What piles up does so
// from the one to the other, too; a slow disk's first requests are over by then.
func (s *simulation) watch(end int64) {
	span := end - s.from
	s.third, s.fourth = quarter{from: end - span/2}, quarter{from: end - span/4}
}

func (s *simulation) look() {
	q := &s.third
	if s.e.now >= s.fourth.from {
		q = &s.fourth
	}
	q.came++
	q.open += float64(s.open())
}

// piled returns the requests/s by which those without an answer have grown from the third to the
// fourth quarter, if that is more than a tenth of those that came and more than chance.
func (s *simulation) piled(span time.Duration) float64 {
	seconds := max(span.Seconds()/4, 1)
	if s.full {
		return float64(s.open()) / seconds
	}
	a, b := s.third.mean(), s.fourth.mean()
	if more := b - a; more > 20 && more > a/4 && more > float64(s.fourth.came)/10 {
		return more / seconds
	}
	return 0
}

// costOf estimates the work of simulating so many requests of the load over a time, in requests
// that share a turn of one member's loop: 0.3 us of a core each. A turn of m members costs
// m (2 + m/2) of them. Measured on two busy cores: 0.7 us a write of 100/s with one member, 7 us
// with three, 26 us with nine; 0.8, 1.2 and 5 us of 8,000/s.
func costOf(c Cluster, l Load, requests float64, span time.Duration) float64 {
	m, seconds := float64(c.Members), span.Seconds()
	turns := min(requests, seconds*1e9/max(newDiskMean(c, 0).fsync, float64(c.CPU.Turn)))
	if newOffer(c, l).reads {
		turns = min(requests, turns+m*seconds/max(2*c.RTT.Seconds(), 1e-6))
	}
	cost := requests*(1+(m-1)/2) + turns*m*(2+m/2)
	if c.Members > 1 {
		cost += m * m / 4 * seconds / c.Heartbeat.Seconds()
	}
	return cost
}

// checkCost returns an error if the load takes much more than a second to simulate. instead is the
// call that takes it.
func checkCost(c Cluster, l Load, instead string) error {
	span := l.For
	if span == 0 {
		span = firstSpan
	}
	cost := costOf(c, l, mostRequests(c, l)*span.Seconds(), span)
	if cost <= quickCost {
		return nil
	}
	return bad("Load", fmt.Sprintf("the work of %.2g requests", cost),
		fmt.Sprintf("%.0g at most (about a second); %s takes more", quickCost, instead))
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
	if !l.Op.Kind.Writes() {
		take := c.CPU.taking(l.Op)
		return rate + min(float64(c.Members)*1e9/take, float64(l.Clients)*1e9/(take+float64(c.CPU.Answer)))
	}
	m := newMix(c, Load{Clients: l.Clients, Op: l.Op, Keys: l.Keys}, 1)
	most, _ := c.sustainable(m, l.LeaderOnly)
	fsync := newDiskMean(c, 0).fsync
	return rate + min(most, float64(l.Clients)*1e9/(fsync+m.accept+m.apply))
}
