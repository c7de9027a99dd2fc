package etcdmodel

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// limit is the range of one field of a T. Zero is always allowed: it means the default.
type limit[T any] struct {
	field string
	check func(*T) (value any, want string) // want is empty if the value is in its range
}

// number is the type of a field that has a range.
type number interface {
	int | int64 | float64 | time.Duration
}

// ranged returns the limit of a numeric field. NaN and infinities are outside every range.
func ranged[T any, N number](field string, of func(*T) N, low, high N) limit[T] {
	return limit[T]{field, func(t *T) (any, string) {
		switch x := of(t); {
		case x == 0 || low <= x && x <= high:
			return nil, ""
		case low > 0:
			return x, fmt.Sprintf("0, or %v to %v", low, high)
		case x < 0:
			return x, ">= 0"
		default:
			return x, fmt.Sprintf("<= %v", high)
		}
	}}
}

// checkAll returns an error for the first field of t that is out of its range.
func checkAll[T any](prefix string, table []limit[T], t *T) error {
	for _, l := range table {
		if value, want := l.check(t); want != "" {
			return bad(prefix+"."+l.field, value, want)
		}
	}
	return nil
}

// The widest ranges that the model computes with. Where etcd has a limit of its own, it is that.
const (
	maxMembers = 9

	century  = 876_600 * time.Hour
	mostTime = time.Second // of processor for one request or KiB: 10,000 times the default
	mostSize = 1 << 50     // bytes of a file: 1 PiB
	mostKeys = math.MaxInt32

	// mostElection is etcd's own (server/embed/config.go: maxElectionMs). Its Validate also asks
	// for an election timeout of at least five heartbeat intervals.
	mostElection = 50 * time.Second

	// mostAnswer bounds what a Range returns (server/etcdserver/api/v3rpc/grpc.go: maxSendBytes).
	mostAnswer = math.MaxInt32
	mostPuts   = 1_000_000_000 // keys that one Delete or LeaseRevoke touches

	leastRate = 1e-9 // requests/s: one in 32 years
	maxRate   = 1e6  // requests/s: beyond it no etcd answers anyway
	leastFlow = 1    // bytes/s of a disk or network
	mostFlow  = 1e15

	maxClients = 100_000
)

var clusterLimits = []limit[Cluster]{
	ranged("Members", func(c *Cluster) int { return c.Members }, 0, maxMembers),
	ranged("RTT", func(c *Cluster) time.Duration { return c.RTT }, 0, time.Hour),
	ranged("Network", func(c *Cluster) float64 { return c.Network }, leastFlow, mostFlow),
	ranged("Heartbeat", func(c *Cluster) time.Duration { return c.Heartbeat }, time.Millisecond, mostElection/5),
	ranged("Election", func(c *Cluster) time.Duration { return c.Election }, 0, mostElection),
	ranged("Quota", func(c *Cluster) int64 { return c.Quota }, 0, mostSize),
	ranged("BatchInterval", func(c *Cluster) time.Duration { return c.BatchInterval }, time.Millisecond, 24*time.Hour),
	ranged("BatchLimit", func(c *Cluster) int { return c.BatchLimit }, 0, mostKeys),
	ranged("SnapshotCount", func(c *Cluster) int { return c.SnapshotCount }, 0, mostKeys),
	{"CompactEvery", func(c *Cluster) (any, string) {
		if x := c.CompactEvery; x != 0 && x != NoCompaction && (x < time.Millisecond || x > century) {
			return x, fmt.Sprintf("0, NoCompaction, or 1ms to %v", century)
		}
		return nil, ""
	}},
	ranged("CompactKeep", func(c *Cluster) time.Duration { return c.CompactKeep }, 0, century),
	ranged("DB", func(c *Cluster) int64 { return c.DB }, 0, mostSize),
}

