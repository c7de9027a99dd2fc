package etcdmodel

import (
	"context"
	"errors"
	"math"
	"time"
)

// Predict simulates the load on the cluster and returns what it does. The same cluster (with its
// Seed) and load give the same prediction. It returns an error for invalid input. Valid but risky
// settings are reported in Prediction.Warnings.
//
// It was compared with held-out rows of 3.5.35, 3.6.16 and 3.7.3 on one machine, with the fdatasync
// as a running etcd reports it. The median error at p50 was 13 %, at p99 24 %, in closed throughput
// 12 %, and in requests per fdatasync 4 %. validation/RESULTS/etcdmodel.md has the tables.
//
// It ends within about a second. It returns an error that names [PredictContext] for a load that
// takes longer to simulate.
func Predict(c Cluster, l Load) (Prediction, error) {
	if err := errors.Join(c.Check(), l.Check()); err != nil {
		return Prediction{}, err
	}
	if err := checkCost(c.WithDefaults(), l, "PredictContext"); err != nil {
		return Prediction{}, err
	}
	return PredictContext(context.Background(), c, l)
}

// PredictContext is like [Predict] but takes longer loads, too: up to 10^9 requests, which are
// minutes of computing. It returns ctx's error within milliseconds of the end of ctx.
func PredictContext(ctx context.Context, c Cluster, l Load) (Prediction, error) {
	warnings, err := prepare(&c, &l)
	if err != nil {
		return Prediction{}, err
	}
	s := newSimulation(c, l)
	span, err := s.simulate(ctx, c, l)
	if err != nil {
		return Prediction{}, err
	}
	p := s.prediction(span)
	p.Warnings = warnings
	g := p.aggregate(c, l, p.Writes, p.Throughput-p.Writes)
	p.DB.Series = g.series(p.DB, c.Compactor)
	if p.Compaction.Commit, err = compactionLatency(ctx, c, l, p.Compaction); err != nil {
		return Prediction{}, err
	}
	if p.Writes > 0 && c.stalls(p.WALBytesOp*p.OpsPerFsync) {
		open := newMix(c, Load{Streams: l.Streams}, 0)
		m := newMix(c, l, math.Max(0, p.Writes-open.rate))
		if p.Elections, err = elections(ctx, c, l, &m, math.Max(p.Writes, open.rate)); err != nil {
			return Prediction{}, err
		}
	}
	o := newOffer(c, l)
	o.piled = s.piled(span)
	o.sampledWrites, o.sampledReads = true, true
	p.rare(c, l, &o, s)
	p.warn(c, l)
	p.judge(l, o)
	return p, nil
}

// rare replaces the latency of requests that are too rare for samples by the closed form's. A read
// beside writes waits for what they wait for.
func (p *Prediction) rare(c Cluster, l Load, o *offer, s *simulation) {
	if !s.rare {
		return
	}
	closed := closedForm(c, l)
	replace := func(what string, n int, latency Latency, sampled *bool, into *Latency) {
		if n < p99Least {
			p.Warnings = append(p.Warnings, warning("Load", "has %d %s in %v of simulated time: "+
				"their latency is the closed form's", n, what, p.Simulated))
			*into, *sampled = latency, false
		}
	}
	if s.writes {
		replace("writes", s.endedWrites(), closed.Commit, &o.sampledWrites, &p.Commit)
	}
	if reads := s.reads.counts.Total(); s.asksReads && s.writes {
		replace("reads", reads, closed.Commit, &o.sampledReads, &p.Reads)
	} else if s.asksReads {
		replace("reads", reads, closed.Reads, &o.sampledReads, &p.Reads)
	}
}

// prepare checks and fills in the defaults.
func prepare(c *Cluster, l *Load) ([]error, error) {
	if err := errors.Join(c.Check(), l.Check()); err != nil {
		return nil, err
	}
	*c = c.WithDefaults()
	return c.warnings(), nil
}

// prediction reads the counters of a simulation that measured for so long.
func (s *simulation) prediction(simulated time.Duration) Prediction {
	n, span := &s.e.count, max(simulated.Seconds(), 1e-9)
	p := Prediction{
		Simulated:  simulated,
		Throughput: float64(s.written+s.read) / span, Writes: float64(s.written) / span,
		WALBytes: float64(n.walBytes) / span, Fsyncs: float64(n.fsyncs) / span,
		Commit: s.commits.latency(), Reads: s.reads.latency(),
		Fsync: n.fsyncTime.latency(), BackendCommit: n.commitTime.latency(), BackendCommits: float64(n.flushes) / span,
		TimedOut: float64(s.timedOut) / span, Wasted: float64(s.wasted) / span, Refused: float64(s.refusedAll) / span,
		HeartbeatsMissed: float64(n.beatsMissed) / span, HeartbeatsLate: float64(n.beatsLate) / span,
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
	s.markEmpty(&p)
	return p
}

// markEmpty marks the latencies of what the load has and of which nothing ended.
func (s *simulation) markEmpty(p *Prediction) {
	mark := func(l *Latency, expected bool) {
		if expected && l.N == 0 {
			*l = noSample
		}
	}
	mark(&p.Commit, s.writes)
	mark(&p.Reads, s.asksReads)
	mark(&p.Fsync, s.writes)
	mark(&p.BackendCommit, s.writes)
	for i := range p.Member {
		mark(&p.Member[i], s.writes && !s.e.only)
	}
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
		p.Defrag = g.defrag(c, p.DB)
		p.member(c, l, m, &g)
		return g
	}
	commit := p.BackendCommit.Mean
	if commit == 0 || p.BackendCommit.Empty() {
		commit = capped(c.backendCommit(newDiskMean(c, 0), m, m.rate))
	}
	g := newGrowth(c, m.streams)
	p.DB = g.predict(c, m.rate, commit)
	p.Compaction = g.compaction(c, p.DB, commit, m.kib())
	p.Defrag = g.defrag(c, p.DB)
	p.member(c, l, m, &g)
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
func compactionLatency(ctx context.Context, c Cluster, l Load, x Compaction) (Latency, error) {
	if x.Revisions == 0 {
		return Latency{}, nil
	}
	s := newSimulation(c, l)
	if err := s.drive(ctx, int64(time.Second)/2); err != nil {
		return Latency{}, err
	}
	s.measure()
	s.e.compactRevisions(x.Revisions, x.Deletes)
	end := s.e.now + int64(2*time.Second)
	for s.e.now < end && s.e.compacting() && !s.full {
		if err := s.drive(ctx, min(end, s.e.now+int64(50*time.Millisecond))); err != nil {
			return Latency{}, err
		}
	}
	if s.commits.counts.Total() == 0 {
		return noSample, nil
	}
	return s.commits.latency(), nil
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
