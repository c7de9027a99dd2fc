package etcdmodel

import (
	"cmp"
	"errors"
	"math"
	"time"
)

// Predict simulates the load on the cluster for Load.For and returns what it does. The same
// cluster (with its Seed) and load give the same prediction. It returns an error for invalid
// input. Valid but risky settings are reported in Prediction.Warnings.
//
// It was compared with held-out rows of 3.5.35, 3.6.16 and 3.7.3 on one machine, with the fdatasync
// as a running etcd reports it. The median error at p50 was 13 %, at p99 24 %, in closed throughput
// 12 %, and in requests per fdatasync 4 %. validation/RESULTS/etcdmodel.md has the tables.
func Predict(c Cluster, l Load) (Prediction, error) {
	warnings, err := prepare(&c, &l)
	if err != nil {
		return Prediction{}, err
	}
	s := newSimulation(c, l)
	s.e.run(max(ns(l.For)/10, int64(time.Second)))
	s.measure()
	s.e.run(s.e.now + ns(l.For))
	p := s.prediction(l.For.Seconds())
	p.Warnings = warnings
	p.DB.Series = p.aggregate(c, l, p.Writes, p.Throughput-p.Writes).series(p.DB)
	p.Compaction.Commit = compactionLatency(c, l, p.Compaction)
	p.Elections = math.Max(p.Elections, c.electionsPerHour(p.Fsyncs, p.WALBytesOp*p.OpsPerFsync))
	p.warn(c, l)
	return p, nil
}

// prepare checks and fills in the defaults.
func prepare(c *Cluster, l *Load) ([]error, error) {
	if err := errors.Join(c.Check(), l.Check()); err != nil {
		return nil, err
	}
	*c = c.WithDefaults()
	l.For = cmp.Or(l.For, 10*time.Second)
	return c.warnings(), nil
}

// prediction reads the counters of a simulation that measured for so many seconds.
func (s *simulation) prediction(span float64) Prediction {
	n := &s.e.count
	p := Prediction{
		Throughput: float64(s.written+s.read) / span, Writes: float64(s.written) / span,
		WALBytes: float64(n.walBytes) / span, Fsyncs: float64(n.fsyncs) / span,
		Commit: s.commits.latency(), Reads: s.reads.latency(),
		Fsync: n.fsyncTime.latency(), BackendCommit: n.commitTime.latency(), BackendCommits: float64(n.flushes) / span,
		TimedOut: float64(s.timedOut) / span, Wasted: float64(s.wasted) / span, Refused: float64(s.refusedAll) / span,
		HeartbeatsMissed: float64(n.beatsMissed) / span, HeartbeatsLate: float64(n.beatsLate) / span,
		Elections: float64(n.elections) / span * 3600,
	}
	if n.fsyncs > 0 {
		p.OpsPerFsync = float64(n.batched) / float64(n.fsyncs)
		p.WALBytesOp = float64(n.walBytes) / float64(n.batched)
	}
	if len(s.members) > 1 {
		for i := range s.members {
			p.Member = append(p.Member, s.members[i].latency())
		}
	}
	return p
}

