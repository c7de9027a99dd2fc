package controlplane

import (
	"sync/atomic"
	"time"
)

// clock is the scenario's: zero when the cluster is ready.
type clock struct{ zero *atomic.Int64 }

func newClock() clock {
	c := clock{new(atomic.Int64)}
	c.zero.Store(time.Now().Add(time.Hour).UnixNano()) // everything is before the start
	return c
}

func (c clock) start()                          { c.zero.Store(time.Now().UnixNano()) }
func (c clock) now() time.Duration              { return c.at(time.Now()) }
func (c clock) at(t time.Time) time.Duration    { return time.Duration(t.UnixNano() - c.zero.Load()) }
func (c clock) time(at time.Duration) time.Time { return time.Unix(0, c.zero.Load()).Add(at) }
