package harness

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/redline-go/redline/etcdmodel"
)

// maxInFlight bounds the open requests of one run; beyond it arrivals count as errors.
const maxInFlight = 20_000

// Measured holds etcd's figures in the measured part of a run.
type Measured struct {
	Seconds  float64
	Answered int // requests answered in the window
	// requests answered from before the counters' first reading to after the second: no fewer than
	// they counted, but for those under way
	Around     int
	All        int             // requests answered from the first to the last, before and after the window too
	Errors     int             // requests that failed in the window
	Throughput float64         // answered per second
	Latency    []time.Duration // ascending; open: from the scheduled arrival of those that arrived in the window

	// Of the leader.
	WALBytesOp     float64
	OpsPerFsync    float64
	Fsync, Commit  Histogram // WAL fdatasyncs, backend commits
	DBGrowthOp     float64   // bytes of db file per proposal
	LateHeartbeats float64   // all members
	LeaderChanges  float64   // most that a member saw
	Proposals      float64
}

// Quantile returns the latency within which a share p of the requests were answered.
func (m Measured) Quantile(p float64) time.Duration {
	if len(m.Latency) == 0 {
		return 0
	}
	return m.Latency[min(int(p*float64(len(m.Latency))), len(m.Latency)-1)]
}

// Mean returns the mean latency.
func (m Measured) Mean() time.Duration {
	var sum time.Duration
	for _, l := range m.Latency {
		sum += l
	}
	return time.Duration(ratio(float64(sum), float64(len(m.Latency))))
}

// A recorder collects the answers of the measured window.
type recorder struct {
	mu      sync.Mutex
	latency []time.Duration
	errors  int
	answers atomic.Int64 // all of them, measured or not
}

func (r *recorder) add(since time.Time, measured bool, err error) {
	latency := time.Since(since)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.answers.Add(1)
	}
	switch {
	case !measured:
	case err != nil:
		r.errors++
	default:
		r.latency = append(r.latency, latency)
	}
}

// Run drives a cluster with a load for a warm-up and then for the time measured, and reports on
// the latter.
func (c *Cluster) Run(ctx context.Context, load etcdmodel.Load, warm, measured time.Duration) (Measured, error) {
	leader, err := c.Leader(ctx)
	if err != nil {
		return Measured{}, err
	}
	var rec recorder
	var measuring atomic.Bool
	var group sync.WaitGroup
	running, stop := context.WithCancel(ctx)
	defer group.Wait()
	defer stop()
	for _, s := range load.Streams {
		r, err := c.requester(ctx, s.Op, s.Keys)
		if err != nil {
			return Measured{}, err
		}
		group.Go(func() { c.open(running, s.Rate, r, c.clients(load, leader), &rec, &measuring) })
	}
	if load.Clients > 0 {
		r, err := c.requester(ctx, load.Op, load.Keys)
		if err != nil {
			return Measured{}, err
		}
		clients := c.clients(load, leader)
		for i := range load.Clients {
			group.Go(func() { closed(running, r, clients[i%len(clients)], &rec, &measuring) })
		}
	}
	if err := sleep(ctx, warm); err != nil {
		return Measured{}, err
	}
	around := rec.answers.Load()
	before, err := c.readAll()
	if err != nil {
		return Measured{}, err
	}
	answers, start := rec.answers.Load(), time.Now()
	measuring.Store(true)
	err = sleep(ctx, measured)
	measuring.Store(false)
	answers, seconds := rec.answers.Load()-answers, time.Since(start).Seconds()
	if err != nil {
		return Measured{}, err
	}
	after, err := c.readAll()
	if err != nil {
		return Measured{}, err
	}
	around = rec.answers.Load() - around
	stop()
	group.Wait()
	m := report(before, after, leader)
	if c.Model() == etcdmodel.V3_5 {
		m.WALBytesOp /= c.Model().WALMetric() // too much where batches exceed the page writer's 128 KiB: those count once
	}
	m.Seconds, m.Answered, m.Errors, m.Throughput = seconds, int(answers), rec.errors, float64(answers)/seconds
	m.Around, m.All = int(around), int(rec.answers.Load())
	m.Latency = rec.latency
	sort.Slice(m.Latency, func(i, j int) bool { return m.Latency[i] < m.Latency[j] })
	return m, nil
}

