package harness

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// A Mix is the load of a kube-apiserver: creates, updates and deletes by transactions, keys that
// end with their leases, and reads. Rates are requests per second, as Poisson processes.
type Mix struct {
	Creates, Updates, Deletes, Leased, Reads float64

	Key, Value, Updated int // bytes of a key, of a value created and of one updated
	Keys                int // that are updated
	// Each lease has PerLease keys and is granted for TTL.
	TTL      time.Duration
	PerLease int
}

// A Mixing is a Mix under way.
type Mixing struct {
	Mix
	c     *Cluster
	value string
	// updatedTo is the value of updates.
	updatedTo string
	stop      func()
	group     sync.WaitGroup
	rec       recorder
	// measuring has writes recorded.
	measuring atomic.Bool
	failed    atomic.Int64

	mu      sync.Mutex
	next    int
	alive   []revised // that a delete may take, the oldest first
	updated []revised
	lease   atomic.Int64 // for the keys that come now
}

// revised is a key at a revision.
type revised struct {
	key      string
	revision int64
}

// StartMix starts a mix and returns it when the keys that it updates are there.
func (c *Cluster) StartMix(ctx context.Context, k Mix) (*Mixing, error) {
	m := &Mixing{Mix: k, c: c, value: noise(k.Value), updatedTo: noise(k.Updated)}
	for range k.Keys {
		key := m.fresh()
		answer, err := c.Client(0).Put(ctx, key, m.updatedTo)
		if err != nil {
			return nil, fmt.Errorf("harness: mix: %w", err)
		}
		m.updated = append(m.updated, revised{key, answer.Header.Revision})
	}
	running, stop := context.WithCancel(ctx)
	m.stop = stop
	if k.Leased > 0 {
		if err := m.grant(ctx); err != nil {
			return nil, fmt.Errorf("harness: mix: %w", err)
		}
		m.group.Go(func() { m.granting(running) })
	}
	for i, x := range []struct {
		rate  float64
		write bool
		do    func(context.Context, *clientv3.Client) error
	}{
		{k.Creates, true, m.create}, {k.Updates, true, m.update}, {k.Deletes, true, m.delete}, {k.Leased, true, m.leased},
		{k.Reads, false, m.read},
	} {
		if x.rate > 0 {
			m.group.Go(func() { m.pace(running, rand.New(rand.NewPCG(7, uint64(i))), x.rate, x.write, x.do) })
		}
	}
	return m, nil
}

// noise returns bytes that do not compress.
func noise(n int) string {
	random := rand.New(rand.NewPCG(3, 4))
	value := make([]byte, n)
	for i := range value {
		value[i] = byte(random.Uint32())
	}
	return string(value)
}

// Stop ends the mix.
func (m *Mixing) Stop() {
	m.stop()
	m.group.Wait()
}

// Wait lets the mix run for a time.
func (m *Mixing) Wait(ctx context.Context, d time.Duration) error { return sleep(ctx, d) }

// Measure records the latency of the writes that arrive within a time.
func (m *Mixing) Measure(ctx context.Context, d time.Duration) (Measured, error) {
	m.measuring.Store(true)
	err := sleep(ctx, d)
	m.measuring.Store(false)
	m.Stop()
	if n := m.failed.Load(); n > 0 && err == nil {
		err = fmt.Errorf("harness: mix: %d requests failed", n)
	}
	sort.Slice(m.rec.latency, func(i, j int) bool { return m.rec.latency[i] < m.rec.latency[j] })
	return Measured{Seconds: d.Seconds(), Latency: m.rec.latency, Errors: m.rec.errors}, err
}

func (m *Mixing) pace(
	ctx context.Context, random *rand.Rand, rate float64, write bool, do func(context.Context, *clientv3.Client) error,
) {
	var group sync.WaitGroup
	defer group.Wait()
	next := time.Now()
	for i := 0; ; i++ {
		next = next.Add(time.Duration(random.ExpFloat64() / rate * float64(time.Second)))
		if sleep(ctx, time.Until(next)) != nil {
			return
		}
		arrived, in := next, write && m.measuring.Load()
		group.Go(func() {
			request, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
			defer cancel()
			err := do(request, m.c.client[0][i%connections])
			if err != nil {
				m.failed.Add(1)
			}
			m.rec.add(arrived, in, err)
		})
	}
}

// fresh returns a key that was not there.
func (m *Mixing) fresh() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next++
	n := fmt.Sprintf("%08d", m.next)
	return strings.Repeat("m", max(m.Key-len(n), 0)) + n
}

func (m *Mixing) create(ctx context.Context, client *clientv3.Client) error {
	key := m.fresh()
	revision, err := m.put(ctx, client, key, m.value, 0)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.alive = append(m.alive, revised{key, revision})
	return nil
}

// put writes a key if it is at a revision, and returns the new one.
func (m *Mixing) put(
	ctx context.Context, client *clientv3.Client, key, value string, at int64, options ...clientv3.OpOption,
) (int64, error) {
	txn := client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", at)).
		Then(clientv3.OpPut(key, value, options...))
	if at > 0 {
		txn = txn.Else(clientv3.OpGet(key))
	}
	answer, err := txn.Commit()
	if err != nil {
		return 0, err
	}
	return answer.Header.Revision, nil
}

// take removes the oldest of some keys; it reports false where there is none.
func (m *Mixing) take(from *[]revised) (revised, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(*from) == 0 {
		return revised{}, false
	}
	one := (*from)[0]
	*from = (*from)[1:]
	return one, true
}

func (m *Mixing) update(ctx context.Context, client *clientv3.Client) error {
	one, ok := m.take(&m.updated)
	if !ok {
		return nil // all are being updated
	}
	revision, err := m.put(ctx, client, one.key, m.updatedTo, one.revision)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.updated = append(m.updated, revised{one.key, revision})
	return nil
}

func (m *Mixing) delete(ctx context.Context, client *clientv3.Client) error {
	one, ok := m.take(&m.alive)
	if !ok {
		return nil
	}
	_, err := client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(one.key), "=", one.revision)).
		Then(clientv3.OpDelete(one.key)).Else(clientv3.OpGet(one.key)).Commit()
	return err
}

// leased creates a key that ends with its lease.
func (m *Mixing) leased(ctx context.Context, client *clientv3.Client) error {
	_, err := m.put(ctx, client, m.fresh(), m.value, 0, clientv3.WithLease(clientv3.LeaseID(m.lease.Load())))
	return err
}

// grant grants a lease.
func (m *Mixing) grant(ctx context.Context) error {
	grant, err := m.c.Client(0).Grant(ctx, int64(m.TTL/time.Second))
	if err == nil {
		m.lease.Store(int64(grant.ID))
	}
	return err
}

// granting grants the next lease each time that one has as many keys as it should.
func (m *Mixing) granting(ctx context.Context) {
	every := time.NewTicker(time.Duration(float64(m.PerLease) / m.Leased * float64(time.Second)))
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		if err := m.grant(context.WithoutCancel(ctx)); err != nil {
			m.failed.Add(1)
		}
	}
}

func (m *Mixing) read(ctx context.Context, client *clientv3.Client) error {
	_, err := client.Get(ctx, "m")
	return err
}
