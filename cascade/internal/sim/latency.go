package sim

import (
	"time"
)

// elsewhere tells whether the object lives in an etcd of its own, whose disk is healthy.
func (e *etcd) elsewhere(why purpose) bool {
	o := &e.s.Etcd
	r := &e.rows[why]
	if o.SeparateLeases && (r.space == leases || r.space == elections) {
		return true
	}
	return o.SeparateEvents && r.class == classEvent
}

// etcdTimeout is etcd's own limit on a request (server/config/config.go, ReqTimeout: 5 s and two election timeouts).
const etcdTimeout = 7 * time.Second

// requestOverhead is what client, API server and network add to a request: half of the 5 ms a PUT took on a 1 ms disk in
// the replays is etcd's.
const requestOverhead = 2500 * time.Microsecond

// quietLatency is a write's latency while nothing queues: half a save to wait for, the save, and its share of the
// backend's commits, each two fsyncs after every 100 ms.
func (e *etcd) quietLatency() time.Duration { return restLatency(e.fsync()) }

func restLatency(fsync time.Duration) time.Duration {
	f := fsync.Seconds()
	b := 2 * f
	return requestOverhead + time.Duration((1.5*f+b*b/(2*(0.1+b)))*float64(time.Second))
}

// fsyncOf is how long a fsync takes of the etcd that holds such objects: of one of their own the disk stays healthy.
func (e *etcd) fsyncOf(why purpose) time.Duration {
	if e.elsewhere(why) {
		return e.s.Etcd.Fsync
	}
	return e.fsync()
}

// latencyOf is that etcd's latency while nothing queues there.
func (e *etcd) latencyOf(why purpose) time.Duration { return restLatency(e.fsyncOf(why)) }

// writeLatency is that of the last write that the cluster's own etcd answered.
func (e *etcd) writeLatency() time.Duration { return max(e.lastWrite, requestOverhead) }
