package cascade

import (
	"context"
	"time"

	"github.com/redline-go/redline/internal/vtime"
	"github.com/redline-go/redline/scheduler/retry"
)

// Run lets the scenario happen. It is a function of its argument alone: the same scenario gives the same bytes. Errors
// name the field of the scenario that cannot be; a cancelled context ends the run early with the context's error.
func Run(ctx context.Context, s Scenario) (*Result, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	s = s.WithDefaults()
	p, err := newPlane(&s, true)
	if err != nil {
		return nil, err
	}
	if err := p.runUntil(ctx); err != nil {
		return nil, err
	}
	r := &Result{Scenario: s, Timeline: p.rec.timeline, Grid: s.Grid, Verdict: p.verdict()}
	r.Totals, r.Warnings = p.totals()
	if s.Name == incidentName {
		r.Observables = observe(&s, &r.Totals, r.Verdict)
	}
	for q := range p.rec.series {
		r.Series = append(r.Series, Series{Name: quantityNames[q][0], Unit: quantityNames[q][1], Values: p.rec.series[q]})
	}
	return r, nil
}

// Judge is Run for the verdict and the totals alone, without timeline, series and observables: for sweeps.
func Judge(ctx context.Context, s Scenario) (Verdict, Totals, error) {
	if err := s.Check(); err != nil {
		return Verdict{}, Totals{}, err
	}
	return judge(ctx, s)
}

// runUntil runs in slices of ten minutes, so that a context can end it.
func (p *plane) runUntil(ctx context.Context) error {
	end := p.end
	for p.end = 0; p.end < end; {
		if err := ctx.Err(); err != nil {
			return err
		}
		p.end = min(p.end+10*time.Minute, end)
		p.run()
	}
	return p.err
}

// newPlane is the cluster at rest.
func newPlane(s *Scenario, keep bool) (*plane, error) {
	p := &plane{s: s, end: s.Length, observe: s.Observe}
	p.lines = [...]*vtime.Line{&p.patience10, &p.patienceElect, &p.etcdDeadline, &p.probes, &p.answers, &p.reads60, &p.writes34}
	p.firstLine = -1
	p.kubeletDraws.Reset(s.Seed, "kubelet")
	p.electionDraws.Reset(s.Seed, "election")
	p.probeDraws.Reset(s.Seed, "probe")
	p.wakeDraws.Reset(s.Seed, "wake")
	p.podDraws.Reset(s.Seed, "pod")
	p.rec.reset(s, keep)
	var err error
	if p.store, err = newEtcd(p, s); err != nil {
		return nil, err
	}
	p.breaker = s.LeaseBreaker > 0 || s.LeaseBreaker == 0 && s.Version != retry.V1_29
	q, err := retry.NewQueue(retry.Config{Version: s.Version})
	if err != nil {
		return nil, err
	}
	p.pods = q
	p.servers = make([]server, s.Servers)
	p.etcdLeases = make([]etcdLease, 0, 1024) // hours of them
	for i := range p.servers {
		p.servers[i].openLanes()
	}
	p.life.limit, p.rs.limit, p.evictLimit = newLimiter(20, 30), newLimiter(20, 30), newLimiter(20, 30)
	p.rs.want, p.rs.have, p.rs.quota = s.Workload.start(), s.Workload.start(), s.Workload.quota()
	p.running, p.roomFor, p.rules = s.Workload.start(), s.Workload.Room, newRules(s)
	p.writers = [2]endpointsWriter{{limit: newLimiter(20, 30), why: forSlice, posted: p.running}, {limit: newLimiter(20, 30), why: forEndpoints, posted: p.running}}
	for i := range p.electors {
		p.electors[i] = elector{alive: true, leading: true, working: true}
	}
	p.startNodes()
	p.room()
	if err := p.startAutoscaler(); err != nil {
		return nil, err
	}
	p.quiet = true
	p.queue.Push(0, evSchedule, 0, 0)
	p.queue.Push(s.Grid, evGrid, 0, 0)
	for i, a := range s.Actions {
		p.queue.Push(a.At, evAction, int32(i), 0)
	}
	if s.Etcd.Fsync > quietFsync {
		p.wake()
	}
	return p, nil
}

func (p *plane) startNodes() {
	s := p.s
	p.kubelets, p.nodes, p.kubeletLimits = make([]kubelet, s.Nodes), make([]node, s.Nodes), make([]limiter, s.Nodes)
	p.away = make([]away, s.Nodes)
	p.life.order, p.life.tainting = make([]int32, s.Nodes), make([]int32, 0, s.Nodes)
	for i := range p.life.order {
		j := p.probeDraws.Below(i + 1)
		p.life.order[i] = p.life.order[j]
		p.life.order[j] = int32(i)
	}
	for i := range p.nodes {
		n, k := &p.nodes[i], &p.kubelets[i]
		n.serving = int32((s.Workload.start() + s.Nodes - 1 - i) / s.Nodes)
		n.pods = n.serving + int32(s.OtherPods)
		p.kubeletLimits[i] = newLimiter(50, 100)
		k.due = time.Duration(p.kubeletDraws.Float() * float64(s.Leases.Renew))
		k.reported = -time.Duration(p.kubeletDraws.Float() * 1.02 * float64(statusReport))
		if s.Uptime > 0 {
			k.reported = -(s.Uptime+k.due)%(statusReport+statusPeriod/2) - k.due%statusPeriod
		}
	}
}

// fsync is how long a fsync of the WAL takes now.
func (p *plane) fsync() time.Duration { return p.store.fsync() }

// etcdTimeout is etcd's own limit on a request (server/config/config.go, ReqTimeout: 5 s and two election timeouts).
const etcdTimeout = 7 * time.Second

func (p *plane) etcdIdle() bool { return p.store.idle() }

// requestOverhead is what client, API server and network add to a request: half of the 5 ms a PUT took on a 1 ms disk in
// the replays is etcd's.
const requestOverhead = 2500 * time.Microsecond

// quietLatency is a write's latency while nothing queues: half a save to wait for, the save, and its share of the
// backend's commits, each two fsyncs after every 100 ms.
func (p *plane) quietLatency() time.Duration { return restLatency(p.fsync()) }

func restLatency(fsync time.Duration) time.Duration {
	f := fsync.Seconds()
	b := 2 * f
	return requestOverhead + time.Duration((1.5*f+b*b/(2*(0.1+b)))*float64(time.Second))
}

// fsyncOf is how long a fsync takes of the etcd that holds such objects: of one of their own the disk stays healthy.
func (p *plane) fsyncOf(why purpose) time.Duration {
	if p.elsewhere(why) {
		return p.s.Etcd.Fsync
	}
	return p.fsync()
}

// latencyOf is that etcd's latency while nothing queues there.
func (p *plane) latencyOf(why purpose) time.Duration { return restLatency(p.fsyncOf(why)) }

// writeLatency is that of the last write that the cluster's own etcd answered.
func (p *plane) writeLatency() time.Duration { return max(p.lastWrite, requestOverhead) }
