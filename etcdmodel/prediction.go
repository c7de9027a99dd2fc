package etcdmodel

import (
	"fmt"
	"math"
	"time"
)

// Latency is a distribution of durations in its usual places.
//
// It is zero where the load has no such request. Where the load has some and none was answered in
// the simulated time, N is zero and every duration is [NoSample]: see [Latency.Empty].
type Latency struct {
	Mean, P50, P90, P99, P999, Max time.Duration
	N                              int // samples; zero for a closed form
}

// NoSample is every duration of a [Latency] of which nothing ended. It is longer than any limit, so
// that no comparison takes it for a quick answer.
const NoSample time.Duration = math.MaxInt64

var noSample = Latency{NoSample, NoSample, NoSample, NoSample, NoSample, NoSample, 0}

// Empty reports whether requests were sent and none was answered: there are no quantiles.
func (l Latency) Empty() bool { return l.P50 == NoSample }

// Bound is the part of etcd that stops throughput from growing.
type Bound int

// What can bind.
const (
	BoundDisk     Bound = iota // the WAL's fdatasync and bytes: raft hands over 1 MiB of commits a turn
	BoundAccept                // taking requests in: client, gRPC, proposal
	BoundAppend                // processor time in the raft loop
	BoundApply                 // the apply loop, in the time that backend commits leave it
	BoundBackend               // a backend commit so long that 5,000 committed entries gather and etcd refuses more
	BoundNetwork               // bytes to the followers
	BoundInFlight              // raft's 512 messages of 1 MiB in flight to a follower
	BoundRange                 // processor time of ranges, which requests that are taken in share
	BoundWatch                 // processor time of sending events to watchers, in their share
	bounds
)

// String returns the bound as a table shows it.
func (b Bound) String() string {
	if b < 0 || b >= bounds {
		return fmt.Sprintf("Bound(%d)", int(b))
	}
	return [...]string{"disk", "accept", "raft loop", "apply", "backend commit", "network", "raft in flight",
		"ranges", "watch fan-out"}[b]
}

// MarshalText returns the bound as [Bound.String] does, for JSON and YAML.
func (b Bound) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// processor reports whether the processor's time is what binds.
func (b Bound) processor() bool {
	switch b {
	case BoundAccept, BoundAppend, BoundApply, BoundRange, BoundWatch:
		return true
	}
	return false
}

// Prediction is the answer of [Predict] and [Estimate]. Rates are per second.
type Prediction struct {
	Holds   bool     // the load meets every [Check] of [Load.Limits]
	Reasons []Reason // the checks that it does not meet; empty if it holds

	Simulated time.Duration // virtual time that was measured; zero from Estimate

	Throughput  float64 // requests answered: writes, reads and keep-alives
	Writes      float64 // of those, the writes
	Sustainable float64 // the most requests of this mix that do not pile up
	Bound       Bound   // what limits Sustainable

	WALBytes    float64 // bytes/s of WAL on each member
	WALBytesOp  float64 // bytes a write
	Fsyncs      float64 // WAL fdatasyncs/s on the leader
	OpsPerFsync float64

	Commit Latency // as a client sees it: from sending a write to its answer
	Reads  Latency // the same of ranges and keep-alives
	// Member is Commit by the member that the client talks to, the leader of the start first. It is
	// nil with one member, and from Estimate.
	Member []Latency

	Fsync          Latency // the leader's WAL fdatasyncs
	BackendCommit  Latency // the leader's backend commits
	BackendCommits float64 // per second

	TimedOut float64 // writes/s that etcd's own timeout (7 s) answered first
	Wasted   float64 // of those, the ones that were committed afterwards
	Refused  float64 // writes/s refused with "too many requests" (commit - apply > 5000) or NOSPACE

	DB         DB
	Compaction Compaction
	Defrag     Defrag // of one member at the plateau, or where the quota is reached

	Fanout   Fanout   // to watchers
	Memory   Memory   // of the member with the most
	Recovery Recovery // of one member that comes back

	LeaseExpiry      float64 // leases/s that etcd can revoke when many expire at once
	HeartbeatsMissed float64 // heartbeat intervals/s that the leader's loop lets pass
	HeartbeatsLate   float64 // etcd_server_heartbeat_send_failures_total per second, which counts once for every follower
	Elections        float64 // leader elections to expect in the first hour, with the first disk's member leading at first

	Warnings []error
}

// DB is the growth of the db file. Sizes are bytes.
type DB struct {
	Growth   float64 // bytes/s while nothing is compacted away
	PerWrite float64 // bytes a write adds
	Live     int64   // bytes that no compaction frees, in the steady state
	Plateau  int64   // the file in the steady state; only a defragmentation shrinks it. -1: it grows for ever
	// PlateauMost is Plateau if keys are updated and deleted in random order instead of the oldest
	// first: pages that are not empty stay in use, and a compaction rewrites each page that it thins.
	PlateauMost int64
	QuotaIn     time.Duration // until NOSPACE; -1: never
	Overshoot   int64         // bytes the file can pass the quota by
	// Series is the file over time, until the steady state or ten minutes after the quota; nil from
	// Estimate.
	Series  []Size
	NoSpace string // what happens at the quota and what it takes to leave it; empty if it is not reached
}

// Size is the db at a time since the start.
type Size struct {
	At           time.Duration
	Total, InUse int64
}

// Compaction is one physical compaction in the steady state. Zero if nothing compacts.
type Compaction struct {
	Revisions int           // scanned: all up to the one compacted to, live ones too
	Deletes   int           // revisions it removes
	Batches   int           // of 1000
	Duration  time.Duration // from the request to the last batch
	Commit    Latency       // write latency meanwhile; zero from Estimate
}
