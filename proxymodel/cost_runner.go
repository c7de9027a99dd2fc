package proxymodel

import (
	"math"
	"time"
)

// cycle is kube-proxy's BoundedFrequencyRunner under changes that arrive at random (Poisson) at
// rate per second. A sync starts at 0 and takes s seconds. Until open no other may start. Changes
// that came by then start one at open. If none came the next change starts one at once.
//
// v1.37 (pkg/proxy/runner) sleeps the minimum interval m after every sync, so open is s+m. v1.29
// (pkg/util/async) fills a bucket of two tokens at 1/m per second. A long sync (s >= m) always
// finds a token when it ends, so open is s. For a short one see [burst].
type cycle struct {
	s, m, rate float64
	open       float64 // earliest start of the next sync
	burst      bool    // v1.29 with s < m: open says nothing
}

func newCycle(v Version, s, m, rate float64) cycle {
	c := cycle{s: s, m: m, rate: rate, open: s + m}
	if v == V1_29 {
		c.open, c.burst = s, s < m
	}
	return c
}

// period returns the mean time from sync to sync: open, and if no change came by then, the time
// until one does.
func (c cycle) period() float64 {
	if c.burst {
		return burst(events, c.s/c.m, c.rate*c.m) / c.rate
	}
	return c.open + math.Exp(-c.rate*c.open)/c.rate
}

// queued and prompt return the changes per sync that came before open, and that start their own
// sync at once.
func (c cycle) queued() float64 { return c.rate * c.open }
func (c cycle) prompt() float64 { return math.Exp(-c.rate * c.open) }

// mean returns the mean staleness. A prompt change waits for its sync, a queued one on average for
// half of open, too.
func (c cycle) mean() float64 {
	if c.burst {
		return c.s + c.m*burst(meanWait, c.s/c.m, c.rate*c.m)
	}
	return c.s + c.queued()*c.open/2/(c.queued()+c.prompt())
}

// p99 returns the staleness that 99 of 100 changes stay below. Queued ones wait anything up to
// open, evenly.
func (c cycle) p99() float64 {
	if c.burst {
		return c.s + c.m*burst(p99Wait, c.s/c.m, c.rate*c.m)
	}
	return c.s + c.open*max(0, 1-0.01*(c.queued()+c.prompt())/c.queued())
}

// longest returns the wait of a change that comes as a sync starts. It waits for the end of that
// sync, for the next to be let, and for that one.
func (c cycle) longest() float64 {
	if c.burst {
		return 2*c.s + c.m
	}
	return c.s + c.open
}

// runnerPeriod returns the mean time from sync to sync in seconds when each takes s seconds.
// Without changes it is the time between kube-proxy's own syncs.
func runnerPeriod(v Version, s float64, c Churn) float64 {
	if c.Changes == 0 {
		return time.Hour.Seconds()
	}
	return newCycle(v, s, c.MinSyncPeriod.Seconds(), c.Changes).period()
}

// staleness returns the staleness of changes under c when each sync takes sync.
func staleness(v Version, sync time.Duration, c Churn) Staleness {
	if c.Changes == 0 {
		return Staleness{Mean: sync, P99: sync, Max: sync}
	}
	cy := newCycle(v, sync.Seconds(), c.MinSyncPeriod.Seconds(), c.Changes)
	return Staleness{
		Mean: duration(cy.mean()),
		P99:  duration(cy.p99()),
		Max:  duration(cy.longest()),
	}
}
