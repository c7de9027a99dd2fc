package harness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/redline-go/redline/etcdmodel"
)

// Churn is a load that takes away what it adds. Rates are requests per second.
type Churn struct {
	Op      etcdmodel.Op // of a put; its key and value
	Live    int          // keys made before
	Creates float64
	Updates float64 // of keys that live, drawn at random
	Deletes float64
	Random  bool // deletes take any key; false: the oldest

	// TTL, at least 2 s, has every created key end with its lease, which PerLease keys share.
	TTL      time.Duration
	PerLease int
}

// Churned counts what a Churn did.
type Churned struct {
	Seconds                   float64
	Creates, Updates, Deletes int // that were answered
	Errors                    int
}

// churning is a Churn under way.
type churning struct {
	Churn
	c       *Cluster
	r       *requester
	mu      sync.Mutex
	random  *rand.Rand
	alive   []int64 // numbers of keys, the oldest first
	lease   clientv3.LeaseID
	onLease int
	next    int64

	created, updated, deleted, failed atomic.Int64
}

// StartChurn makes the keys that live before and returns a function that runs the load until its
// context ends.
func (c *Cluster) StartChurn(ctx context.Context, k Churn) (func(context.Context) Churned, error) {
	r, err := newRequester(k.Op, 0)
	if err != nil {
		return nil, err
	}
	w := &churning{Churn: k, c: c, r: r, random: rand.New(rand.NewPCG(5, 6))}
	const atOnce = 100
	for w.next < int64(k.Live) {
		var puts []clientv3.Op
		for range min(atOnce, int64(k.Live)-w.next) {
			puts = append(puts, clientv3.OpPut(r.key(w.next), r.value))
			w.alive = append(w.alive, w.next)
			w.next++
		}
		if _, err := c.Client(0).Txn(ctx).Then(puts...).Commit(); err != nil {
			return nil, fmt.Errorf("harness: churn: %w", err)
		}
	}
	return w.run, nil
}

func (w *churning) run(ctx context.Context) Churned {
	start := time.Now()
	var group sync.WaitGroup
	for _, x := range []struct {
		rate float64
		do   func(context.Context, *clientv3.Client) error
		n    *atomic.Int64
	}{{w.Creates, w.create, &w.created}, {w.Updates, w.update, &w.updated}, {w.Deletes, w.delete, &w.deleted}} {
		if x.rate > 0 {
			group.Go(func() { w.pace(ctx, x.rate, x.do, x.n) })
		}
	}
	group.Wait()
	return Churned{
		Seconds: time.Since(start).Seconds(), Creates: int(w.created.Load()), Updates: int(w.updated.Load()),
		Deletes: int(w.deleted.Load()), Errors: int(w.failed.Load()),
	}
}

// pace makes requests at regular intervals.
func (w *churning) pace(
	ctx context.Context, rate float64, do func(context.Context, *clientv3.Client) error, n *atomic.Int64,
) {
	var group sync.WaitGroup
	defer group.Wait()
	open, next := make(chan struct{}, mostOpen), time.Now()
	for i := 0; sleep(ctx, time.Until(next)) == nil; i++ {
		next = next.Add(time.Duration(float64(time.Second) / rate))
		open <- struct{}{}
		group.Go(func() {
			defer func() { <-open }()
			switch err := do(context.WithoutCancel(ctx), w.c.client[0][i%connections]); {
			case errors.Is(err, errNothing):
			case err != nil:
				w.failed.Add(1)
			default:
				n.Add(1)
			}
		})
	}
}

// errNothing is the error of an update or delete that finds no key.
var errNothing = errors.New("harness: no key lives")

func (w *churning) create(ctx context.Context, client *clientv3.Client) error {
	lease, err := w.leaseOfNext(ctx)
	if err != nil {
		return err
	}
	w.mu.Lock()
	number := w.next
	w.next++
	w.mu.Unlock()
	var options []clientv3.OpOption
	if lease != 0 {
		options = append(options, clientv3.WithLease(lease))
	}
	if _, err := client.Put(ctx, w.r.key(number), w.r.value, options...); err != nil {
		return err
	}
	if lease == 0 {
		w.mu.Lock()
		w.alive = append(w.alive, number)
		w.mu.Unlock()
	}
	return nil
}

// leaseOfNext returns the lease of the next key, a new one after PerLease keys; 0 without TTL.
func (w *churning) leaseOfNext(ctx context.Context) (clientv3.LeaseID, error) {
	if w.TTL == 0 {
		return 0, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lease == 0 || w.onLease >= w.PerLease {
		lease, err := w.c.Client(0).Grant(ctx, int64(w.TTL.Seconds()))
		if err != nil {
			return 0, err
		}
		w.lease, w.onLease = lease.ID, 0
	}
	w.onLease++
	return w.lease, nil
}

func (w *churning) update(ctx context.Context, client *clientv3.Client) error {
	w.mu.Lock()
	if len(w.alive) == 0 {
		w.mu.Unlock()
		return errNothing
	}
	number := w.alive[w.random.IntN(len(w.alive))]
	w.mu.Unlock()
	_, err := client.Put(ctx, w.r.key(number), w.r.value)
	return err
}

func (w *churning) delete(ctx context.Context, client *clientv3.Client) error {
	w.mu.Lock()
	if len(w.alive) == 0 {
		w.mu.Unlock()
		return errNothing
	}
	if w.Random {
		i := w.random.IntN(len(w.alive))
		w.alive[0], w.alive[i] = w.alive[i], w.alive[0]
	}
	number := w.alive[0]
	w.alive = w.alive[1:]
	w.mu.Unlock()
	_, err := client.Delete(ctx, w.r.key(number))
	return err
}

// State returns the database of a member as its page and its answers show it.
func (c *Cluster) State(ctx context.Context) (etcdmodel.State, error) {
	m, err := c.Metrics(0)
	if err != nil {
		return etcdmodel.State{}, err
	}
	return etcdmodel.State{
		Version:   c.Model(),
		Total:     int64(m.Value("etcd_mvcc_db_total_size_in_bytes")),
		InUse:     int64(m.Value("etcd_mvcc_db_total_size_in_use_in_bytes")),
		Keys:      int(m.Value("etcd_debugging_mvcc_keys_total")),
		Revision:  int64(m.Value("etcd_debugging_mvcc_current_revision")),
		Compacted: int64(m.Value("etcd_debugging_mvcc_compact_revision")), // -1: never
	}, nil
}

// Defragmented is one defragmentation.
type Defragmented struct {
	Took          time.Duration // as the client sees it
	Before, After float64       // bytes of the file
}

// Defragment rewrites the db file of a member.
func (c *Cluster) Defragment(ctx context.Context, member int) (Defragmented, error) {
	const size = "etcd_mvcc_db_total_size_in_bytes"
	before, err := c.Metrics(member)
	if err != nil {
		return Defragmented{}, err
	}
	start := time.Now()
	if _, err := c.Client(member).Defragment(ctx, c.URLs[member]); err != nil {
		return Defragmented{}, fmt.Errorf("harness: defragment: %w", err)
	}
	took := time.Since(start)
	after, err := c.Metrics(member)
	return Defragmented{Took: took, Before: before.Value(size), After: after.Value(size)}, err
}
