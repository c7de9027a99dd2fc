package etcdmodel

import (
	"math"
	"time"

	"github.com/redline-go/redline/internal/histogram"
)

// Estimate is like [Predict] but computes closed forms in microseconds instead of simulating. Use
// it for a slider, a sweep or a first look. Bytes, growth, limits and quota are the same; latency
// is coarser (validation/RESULTS/etcdmodel.md).
//
// The raft loop serves in batches. With F the fdatasync and c the time of one request, a turn with
// n requests takes C = F + turn + n c. As rate C of them gather during a turn,
//
//	C = (F + turn) / (1 - rate c),   latency = U C + C + W
//
// U is uniform where the loop is busy. W is the wait for a backend commit of length B: with chance
// B / (I + B), uniform up to B. A write on three members also waits for the quorum's follower and
// for the leader's next turn. One sent to a follower waits for that follower's loop, twice. A
// follower slower than the quorum holds up its own clients only. What etcd's own timeout answers
// first counts as TimedOut, and what a full db refuses as Refused.
func Estimate(c Cluster, l Load) (Prediction, error) {
	warnings, err := prepare(&c, &l)
	if err != nil {
		return Prediction{}, err
	}
	p := closedForm(c, l)
	p.Warnings = append(warnings, p.Warnings...)
	p.judge(l, newOffer(c, l))
	return p, nil
}

// closedForm makes an estimate of input that has its defaults, without a verdict.
func closedForm(c Cluster, l Load) Prediction {
	open := newMix(c, Load{Streams: l.Streams}, 0)
	rate := open.rate
	probe := newMix(c, l, math.Max(1, rate))
	if probe.reads > 0 {
		return c.estimateReads(l)
	}
	if probe.rate == 0 {
		p := Prediction{}
		p.aggregate(c, l, 0, 0)
		return p
	}
	most, _ := c.sustainable(probe, l.LeaderOnly)
	if l.Clients > 0 { // N = X L(X), by bisection
		rate += bisect(math.Max(0, most-rate), func(x float64) bool {
			return x*newTurn(&c, &probe, rate+x, l).perClient()/1e9 <= float64(l.Clients)
		})
	}
	rate = math.Min(rate, most)
	m := newMix(c, l, math.Max(0, rate-open.rate))
	t := newTurn(&c, &m, rate, l)
	if l.Clients > 0 { // at a limit they queue in front of it
		own := math.Max(1, rate-open.rate)
		t.queue = math.Max(0, float64(l.Clients)*1e9/own-t.perClient())
	}
	p := Prediction{
		Throughput: rate, Writes: rate,
		Fsync:         c.Disks[0].latency(),
		BackendCommit: Latency{Mean: capped(t.commit), P50: capped(t.commit)},
		Fsyncs:        t.fsyncs, OpsPerFsync: rate / math.Max(t.fsyncs, math.SmallestNonzeroFloat64),
	}
	p.BackendCommits = math.Min(rate, 1e9/(float64(c.BatchInterval)+t.commit))
	p.WALBytesOp = m.wal + float64(record(13+1+indexBytes))/math.Max(1, p.OpsPerFsync)
	p.WALBytes = rate * p.WALBytesOp
	p.HeartbeatsMissed = t.missed(&c)
	p.aggregate(c, l, rate, 0)
	p.answer(t)
	p.refuse(c, l)
	if c.stalls(m.wal * math.Max(1, p.OpsPerFsync)) {
		p.Elections = inFirstHour(c.hazards(&m, rate, l))
	}
	p.warn(c, l)
	return p
}

// latency returns the disk's own distribution.
func (d Disk) latency() Latency {
	return Latency{Mean: meanOf(d.Fsync), P50: quantileOf(d.Fsync, .5), P90: quantileOf(d.Fsync, .9),
		P99: quantileOf(d.Fsync, .99), P999: quantileOf(d.Fsync, .999), Max: quantileOf(d.Fsync, 1)}
}

// turn is the closed form's parts, in ns.
type turn struct {
	c        *Cluster
	rate     float64 // writes/s
	cycle    float64 // of the leader's loop
	busy     float64 // its share of time
	follower float64 // the cycle of the quorum's follower; 0 with one member
	commit   float64 // the backend's
	work     float64 // apply and answer
	fsyncs   float64 // per second
	remote   float64 // share of requests sent to followers
	fsync    float64 // the leader's mean
	queue    float64 // what closed clients wait for a part that is at its limit
	keeps    bool    // closed clients keep to their members
}

func newTurn(c *Cluster, m *mix, rate float64, l Load) *turn {
	d := newDiskMean(*c, 0)
	t := &turn{
		c: c, rate: rate, keeps: l.Clients > 0 && len(l.Streams) == 0 && !l.RoundRobin,
		fsync: d.fsync, commit: c.backendCommit(d, *m, rate), work: m.accept + m.apply + float64(c.CPU.Answer),
	}
	perEntry := (m.append + d.perByte*m.wal) * rate / 1e9
	fixed := d.fsync + m.gate
	t.cycle = fixed / math.Max(0.01, 1-perEntry)
	t.fsyncs = math.Min(rate, 1e9/t.cycle)
	t.busy = math.Min(1, t.fsyncs*t.cycle/1e9)
	// Arrivals come alone and gather only behind a save. A loop that is busy a share b of the time
	// starts rate (1 - b) + b / C turns.
	if idle := rate * t.cycle / 1e9; idle < 20 {
		t.fsyncs = rate / (1 + idle)
		t.busy = idle / (1 + idle)
	}
	if c.Members > 1 {
		t.follower = c.followerSave() + float64(c.RTT)
		if !l.LeaderOnly {
			t.remote = 1 - 1/float64(c.Members)
		}
	}
	return t
}

