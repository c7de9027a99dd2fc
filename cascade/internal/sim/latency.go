package sim

import (
	"time"
)

// etcdTimeout is etcd's own limit on a request: 5 s and two election timeouts
// (server/config/config.go, ReqTimeout).
const etcdTimeout = 7 * time.Second

// requestOverhead is the time that client, API server and network add to a request. A PUT took
// 5 ms on a 1 ms disk in the replays, of which half is etcd's.
const requestOverhead = 2500 * time.Microsecond

// fsync returns the longest fsync of any member now.
func (e *etcd) fsync() time.Duration {
	worst := time.Duration(0)
	for _, d := range e.delays {
		worst = max(worst, d)
	}
	return e.base + worst
}

// fsyncOf returns the fsync of the etcd that holds the purpose's objects. An etcd of their own has
// a healthy disk.
func (e *etcd) fsyncOf(why purpose) time.Duration {
	if e.elsewhere(why) {
		return e.s.Etcd.Fsync
	}
	return e.fsync()
}

// elsewhere reports whether the purpose's objects live in an etcd of their own, whose disk is
// healthy.
func (e *etcd) elsewhere(why purpose) bool {
	o := &e.s.Etcd
	r := &e.rows[why]
	if o.SeparateLeases && (r.space == leases || r.space == elections) {
		return true
	}
	return o.SeparateEvents && r.class == classEvent
}

// latencyOf returns the latency of a write in the etcd that holds the purpose's objects, while
// nothing queues there.
func (e *etcd) latencyOf(why purpose) time.Duration { return restLatency(e.fsyncOf(why)) }

// quietLatency returns the latency of a write in the cluster's own etcd while nothing queues.
func (e *etcd) quietLatency() time.Duration { return restLatency(e.fsync()) }

// restLatency returns the latency of a write while nothing queues. It is half a save to wait for,
// the save, and the write's share of the backend's commits. Each commit is two fsyncs, and comes
// 100 ms after the last.
func restLatency(fsync time.Duration) time.Duration {
	f := fsync.Seconds()
	b := 2 * f
	return requestOverhead + time.Duration((1.5*f+b*b/(2*(0.1+b)))*float64(time.Second))
}

// writeLatency returns the latency of the last write that the cluster's own etcd answered.
func (e *etcd) writeLatency() time.Duration { return max(e.lastWrite, requestOverhead) }
