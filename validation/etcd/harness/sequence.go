package harness

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/redline-go/redline/etcdmodel"
)

// After these the counters stand still: of the WAL, and of the backend, which commits every 100 ms.
const (
	settleWAL = 40 * time.Millisecond
	settleDB  = 350 * time.Millisecond
)

// Bytes is what requests cost, sent one after the other.
type Bytes struct {
	WAL, InUse, Total float64 // bytes a request
	Fsyncs, Proposals float64 // a request
}

// Sequence sends n requests of an op to a single member, each after the answer to the one before, and counts. What the
// requests need - keys to delete, leases to renew or revoke - is made before.
func (c *Cluster) Sequence(ctx context.Context, op etcdmodel.Op, n int) (Bytes, error) {
	r, err := c.prepare(ctx, op, n)
	if err != nil {
		return Bytes{}, err
	}
	time.Sleep(settleWAL)
	before, err := c.Metrics(0)
	if err != nil {
		return Bytes{}, err
	}
	for range n {
		if err := r.send(ctx, c.Client(0)); err != nil {
			return Bytes{}, fmt.Errorf("harness: %v: %w", op.Kind, err)
		}
	}
	time.Sleep(settleWAL)
	return c.bytesSince(before, n)
}

// Fill puts n new keys with several clients at once, and counts.
func (c *Cluster) Fill(ctx context.Context, op etcdmodel.Op, n, clients int) (Bytes, error) {
	r, err := c.prepare(ctx, op, n)
	if err != nil {
		return Bytes{}, err
	}
	time.Sleep(settleDB)
	before, err := c.Metrics(0)
	if err != nil {
		return Bytes{}, err
	}
	errs := make(chan error, clients)
	for i := range clients {
		go func() {
			var err error
			for k := i; k < n && err == nil; k += clients {
				err = r.send(ctx, c.client[0][i%connections])
			}
			errs <- err
		}()
	}
	for range clients {
		if e := <-errs; e != nil {
			err = e
		}
	}
	if err != nil {
		return Bytes{}, fmt.Errorf("harness: %v: %w", op.Kind, err)
	}
	time.Sleep(settleDB)
	return c.bytesSince(before, n)
}

func (c *Cluster) bytesSince(before Metrics, n int) (Bytes, error) {
	after, err := c.Metrics(0)
	if err != nil {
		return Bytes{}, err
	}
	per := func(name string) float64 { return (after.Value(name) - before.Value(name)) / float64(n) }
	b := Bytes{
		WAL:       per("etcd_disk_wal_write_bytes_total") / c.Model().WALMetric(),
		InUse:     per("etcd_mvcc_db_total_size_in_use_in_bytes"),
		Total:     per("etcd_mvcc_db_total_size_in_bytes"),
		Fsyncs:    after.Since(before, "etcd_disk_wal_fsync_duration_seconds").N / float64(n),
		Proposals: per("etcd_server_proposals_committed_total"),
	}
	return b, nil
}

// prepare makes what n requests of an op need.
func (c *Cluster) prepare(ctx context.Context, op etcdmodel.Op, n int) (*requester, error) {
	keys := 0
	if op.Kind == etcdmodel.TxnUpdate {
		keys = n
	}
	r, err := c.requester(ctx, op, keys)
	if err != nil {
		return nil, err
	}
	switch op.Kind {
	case etcdmodel.TxnUpdate: // its first round creates
		for range n {
			if err := r.send(ctx, c.Client(0)); err != nil {
				return nil, err
			}
		}
	case etcdmodel.TxnDelete:
		r.prepared = map[string]*clientv3.PutResponse{}
		for i := range int64(n) {
			k := r.key(i + 1)
			if r.prepared[k], err = c.Client(0).Put(ctx, k, ""); err != nil {
				return nil, err
			}
		}
	case etcdmodel.KeepAlive:
		lease, err := c.Client(0).Grant(ctx, 3600)
		if err != nil {
			return nil, err
		}
		r.lease = lease.ID
	case etcdmodel.LeaseRevoke:
		for range n {
			lease, err := c.Client(0).Grant(ctx, 3600)
			if err != nil {
				return nil, err
			}
			r.granted = append(r.granted, lease.ID)
		}
	}
	return r, nil
}
