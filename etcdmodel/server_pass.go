package etcdmodel

import (
	"context"
	"math"
	"time"
)

// What one call passes at most, so that it ends within about a second.
const (
	longestStep    = time.Hour
	mostArrivals   = 500_000
	longestAdvance = 24 * time.Hour
	// Of [Server.StepContext], between two looks at its context.
	pieceTime     = time.Minute
	pieceArrivals = 10_000
)

// engine returns the server's engine. A zero Server is a stock etcd with no classes.
func (s *Server) engine() *engine {
	if s.e == nil {
		s.e = newEngine(Cluster{}, nil, s)
		s.e.timers[timerCompact] = ns(s.e.c.CompactEvery)
	}
	return s.e
}

// Step lets dt pass. offered is the expected number of requests of each class during it. They
// arrive as a Poisson process of that mean, which may be less than one; nil offers none.
//
// A negative dt or offer counts as zero, as does an offer of more than 2^31 requests. One call
// passes an hour at most, and about 500,000 requests: Step.Now tells how far it came. Use
// [Server.StepContext] for more.
func (s *Server) Step(dt time.Duration, offered []float64) *Step {
	before := s.begin()
	s.pass(dt, offered, portion(dt, offered, longestStep, mostArrivals))
	return s.end(before)
}

// StepContext is like Step but has no limit. It ends early with ctx's error: the Step then tells
// how far it came. It returns an error for a dt beyond the 290 years that a time.Duration holds.
func (s *Server) StepContext(ctx context.Context, dt time.Duration, offered []float64) (*Step, error) {
	before := s.begin()
	if dt > math.MaxInt64/2-s.Now() {
		return s.end(before), bad("dt", dt, "the server's time to stay below 146 years")
	}
	share := portion(dt, offered, pieceTime, pieceArrivals)
	for left := 1.0; left > 0; left -= share {
		if err := ctx.Err(); err != nil {
			return s.end(before), err
		}
		s.pass(dt, offered, min(left, share))
	}
	return s.end(before), nil
}

// portion returns the share of a step that takes so long, and has so many arrivals, at most.
func portion(dt time.Duration, offered []float64, longest time.Duration, most float64) float64 {
	arrivals := 0.0
	for _, x := range offered {
		arrivals += valid(x)
	}
	return min(1, float64(longest)/math.Max(1, float64(dt)), most/math.Max(1, arrivals))
}

// valid returns an offer, or zero for one that counts as none.
func valid(offer float64) float64 {
	if offer > 0 && offer <= math.MaxInt32 {
		return offer
	}
	return 0
}

// pass lets a share of a step pass.
func (s *Server) pass(dt time.Duration, offered []float64, portion float64) {
	start, span := s.engine().now, float64(max(0, dt))*portion
	end := start + int64(span)
	for {
		class, share := s.next(offered, portion)
		if class < 0 {
			break
		}
		s.e.run(start + int64(share*span))
		s.arrive(request{route: route{class: int32(class), member: s.e.nextMember()}})
		s.until[class] += s.chance.ExpFloat64()
	}
	for i := range min(len(offered), len(s.until)) {
		s.until[i] -= valid(offered[i]) * portion
	}
	s.e.run(end)
}

// next returns the class whose request arrives next within that portion of a step, and the share
// of the portion at which it arrives. The class is -1 if there is none.
func (s *Server) next(offered []float64, portion float64) (class int, share float64) {
	class, share = -1, 1
	for i := range min(len(offered), len(s.until)) {
		if x := valid(offered[i]) * portion; s.until[i] < share*x {
			class, share = i, math.Max(0, s.until[i]/x)
		}
	}
	return class, share
}
