package etcdmodel

import (
	"cmp"
	"fmt"
	"time"
)

// Limits sets what a load asks of etcd. Its zero value asks what Kubernetes asks.
type Limits struct {
	// P99 is the longest p99 of writes and of linearizable reads. Zero means 1 s: Kubernetes' own
	// objective for a call on a single object (kubernetes/community,
	// sig-scalability/slos/api_call_latency.md). No call is faster than its commit.
	P99 time.Duration
	// Horizon is the time within which the db must not reach its quota. Zero means 30 days, which
	// leaves a month to act. It is a choice and not measured.
	Horizon time.Duration
	// Elections is the number an hour from which on leadership is not stable. Zero means one.
	Elections float64
}

func (l Limits) orDefault() Limits {
	return Limits{
		P99: cmp.Or(l.P99, time.Second), Horizon: cmp.Or(l.Horizon, 30*24*time.Hour), Elections: cmp.Or(l.Elections, 1),
	}
}

// Check is one condition of a verdict.
type Check int

// The conditions. A load holds if it meets all of them.
const (
	CheckQueue     Check = iota // requests do not pile up: offered/s against what can be sustained
	CheckTimeouts               // no write outlasts etcd's own timeout: writes/s that do
	CheckRefusals               // none is refused with "too many requests" or NOSPACE: writes/s that are
	CheckSamples                // enough requests ended for a p99: their number
	CheckWriteP99               // seconds, against [Limits.P99]
	CheckReadP99                // the same of linearizable reads
	CheckNoSpace                // seconds until the quota, against [Limits.Horizon]
	CheckElections              // leader elections an hour, against [Limits.Elections]
	checks
)

var checkNames = [...]string{
	"queue", "timeouts", "refusals", "samples", "write p99", "read p99", "no space", "elections",
}

// String returns the condition in a word or two.
func (c Check) String() string {
	if c < 0 || c >= checks {
		return fmt.Sprintf("Check(%d)", int(c))
	}
	return checkNames[c]
}

// MarshalText returns the condition as [Check.String] does, for JSON and YAML.
func (c Check) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Reason is a condition that a load does not meet. Value and Limit have the condition's unit.
type Reason struct {
	What         Check
	Value, Limit float64
	Text         string // a sentence for people
}

// String returns the reason's text.
func (r Reason) String() string { return r.Text }

// p99Least is the number of samples below which a p99 is no more than the largest of them.
const p99Least = 100

// judge decides whether the load holds and says why not. It is the only place that does.
func (p *Prediction) judge(l Load, o offer) {
	limits := l.Limits.orDefault()
	p.Reasons = nil
	fail := func(what Check, value, limit float64, format string, args ...any) {
		p.Reasons = append(p.Reasons, Reason{what, value, limit, fmt.Sprintf(format, args...)})
	}
	switch {
	case o.all > p.Sustainable && o.all > 0:
		fail(CheckQueue, o.all, p.Sustainable, "%.4g requests/s are offered and %.4g can be sustained (%v): they pile up",
			o.all, p.Sustainable, p.Bound)
	case o.all > o.doors:
		fail(CheckQueue, o.all, o.doors, "%.4g requests/s are offered and members can take in %.4g: they pile up",
			o.all, o.doors)
	case o.piled > 0:
		fail(CheckQueue, o.all, o.all-o.piled, "of %.4g requests/s that are offered, %.2g/s pile up", o.all, o.piled)
	}
	if p.TimedOut > 0 {
		fail(CheckTimeouts, p.TimedOut, 0, "%.2g writes/s time out", p.TimedOut)
	}
	if p.Refused > 0 {
		fail(CheckRefusals, p.Refused, 0, "%.2g writes/s are refused", p.Refused)
	}
	for _, k := range []struct {
		what    Check
		name    string
		offered bool
		sampled bool
		latency Latency
	}{
		{CheckWriteP99, "writes", o.writes > 0 || o.closedWrites, o.sampledWrites, p.Commit},
		{CheckReadP99, "reads", o.reads, o.sampledReads, p.Reads},
	} {
		if !k.offered {
			continue
		}
		if n := k.latency.N; n < p99Least && k.sampled {
			fail(CheckSamples, float64(n), p99Least, "%d %s were answered in %v of simulated time, too few for a p99",
				n, k.name, p.Simulated)
		}
		if k.latency.P99 > limits.P99 && !k.latency.Empty() {
			fail(k.what, k.latency.P99.Seconds(), limits.P99.Seconds(), "the p99 of %s is %v, longer than %v",
				k.name, k.latency.P99.Round(time.Millisecond), limits.P99)
		}
	}
	if p.DB.QuotaIn >= 0 && p.DB.QuotaIn <= limits.Horizon {
		fail(CheckNoSpace, p.DB.QuotaIn.Seconds(), limits.Horizon.Seconds(), "the db reaches its quota in %v, within %v",
			p.DB.QuotaIn.Round(time.Second), limits.Horizon)
	}
	if p.Elections >= limits.Elections {
		fail(CheckElections, p.Elections, limits.Elections, "%.3g leader elections an hour", p.Elections)
	}
	p.Holds = len(p.Reasons) == 0
}

// offer sums up a load for the verdict.
type offer struct {
	writes, all  float64 // open requests/s
	doors        float64 // requests/s that members can take in
	piled        float64 // requests/s that a simulation saw pile up
	closedWrites bool
	reads        bool // any, open or closed
	// the latencies are samples
	sampledWrites, sampledReads bool
}

// newOffer sums up a load. c must have its defaults.
func newOffer(c Cluster, l Load) offer {
	var o offer
	o.closedWrites = l.Clients > 0 && l.Op.Kind.Writes()
	o.reads = l.Clients > 0 && !l.Op.Kind.Writes()
	work := 0.0
	for _, s := range l.Streams {
		if s.Op.Kind.Writes() {
			o.writes += s.Rate
		} else {
			o.reads = o.reads || s.Rate > 0
		}
		o.all += s.Rate
		work += s.Rate * c.CPU.taking(s.Op)
	}
	doors := c.Members
	if l.LeaderOnly {
		doors = 1
	}
	o.doors = float64(doors) * 1e9 * o.all / max(work, 1)
	return o
}