// requester prepares the requests of one op, with a lease if they need one.
func (c *Cluster) requester(ctx context.Context, op etcdmodel.Op, keys int) (*requester, error) {
	r, err := newRequester(op, keys)
	if err != nil {
		return nil, err
	}
	if op.Kind == etcdmodel.Range || op.Kind == etcdmodel.SerializableRange {
		return r, r.populate(ctx, c.Client(0))
	}
	if !op.Lease {
		return r, nil
	}
	lease, err := c.Client(0).Grant(ctx, 3600)
	if err != nil {
		return nil, fmt.Errorf("harness: %w", err)
	}
	r.lease = lease.ID
	return r, nil
}

// clients returns the connections that a load uses, member by member in turn.
func (c *Cluster) clients(load etcdmodel.Load, leader int) []*clientv3.Client {
	if load.LeaderOnly {
		return c.client[leader]
	}
	var all []*clientv3.Client
	for i := range connections {
		for member := range c.client {
			all = append(all, c.client[member][i])
		}
	}
	return all
}

// closed sends, waits and sends again.
func closed(ctx context.Context, r *requester, client *clientv3.Client, rec *recorder, measuring *atomic.Bool) {
	for ctx.Err() == nil {
		start, in := time.Now(), measuring.Load()
		requestContext, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		err := r.send(requestContext, client)
		cancel()
		rec.add(start, in && measuring.Load(), err) // began and ended in the window
		if err != nil {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// open sends at the arrivals of a Poisson process, whether or not the earlier requests were
// answered. Latency counts from the arrival, so that a driver that falls behind does not hide the
// time that a request would have waited.
func (c *Cluster) open(
	ctx context.Context, rate float64, r *requester, clients []*clientv3.Client, rec *recorder,
	measuring *atomic.Bool,
) {
	if rate <= 0 {
		return
	}
	random := rand.New(rand.NewPCG(2, uint64(runs.Load())))
	var inFlight atomic.Int64
	var group sync.WaitGroup
	defer group.Wait()
	next := time.Now()
	for i := 0; ctx.Err() == nil; i++ {
		next = next.Add(time.Duration(random.ExpFloat64() / rate * float64(time.Second)))
		if sleep(ctx, time.Until(next)) != nil {
			return
		}
		arrived, in := next, measuring.Load()
		if inFlight.Load() >= maxInFlight {
			rec.add(arrived, in, errFull)
			continue
		}
		inFlight.Add(1)
		group.Go(func() {
			requestContext, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
			defer cancel()
			rec.add(arrived, in, r.send(requestContext, clients[i%len(clients)]))
			inFlight.Add(-1)
		})
	}
}

var errFull = fmt.Errorf("harness: %d requests in flight", maxInFlight)

// readAll reads the metrics of all members.
func (c *Cluster) readAll() ([]Metrics, error) {
	var all []Metrics
	for i := range c.URLs {
		m, err := c.Metrics(i)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// report returns the figures of the server's counters between two readings.
func report(before, after []Metrics, leader int) Measured {
	a, b := before[leader], after[leader]
	delta := func(name string) float64 { return b.Value(name) - a.Value(name) }
	m := Measured{
		Fsync:     b.Since(a, "etcd_disk_wal_fsync_duration_seconds"),
		Commit:    b.Since(a, "etcd_disk_backend_commit_duration_seconds"),
		Proposals: delta("etcd_server_proposals_committed_total"),
	}
	m.WALBytesOp = ratio(delta("etcd_disk_wal_write_bytes_total"), m.Proposals)
	m.OpsPerFsync = ratio(m.Proposals, m.Fsync.N)
	m.DBGrowthOp = ratio(delta("etcd_mvcc_db_total_size_in_bytes"), m.Proposals)
	for i := range after {
		m.LateHeartbeats += after[i].Value(
			"etcd_server_heartbeat_send_failures_total",
		) - before[i].Value("etcd_server_heartbeat_send_failures_total")
		m.LeaderChanges = max(
			m.LeaderChanges,
			after[i].Value("etcd_server_leader_changes_seen_total")-before[i].Value("etcd_server_leader_changes_seen_total"),
		)
	}
	return m
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