var stateLimits = []limit[State]{
	ranged("Total", func(s *State) int64 { return s.Total }, 0, mostSize),
	ranged("InUse", func(s *State) int64 { return s.InUse }, 0, mostSize),
	ranged("Quota", func(s *State) int64 { return s.Quota }, 0, mostSize),
	ranged("Keys", func(s *State) int { return s.Keys }, 0, mostKeys),
	ranged("Revision", func(s *State) int64 { return s.Revision }, 0, math.MaxInt64),
	{"Compacted", func(s *State) (any, string) {
		if s.Compacted < -1 {
			return s.Compacted, ">= 0, or -1 for never"
		}
		return nil, ""
	}},
}

var cpuLimits = []limit[CPU]{
	ranged("Accept", func(c *CPU) time.Duration { return c.Accept }, 0, mostTime),
	ranged("AcceptPerKiB", func(c *CPU) time.Duration { return c.AcceptPerKiB }, 0, mostTime),
	ranged("Turn", func(c *CPU) time.Duration { return c.Turn }, 0, mostTime),
	ranged("Append", func(c *CPU) time.Duration { return c.Append }, 0, mostTime),
	ranged("AppendPerKiB", func(c *CPU) time.Duration { return c.AppendPerKiB }, 0, mostTime),
	ranged("Apply", func(c *CPU) time.Duration { return c.Apply }, 0, mostTime),
	ranged("ApplyPerKiB", func(c *CPU) time.Duration { return c.ApplyPerKiB }, 0, mostTime),
	ranged("CommitPerKiB", func(c *CPU) time.Duration { return c.CommitPerKiB }, 0, mostTime),
	ranged("Answer", func(c *CPU) time.Duration { return c.Answer }, 0, mostTime),
}

var diskLimits = []limit[Disk]{
	ranged("Size", func(d *Disk) int { return d.Size }, 0, 1<<30),
	ranged("Bandwidth", func(d *Disk) float64 { return d.Bandwidth }, leastFlow, mostFlow),
}

var loadLimits = []limit[Load]{
	ranged("Clients", func(l *Load) int { return l.Clients }, 0, maxClients),
	ranged("Keys", func(l *Load) int { return l.Keys }, 0, mostKeys),
	ranged("For", func(l *Load) time.Duration { return l.For }, time.Millisecond, mostSpan),
	ranged("Limits.P99", func(l *Load) time.Duration { return l.Limits.P99 }, 0, century),
	ranged("Limits.Horizon", func(l *Load) time.Duration { return l.Limits.Horizon }, 0, century),
	ranged("Limits.Elections", func(l *Load) float64 { return l.Limits.Elections }, 0, maxRate),
}

var streamLimits = []limit[Stream]{
	ranged("Rate", func(s *Stream) float64 { return s.Rate }, leastRate, maxRate),
	ranged("Keys", func(s *Stream) int { return s.Keys }, 0, mostKeys),
	ranged("TTL", func(s *Stream) time.Duration { return s.TTL }, 0, century),
}

var opLimits = []limit[Op]{
	{"Kind", func(o *Op) (any, string) {
		if o.Kind < 0 || o.Kind >= kinds {
			return int(o.Kind), "a Kind of this package"
		}
		return nil, ""
	}},
	ranged("Key", func(o *Op) int { return o.Key }, 0, MaxRequestBytes),
	ranged("Value", func(o *Op) int { return o.Value }, 0, mostAnswer),
	ranged("Puts", func(o *Op) int { return o.Puts }, 0, mostPuts),
}

// wholeInt64 converts a float that may be too large for an int64, or not a number.
func wholeInt64(x float64) int64 {
	switch {
	case x >= math.MaxInt64:
		return math.MaxInt64
	case x <= math.MinInt64:
		return math.MinInt64
	}
	return int64(x) // NaN is checked before it can come here
}

// added returns a + b within what a Duration holds.
func added(a, b time.Duration) time.Duration {
	return time.Duration(wholeInt64(float64(a) + float64(b)))
}

// scaled returns d x, at most the largest Duration.
func scaled(d time.Duration, x float64) time.Duration {
	return time.Duration(wholeInt64(cmp.Or(float64(d)*x, 0)))
}
