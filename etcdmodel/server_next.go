package etcdmodel

import (
	"math"
	"time"
)

// Next is when the server will next do something by itself, if nothing is submitted before: a caller that steps to this
// time and no further hears of every end at its own instant. It is the largest Duration if nothing is to come.
func (s *Server) Next() time.Duration {
	next := int64(math.MaxInt64)
	for _, t := range s.e.timers {
		next = min(next, t)
	}
	return time.Duration(next)
}

// Counted is what the leaders' disks have done since the start, whether during a step or on a Submit between two.
func (s *Server) Counted() (fsyncs, commits int) {
	return int(s.e.count.fsyncs), int(s.e.count.flushes)
}