// aggregate fills in what follows from the mean rate of writes: limits, db, compaction,
// defragmentation and leases.
func (p *Prediction) aggregate(c Cluster, l Load, writes, reads float64) growth {
	open := newMix(c, Load{Streams: l.Streams}, 0)
	closed := writes - open.rate
	if !l.Op.Kind.Writes() {
		closed = reads - open.reads
	}
	m := newMix(c, l, math.Max(0, closed))
	if m.rate+m.reads > 0 {
		p.Sustainable, p.Bound = c.sustainable(m, l.LeaderOnly)
	}
	if m.rate == 0 {
		g := newGrowth(c, nil)
		p.DB = g.predict(c, 0, 0)
		p.member(c, l, m, g)
		return g
	}
	commit := p.BackendCommit.Mean
	if commit == 0 {
		commit = capped(c.backendCommit(newDiskMean(c, 0), m, m.rate))
	}
	g := newGrowth(c, m.streams)
	p.DB = g.predict(c, m.rate, commit)
	p.member(c, l, m, g)
	p.Compaction = g.compaction(c, commit, m.kib())
	size := float64(p.DB.Plateau)
	if p.DB.QuotaIn >= 0 {
		size = float64(c.Quota)
	}
	p.Defrag = defragTime(math.Max(0, size), meanOf(c.Disks[0].db().Fsync))
	// etcd revokes 1,000 a second at most, and every revoke forces a backend commit. Measured: 561/s
	// at B = 0.8 ms, 34/s at about 29 ms (3.6.16).
	p.LeaseExpiry = 1000
	if c.deletesForce() {
		p.LeaseExpiry = 1 / (0.001 + c.backendCommit(newDiskMean(c, 0), mix{}, 0)/1e9)
	}
	return g
}

// kib returns the mean value size per revision.
func (m mix) kib() float64 {
	sum, n := 0.0, 0.0
	for _, s := range m.streams {
		r := s.Rate * float64(s.Op.revisions())
		sum += r * float64(s.Op.Key+s.Op.Value) / 1024
		n += r
	}
	return sum / math.Max(n, math.SmallestNonzeroFloat64)
}

func capped(ns float64) time.Duration { return time.Duration(math.Min(ns, float64(maxLatency))) }

// compactionLatency simulates up to two seconds of the load with the compaction at work.
func compactionLatency(c Cluster, l Load, x Compaction) Latency {
	if x.Revisions == 0 {
		return Latency{}
	}
	s := newSimulation(c, l)
	s.e.run(int64(time.Second) / 2)
	s.measure()
	s.e.compactRevisions(x.Revisions, x.Deletes)
	end := s.e.now + int64(2*time.Second)
	for s.e.now < end && s.e.compacting() {
		s.e.run(min(end, s.e.now+int64(50*time.Millisecond)))
	}
	return s.commits.latency()
}

// electionsPerHour returns the expected number of saves in an hour that outlast a follower's
// patience. A follower waits 10 to 19 ticks without a heartbeat, so a stall S loses the leader
// with chance
//
//	P(S) = 1 - (1 - clamp((S/heartbeat - (n-1)) / n, 0, 1))^(followers),  n = Election / Heartbeat
//
// as long as the followers' own loops tick. The share of time in which they save counts against
// it.
func (c Cluster) electionsPerHour(fsyncs, bytes float64) float64 {
	if c.Members == 1 || fsyncs == 0 {
		return 0
	}
	d := c.Disks[0]
	extra := 0.0
	if d.Bandwidth > 0 {
		extra = math.Max(0, bytes-float64(d.Size)) / d.Bandwidth * 1e9
	}
	ticks, beat := float64(c.Election/c.Heartbeat), float64(c.Heartbeat)
	if longest := float64(quantileOf(d.Fsync, 1)) + extra; longest <= (ticks-1)*beat {
		return 0
	}
	idle := math.Max(0, 1-fsyncs*c.followerSave()/1e9)
	sum, before := 0.0, 0.0
	for _, q := range tailPoints {
		stall := float64(quantileOf(d.Fsync, (before+q)/2)) + extra
		one := math.Min(1, math.Max(0, (stall/beat-(ticks-1))/ticks)) * idle
		sum += (q - before) * (1 - math.Pow(1-one, float64(c.Members-1)))
		before = q
	}
	return sum * fsyncs * 3600
}

// tailPoints cut 0..1 ever finer towards 1.
var tailPoints = func() []float64 {
	var points []float64
	for decade := 1.0; decade > 1e-6; decade /= 10 {
		for i := range 9 {
			points = append(points, 1-decade*(1-float64(i+1)/10))
		}
	}
	return append(points, 1)
}()
