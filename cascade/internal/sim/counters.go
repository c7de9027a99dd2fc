package sim

import "github.com/redline-go/redline/internal/histogram"

// counters are what a run adds up.
type counters struct {
	attempts, messages, events int // of the scheduler: attempts, pod patches, Event writes
	evictions, refused         int // pods evicted, and pods that a quota refused
	committed, wasted, writes  int // proposals in etcd, of which changed nothing, and writes that landed
	dbBytes                    int // of revisions written
	asked                      [purposes]int
	answered                   [purposes][codes]int
	wroteBy                    [purposes]int
	latency, leaseLatency      histogram.Counts // of writes, and of lease PUTs while the disk was slow
}

// wrote counts n writes of objects that landed. A lease grant is none.
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
