package sim

import "github.com/redline-go/redline/internal/histogram"

// counters are sums over a run.
type counters struct {
	attempts, messages, events int // of the scheduler: attempts, pod patches, Event writes
	evictions, refused         int // pods evicted, and pods that a quota refused
	committed, wasted, writes  int // proposals in etcd; those that changed nothing; writes that landed
	dbBytes                    int // of revisions written

	asked    [purposes]int        // requests
	answered [purposes][codes]int // requests that ended
	wroteBy  [purposes]int        // writes that landed

	// Latencies of writes, and of Lease PUTs while the cluster was simulated request by request.
	latency, leaseLatency histogram.Counts
}

// wrote counts n writes of objects that landed. The grant of an etcd lease writes no object.
func (rc *recorder) wrote(why purpose, n int) {
	if why == forRegistrationGrant {
		return
	}
	rc.writes += n
	rc.wroteBy[why] += n
	rc.dbBytes += n * rc.rows[why].db
}

// tallyRefused counts requests that found no server.
func (n *counters) tallyRefused(why purpose, count int) {
	count = max(0, count)
	n.asked[why] += count
	n.answered[why][refused] += count
}
