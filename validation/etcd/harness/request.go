package harness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/redline-go/redline/etcdmodel"
)

// A requester sends requests of one [etcdmodel.Op] to etcd, exactly as long as the op says.
type requester struct {
	op    etcdmodel.Op
	keys  int64
	run   string
	value string
	next  atomic.Int64
	lease clientv3.LeaseID
	seen  []atomic.Int64 // of a TxnUpdate: the mod revision of each key

	prepared map[string]*clientv3.PutResponse // of a TxnDelete: the keys to delete
	granted  []clientv3.LeaseID               // of a LeaseRevoke: the leases to revoke
}

var runs atomic.Int64

// newRequester prepares requests over a number of keys; 0 is a new key every time. Values do not
// compress.
func newRequester(op etcdmodel.Op, keys int) (*requester, error) {
	r := &requester{op: op, keys: int64(keys), run: fmt.Sprintf("%04d", runs.Add(1))}
	if op.Key < len(r.run)+minDigits && !leases(op.Kind) {
		return nil, fmt.Errorf("harness: Op.Key is %d, want >= %d to hold distinct keys", op.Key, len(r.run)+minDigits)
	}
	if op.Kind == etcdmodel.TxnUpdate {
		if keys <= 0 {
			return nil, fmt.Errorf("harness: keys is %d, want > 0 for a TxnUpdate", keys)
		}
		r.seen = make([]atomic.Int64, keys)
	}
	random := rand.New(rand.NewPCG(1, uint64(op.Value)))
	value := make([]byte, op.Value)
	for i := range value {
		value[i] = byte(random.Uint32())
	}
	r.value = string(value)
	return r, nil
}

// minDigits is the room for the number in a key.
const minDigits = 8

// key returns the i-th key: "k...", the run and the number.
func (r *requester) key(i int64) string {
	if r.keys > 0 {
		i %= r.keys
	}
	pad := max(r.op.Key-len(r.run)-minDigits, 0)
	return strings.Repeat("k", pad) + r.run + fmt.Sprintf("%0*d", minDigits, i)
}

// send sends the next request and waits for its answer.
func (r *requester) send(ctx context.Context, client *clientv3.Client) error {
	i := r.next.Add(1)
	key := r.key(i)
	var options []clientv3.OpOption
	if r.op.Lease {
		options = append(options, clientv3.WithLease(r.lease))
	}
	switch r.op.Kind {
	case etcdmodel.Put:
		_, err := client.Put(ctx, key, r.value, options...)
		return err
	case etcdmodel.TxnCreate:
		answer, err := client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", 0)).
			Then(clientv3.OpPut(key, r.value, options...)).Commit()
		if err == nil && !answer.Succeeded {
			return errExists
		}
		return err
	case etcdmodel.TxnUpdate:
		return r.update(ctx, client, key, &r.seen[i%r.keys])
	case etcdmodel.TxnConflict:
		_, err := client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", 1)).
			Then(clientv3.OpPut(key, r.value, options...)).Else(clientv3.OpGet(key)).Commit()
		return err
	case etcdmodel.Range, etcdmodel.SerializableRange:
		return r.get(ctx, client, i, key)
	}
	return r.sendRare(ctx, client, i, key)
}

// get reads as many neighbouring keys as the op says.
func (r *requester) get(ctx context.Context, client *clientv3.Client, i int64, key string) error {
	var options []clientv3.OpOption
	want := int64(1)
	if r.op.Kind == etcdmodel.SerializableRange {
		options = append(options, clientv3.WithSerializable())
	}
	if n := int64(r.op.Puts); n > 1 {
		first := int64(0)
		if spare := r.keys - n; spare > 0 {
			first = i * 7919 % (spare + 1)
		}
		key, want = r.key(first), n
		options = append(options, clientv3.WithRange(r.end(first+n)))
	}
	answer, err := client.Get(ctx, key, options...)
	if err == nil && answer.Count != want {
		return fmt.Errorf("harness: a range of %d keys returned %d", want, answer.Count)
	}
	return err
}

// end returns the key at which a range up to the i-th key ends.
func (r *requester) end(i int64) string {
	if i >= r.keys {
		return r.key(r.keys-1) + "\x00"
	}
	return r.key(i)
}

// populate writes the keys that ranges read.
func (r *requester) populate(ctx context.Context, client *clientv3.Client) error {
	if r.keys == 0 {
		r.keys = int64(max(r.op.Puts, 1))
	}
	perTxn := min(etcdmodel.MaxTxnOps, max(1, 1<<20/(len(r.value)+r.op.Key+1)))
	for first := int64(0); first < r.keys; first += int64(perTxn) {
		var puts []clientv3.Op
		for i := first; i < min(r.keys, first+int64(perTxn)); i++ {
			puts = append(puts, clientv3.OpPut(r.key(i), r.value))
		}
		if _, err := client.Txn(ctx).Then(puts...).Commit(); err != nil {
			return fmt.Errorf("harness: %w", err)
		}
	}
	return nil
}

// sendRare sends the kinds that no load of the grids consists of.
func (r *requester) sendRare(ctx context.Context, client *clientv3.Client, i int64, key string) (err error) {
	switch r.op.Kind {
	case etcdmodel.Delete:
		_, err = client.Delete(ctx, key)
	case etcdmodel.TxnDelete:
		var put *clientv3.PutResponse // Prepare wrote it
		if put = r.prepared[key]; put == nil {
			return fmt.Errorf("harness: %q was not prepared", key)
		}
		_, err = client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", put.Header.Revision)).
			Then(clientv3.OpDelete(key)).Else(clientv3.OpGet(key)).Commit()
	case etcdmodel.TxnPuts:
		var puts []clientv3.Op
		for n := range max(r.op.Puts, 1) {
			puts = append(puts, clientv3.OpPut(r.key(i*int64(r.op.Puts)+int64(n)), r.value))
		}
		_, err = client.Txn(ctx).Then(puts...).Commit()
	case etcdmodel.LeaseGrant:
		_, err = client.Grant(ctx, 3600)
	case etcdmodel.LeaseRevoke:
		if int(i) > len(r.granted) {
			return errors.New("harness: no lease left to revoke")
		}
		_, err = client.Revoke(ctx, r.granted[i-1])
	case etcdmodel.KeepAlive:
		_, err = client.KeepAliveOnce(ctx, r.lease)
	default:
		err = fmt.Errorf("harness: no request of kind %v", r.op.Kind)
	}
	return err
}

func leases(k etcdmodel.Kind) bool {
	return k == etcdmodel.LeaseGrant || k == etcdmodel.LeaseRevoke || k == etcdmodel.KeepAlive
}

// update sends kube-apiserver's transaction: compare, put, else range. The first of a key finds
// revision 0 and creates it.
func (r *requester) update(ctx context.Context, client *clientv3.Client, key string, seen *atomic.Int64) error {
	answer, err := client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", seen.Load())).
		Then(clientv3.OpPut(key, r.value)).Else(clientv3.OpGet(key)).Commit()
	if err != nil {
		return err
	}
	if answer.Succeeded {
		seen.Store(answer.Header.Revision)
		return nil
	}
	if kvs := answer.Responses[0].GetResponseRange().Kvs; len(kvs) > 0 { // another of this load's was faster
		seen.Store(kvs[0].ModRevision)
	}
	return nil
}

var errExists = errors.New("harness: the key of a create exists")
