package etcdmodel

import "time"

// Latency is a distribution of durations in its usual places.
type Latency struct {
	Mean, P50, P90, P99, P999, Max time.Duration
	N                              int // samples; zero for a closed form
}

// Bound is what stops throughput from growing.
type Bound int

// What can bind.
const (
	BoundNone     Bound = iota // the load is below every limit
	BoundClients               // a closed load: its clients wait for each other, more of them would get more
	BoundDisk                  // the WAL's fdatasync and bytes
	BoundAppend                // processor time in the raft loop
	BoundApply                 // processor time in the apply loop
	BoundBackend               // the backend's commits, which hold the apply loop
	BoundNetwork               // the round trip to the followers
	BoundInFlight              // raft's 512 messages in flight to a follower
	BoundNoSpace               // the db quota
)

// String is the bound as a table shows it.
func (b Bound) String() string {
	return [...]string{"none", "clients", "disk", "raft loop", "apply", "backend commit", "network", "raft in flight", "db quota"}[b]
}

// Prediction is the answer of [Predict] and [Estimate]. Rates are per second.
type Prediction struct {
	Throughput  float64 // writes answered
	Sustainable float64 // the most open writes of this mix that do not pile up
	Bound       Bound   // what limits Sustainable

	WALBytes    float64 // bytes/s of WAL on each member
	WALBytesOp  float64 // bytes a write
	Fsyncs      float64 // WAL fdatasyncs/s on the leader
	OpsPerFsync float64

	Commit Latency   // as a client sees it: from sending a write to its answer
	Reads  Latency   // the same of linearizable reads; zero if there are none
	Member []Latency // Commit by the member that the client talks to

	Fsync          Latency // the leader's WAL fdatasyncs
	BackendCommit  Latency // the leader's backend commits
	BackendCommits float64 // per second

	TimedOut float64 // writes/s that etcd's own timeout (7 s) answered first
	Wasted   float64 // of those, the ones that were committed afterwards
	Refused  float64 // writes/s refused with "too many requests" (commit - apply > 5000) or NOSPACE

	DB         DB
	Compaction Compaction
	Defrag     time.Duration // of the plateau; the member answers nothing meanwhile

	LeaseExpiry      float64 // leases/s that etcd can revoke when many expire at once
	HeartbeatsMissed float64 // heartbeat intervals/s that the leader's loop lets pass
	HeartbeatsLate   float64 // etcd_server_heartbeat_send_failures_total per second and follower: a heartbeat sent later than two intervals
	Elections        float64 // leader elections per hour

	Warnings []error
}

// DB is how the db file grows. Sizes are bytes.
type DB struct {
	Growth    float64       // bytes/s while nothing is compacted away
	PerWrite  float64       // bytes a write adds
	Live      int64         // bytes in use that no compaction frees: the latest revision of every key
	InUse     int64         // bytes in use just before a compaction, in the steady state
	Plateau   int64         // the file in that state; only a defragmentation shrinks it
	QuotaIn   time.Duration // until NOSPACE; negative: never
	Overshoot int64         // bytes the file can pass the quota by
	Series    []Size        // the file over time, until the steady state or the quota
	NoSpace   string        // what happens at the quota and what it takes to leave it; empty if it is not reached
}

// Size is the db at a time since the start.
type Size struct {
	At           time.Duration
	Total, InUse int64
}

// Compaction is one physical compaction in the steady state.
type Compaction struct {
	Revisions int           // scanned, live ones too
	Batches   int           // of 1000
	Duration  time.Duration // from the request to the last batch
	Deletes   int           // revisions it removes
	Commit    Latency       // write latency meanwhile
}
