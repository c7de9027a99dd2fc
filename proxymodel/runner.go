package proxymodel

import (
	"math"
	"time"
)

// cycle is kube-proxy's BoundedFrequencyRunner under changes that arrive at
// random (Poisson) at rate per second. A sync starts at 0 and takes s. Until
// open no other may start; changes that came by then start one at open, or,
// where v1.29's token bucket makes them, up to late after it. If none came the
// next change starts one at once.
//
// v1.37 (pkg/proxy/runner) sleeps the minimum interval m after every sync:
// open is s+m and late 0. v1.29 (pkg/util/async) fills a bucket of two tokens
// at 1/m per second: a long sync (s >= m) always finds a token when it ends,
// so that open is s. After a short one a change waits for a token and then for
// either the next change or a timer at s+m, whichever is first.
type cycle struct {
	s, m, rate float64
	open       float64 // earliest start of the next sync
	late       float64 // longest wait after open of changes that came before
}

func newCycle(v Version, s, m, rate float64) cycle {
	c := cycle{s: s, m: m, rate: rate, open: s + m}
	if v != V1_29 {
		return c
	}
	if s >= m {
		c.open = s
		return c
	}
	// Mean-field: the tokens left when a sync starts, at their fixed point.
	tokens := 0.5
	for range 24 {
		c.open = max(s, (1-tokens)*m)
		spare := tokens + c.open/m - 1
		none := math.Exp(-rate * c.open)
		idle := spare + -math.Expm1(-rate*m*(1-spare))/(rate*m)
		busy := spare
		if c.open > s {
			busy += -math.Expm1(-rate*(s+m-c.open)) / (rate * m)
		}
		tokens = 0.5*tokens + 0.5*min(1, none*idle+(1-none)*busy)
	}
	c.open = max(s, (1-tokens)*m)
	if c.open > s {
		c.late = s + m - c.open
	}
	return c
}

// none is the chance that no change comes before open.
func (c cycle) none() float64 { return math.Exp(-c.rate * c.open) }

// wait is the mean wait after open of changes that came before it.
func (c cycle) wait() float64 {
	if c.late == 0 {
		return 0
	}
	return -math.Expm1(-c.rate*c.late) / c.rate
}

// prompt is the changes per cycle that start their own sync at once.
func (c cycle) prompt() float64 {
	p := c.none()
	if c.late > 0 {
		p += (1 - c.none()) * -math.Expm1(-c.rate*c.late)
	}
	return p
}

// period is the mean time from sync to sync.
func (c cycle) period() float64 {
	return c.open + c.none()/c.rate + (1-c.none())*c.wait()
}

// mean is the mean staleness: prompt changes wait for their own sync, the
// others on average for half of open and what follows it.
func (c cycle) mean() float64 {
	queued, prompt := c.rate*c.open, c.prompt()
	return c.s + queued*(c.open/2+c.wait())/(queued+prompt)
}

// tail is the share of changes that wait longer than s+y.
func (c cycle) tail(y float64) float64 {
	queued, prompt := c.rate*c.open, c.prompt()
	over := max(0, 1-y/c.open)
	if c.late > 0 { // integrate exp(-rate·(y-open·u)) over arrivals u before y
		u0, u1 := max(0, (y-c.late)/c.open), min(1, y/c.open)
		if u1 > u0 {
			over += (math.Exp(-c.rate*(y-c.open*u1)) - math.Exp(-c.rate*(y-c.open*u0))) / queued
		}
	}
	return over * queued / (queued + prompt)
}

// quantile is the staleness that a share q of the changes stay below.
func (c cycle) quantile(q float64) float64 {
	if c.tail(0) <= 1-q {
		return c.s
	}
	lo, hi := 0.0, c.open+c.late
	for range 40 {
		if mid := (lo + hi) / 2; c.tail(mid) > 1-q {
			lo = mid
		} else {
			hi = mid
		}
	}
	return c.s + hi
}

// longest is the wait of a change that comes as a sync starts, and then waits
// for the end of it, for the next to be let, and for that one.
func (c cycle) longest() float64 {
	if c.late > 0 {
		return 2*c.s + c.m
	}
	return c.s + c.open
}

// runnerPeriod is the mean time from sync to sync in seconds when each takes s
// seconds. Without changes it is the time between kube-proxy's own syncs.
func runnerPeriod(v Version, s float64, c Churn) float64 {
	if c.Changes == 0 {
		return time.Hour.Seconds()
	}
	return newCycle(v, s, c.MinSyncPeriod.Seconds(), c.Changes).period()
}

// staleness is that of changes under c when each sync takes sync.
func staleness(v Version, sync time.Duration, c Churn) Staleness {
	if c.Changes == 0 {
		return Staleness{Mean: sync, P99: sync, Max: sync}
	}
	cy := newCycle(v, sync.Seconds(), c.MinSyncPeriod.Seconds(), c.Changes)
	return Staleness{
		Mean: duration(cy.mean()),
		P99:  duration(cy.quantile(0.99)),
		Max:  duration(cy.longest()),
	}
}
