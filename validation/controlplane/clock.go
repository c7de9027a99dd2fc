package controlplane

import (
	"sync/atomic"
	"time"
)

// clock is the bench's. What happens is noted in times since it was made; a Result counts
// from the scenario's beginning, which is known only once the cluster is ready.
type clock struct {
	made time.Time
	zero *atomic.Int64 // the scenario's beginning since then
}

func newClock() clock { return clock{time.Now(), new(atomic.Int64)} }

func (c clock) now() time.Duration           { return time.Since(c.made) }
func (c clock) at(t time.Time) time.Duration { return t.Sub(c.made) }

func (c clock) start()               { c.zero.Store(int64(c.now())) }
func (c clock) begin() time.Duration { return time.Duration(c.zero.Load()) }

// time returns the wall time of a time of the scenario.
func (c clock) time(at time.Duration) time.Time { return c.made.Add(c.begin() + at) }
