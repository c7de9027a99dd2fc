package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/redline-go/redline/etcdmodel"
)

// flush returns when everything that was answered before is in the db file and in the counters,
// however long the disk takes. The end of a lease forces a commit of the backend inside the apply
// loop (batch_tx.go: Unlock), behind all that was applied before, and is answered after it.
func (c *Cluster) flush(ctx context.Context, lease clientv3.LeaseID) error {
	if _, err := c.Client(0).Revoke(ctx, lease); err != nil {
		return fmt.Errorf("harness: flush: %w", err)
	}
	return nil
}

// forFlush grants a lease to end. It is granted before, since a full db grants none.
func (c *Cluster) forFlush(ctx context.Context) (clientv3.LeaseID, error) {
	lease, err := c.Client(0).Grant(ctx, 3600)
	if err != nil {
		return 0, fmt.Errorf("harness: flush: %w", err)
	}
	return lease.ID, nil
}

// still reads a member's metrics when the WAL's counters stand still. An answered request may be
// written a moment later, with what the leader notes of it.
func (c *Cluster) still(ctx context.Context, member int) (Metrics, error) {
	const pause = 40 * time.Millisecond
	last, err := c.Metrics(member)
	for err == nil {
		if err = sleep(ctx, pause); err != nil {
			break
		}
		var now Metrics
		if now, err = c.Metrics(member); err == nil && now.Value(walBytes) == last.Value(walBytes) &&
			now.Value(committed) == now.Value(applied) {
			return now, nil
		}
		last = now
	}
	return nil, err
}

const (
	walBytes  = "etcd_disk_wal_write_bytes_total"
	committed = "etcd_server_proposals_committed_total"
	applied   = "etcd_server_proposals_applied_total"
)

// Bytes holds the cost of requests that are sent one after the other.
type Bytes struct {
	WAL, InUse, Total float64 // bytes a request
	Fsyncs, Proposals float64 // a request
}

// Sequence sends n requests of an op to a single member, each after the answer to the one before,
// and counts. It first makes what the requests need: keys to delete, leases to renew or revoke.
func (c *Cluster) Sequence(ctx context.Context, op etcdmodel.Op, n int) (Bytes, error) {
	r, err := c.prepare(ctx, op, n)
	if err != nil {
		return Bytes{}, err
	}
	before, err := c.still(ctx, 0)
	if err != nil {
		return Bytes{}, err
	}
	for range n {
		if err := r.send(ctx, c.Client(0)); err != nil {
			return Bytes{}, fmt.Errorf("harness: %v: %w", op.Kind, err)
		}
	}
	after, err := c.still(ctx, 0)
	if err != nil {
		return Bytes{}, err
	}
	return c.bytes(before, after, n), nil
}

// Fill puts n new keys with several clients at once, and counts.
func (c *Cluster) Fill(ctx context.Context, op etcdmodel.Op, n, clients int) (Bytes, error) {
	r, err := c.prepare(ctx, op, n)
	if err != nil {
		return Bytes{}, err
	}
	var ends [4]clientv3.LeaseID
	for i := range ends {
		if ends[i], err = c.forFlush(ctx); err != nil {
			return Bytes{}, err
		}
	}
	// Twice: the pages that one commit frees are in use until the next.
	if err := errors.Join(c.flush(ctx, ends[0]), c.flush(ctx, ends[1])); err != nil {
		return Bytes{}, err
	}
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
	if err := errors.Join(c.flush(ctx, ends[2]), c.flush(ctx, ends[3])); err != nil {
		return Bytes{}, err
	}
	after, err := c.Metrics(0)
	if err != nil {
		return Bytes{}, err
	}
	return c.bytes(before, after, n), nil
}

// bytes returns the cost of n requests between two readings.
func (c *Cluster) bytes(before, after Metrics, n int) Bytes {
	per := func(name string) float64 { return (after.Value(name) - before.Value(name)) / float64(n) }
	return Bytes{
		WAL:       per(walBytes) / c.Model().WALMetric(),
		InUse:     per("etcd_mvcc_db_total_size_in_use_in_bytes"),
		Total:     per("etcd_mvcc_db_total_size_in_bytes"),
		Fsyncs:    after.Since(before, "etcd_disk_wal_fsync_duration_seconds").N / float64(n),
		Proposals: per(committed),
	}
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
