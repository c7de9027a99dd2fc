package etcdmodel

import "math"

// answer fills in the latency of the writes, and takes off those that etcd's own timeout answers
// first. They commit all the same.
func (p *Prediction) answer(t *turn) {
	commit, late := t.latency()
	p.Commit, p.TimedOut = commit, late*p.Writes
	p.Wasted = p.TimedOut
	p.Throughput, p.Writes = p.Throughput-p.TimedOut, p.Writes-p.TimedOut
}

// refuse takes off the writes that fail from the start on, because the db begins at its quota. It
// is for the closed form: a simulation refuses them itself.
func (p *Prediction) refuse(c Cluster, l Load) {
	if p.DB.QuotaIn != 0 {
		return
	}
	rest, refused := l.uncapped(p.Writes + p.TimedOut)
	if refused == 0 {
		return
	}
	left := Prediction{}
	if len(rest.Streams) > 0 || rest.Clients > 0 {
		left = closedForm(c, rest)
	}
	if left.Writes == 0 {
		left.Commit, left.Fsync, left.BackendCommit = noSample, noSample, noSample
	}
	p.Refused = refused
	p.Throughput, p.Writes, p.TimedOut, p.Wasted = left.Throughput, left.Writes, left.TimedOut, left.Wasted
	p.Commit, p.Reads, p.Fsync, p.BackendCommit = left.Commit, left.Reads, left.Fsync, left.BackendCommit
	p.WALBytes, p.WALBytesOp, p.Fsyncs, p.OpsPerFsync = left.WALBytes, left.WALBytesOp, left.Fsyncs, left.OpsPerFsync
	p.BackendCommits, p.HeartbeatsMissed = left.BackendCommits, left.HeartbeatsMissed
}

// uncapped returns the part of a load that etcd does not refuse at its quota, and the writes/s that
// it does. writes is the rate of all, which the clients' follows from.
func (l Load) uncapped(writes float64) (Load, float64) {
	rest, refused := l, 0.0
	rest.Streams = nil
	for _, s := range l.Streams {
		if s.Op.Kind.Writes() {
			writes -= s.Rate
		}
		if s.Op.quotaCost() > 0 {
			refused += s.Rate
		} else {
			rest.Streams = append(rest.Streams, s)
		}
	}
	if l.Clients > 0 && l.Op.quotaCost() > 0 {
		rest.Clients = 0
		refused += math.Max(0, writes)
	}
	return rest, refused
}