// path returns one request's time in ns. u is the place in the leader's turn at which it arrives,
// and w the place in a commit's period.
func (t *turn) path(fsync, u, w float64, remote bool) float64 {
	wait, shift := 0.0, fsync-t.fsync
	cycle := math.Max(0, t.cycle+shift)
	if u < t.busy {
		wait = t.cycle * u / t.busy
	}
	save := math.Max(cycle, t.follower)
	if t.follower > 0 { // the leader sees the quorum in its next turn
		save += t.busy * t.cycle
	}
	if remote {
		save += 2 * t.follower * t.busy
	}
	vacation := 0.0
	if share := t.commit / (float64(t.c.BatchInterval) + t.commit); w < share {
		vacation = t.commit * (1 - w/share)
	}
	return wait + save + vacation + t.work + t.queue
}

// mean returns the expectation of path.
func (t *turn) mean() float64 {
	save := math.Max(t.cycle, t.follower)
	if t.follower > 0 {
		save += t.busy * t.cycle
	}
	save += t.remote * 2 * t.follower * t.busy
	share := t.commit / (float64(t.c.BatchInterval) + t.commit)
	return t.busy*t.cycle/2 + save + share*t.commit/2 + t.work + t.queue
}

// latency returns the distribution of path over a grid of fdatasyncs, arrivals and commits, and the
// share that etcd's own timeout answers first, which is not in it.
func (t *turn) latency() (Latency, float64) {
	const steps = 5
	shares := [...]struct{ p, weight float64 }{{0.25, 0.5}, {0.7, 0.4}, {0.95, 0.09}, {0.994, 0.008}, {0.9995, 0.002}}
	s := spread{timeout: float64(t.c.requestTimeout())}
	lagging := t.lagging()
	near := t.remote - float64(len(lagging))/float64(t.c.Members) // sent to the quorum's followers
	for _, x := range shares {
		fsync := float64(quantileOf(t.c.Disks[0].Fsync, x.p))
		for i := range steps {
			u := (float64(i) + 0.5) / steps
			for j := range steps {
				w := (float64(j) + 0.5) / steps
				weight := x.weight / (steps * steps)
				s.add(t.path(fsync, u, w, false), weight*(1-t.remote))
				if near > 1e-9 {
					s.add(t.path(fsync, u, w, true), weight*near)
				}
			}
			for _, l := range lagging {
				s.add(t.behind(l.disk, x.p, u), x.weight/steps*l.share)
			}
		}
	}
	return s.latency(), s.late / s.all()
}

// spread holds weights of durations in 16 bins to a doubling.
type spread struct {
	weight  [37 << spreadScale]float64 // from shortest to longest
	max     float64                    // ns
	sum, of float64                    // of weights times ns, and of weights
	timeout float64                    // ns
	late    float64                    // weight of what lasts longer
}

const spreadScale histogram.Scale = 4

func (s *spread) add(ns, weight float64) {
	if ns > s.timeout {
		s.late += weight
		return
	}
	s.max, s.sum, s.of = math.Max(s.max, ns), s.sum+ns*weight, s.of+weight
	within := int64(math.Min(math.Max(ns, float64(shortest)), float64(longest)))
	s.weight[spreadScale.Bin(within)-spreadScale.Bin(shortest)] += weight
}

func (s *spread) all() float64 { return s.of + s.late }

// latency returns the distribution of what is not late.
func (s *spread) latency() Latency {
	if s.of < 1e-6*s.all() {
		return noSample
	}
	return Latency{
		Mean: capped(s.sum / s.of), Max: capped(s.max),
		P50: s.quantile(0.5), P90: s.quantile(0.9), P99: s.quantile(0.99), P999: s.quantile(0.999),
	}
}

func (s *spread) quantile(p float64) time.Duration {
	p *= s.of
	sum := 0.0
	for i, w := range &s.weight {
		if w == 0 || sum+w < p-1e-12 {
			sum += w
			continue
		}
		bin := spreadScale.Bin(shortest) + i
		low, high := float64(spreadScale.Floor(bin)), float64(spreadScale.Floor(bin+1))
		return capped(math.Min(s.max, low+(high-low)*(p-sum)/w))
	}
	return capped(s.max)
}

// missed returns the heartbeat intervals/s that saves longer than two intervals let pass.
func (t *turn) missed(c *Cluster) float64 {
	if c.Members == 1 {
		return 0
	}
	beats := t.cycle / float64(c.Heartbeat)
	if beats <= 2 {
		return 0
	}
	return t.fsyncs * (beats - 1)
}
