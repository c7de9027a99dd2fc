package etcd

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/harness"
	"github.com/redline-go/redline/validation/etcd/server"
)

// A fullRequest is one request as Kubernetes makes it, at the quota.
type fullRequest struct {
	name string
	op   etcdmodel.Op // what the model is asked; none: it has no such class
	send func(ctx context.Context, c *clientv3.Client, n int) error
	on   bool // goes on under the alarm
}

// key returns the n-th key that was made before the quota.
func keyNo(n int) string { return fmt.Sprintf("/registry/pods/%038d", n) }

func fullRequests(leases []clientv3.LeaseID) []fullRequest {
	update := func(ctx context.Context, c *clientv3.Client, n int, then ...clientv3.Op) error {
		now, err := c.Get(ctx, keyNo(n))
		if err != nil {
			return err
		}
		if len(now.Kvs) == 0 {
			return errors.New("no such key")
		}
		_, err = c.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(keyNo(n)), "=", now.Kvs[0].ModRevision)).
			Then(then...).Else(clientv3.OpGet(keyNo(n))).Commit()
		return err
	}
	return []fullRequest{
		{"read", etcdmodel.Op{Kind: etcdmodel.Range, Key: key}, func(ctx context.Context, c *clientv3.Client, n int) error {
			_, err := c.Get(ctx, keyNo(n))
			return err
		}, true},
		{"put", etcdmodel.Op{Kind: etcdmodel.Put, Key: key, Value: 9},
			func(ctx context.Context, c *clientv3.Client, n int) error {
				_, err := c.Put(ctx, keyNo(n), "something")
				return err
			}, false},
		{"create: compare, put", etcdmodel.Op{Kind: etcdmodel.TxnCreate, Key: key, Value: 9},
			func(ctx context.Context, c *clientv3.Client, n int) error {
				_, err := c.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(fmt.Sprint("new", n)), "=", 0)).
					Then(clientv3.OpPut(fmt.Sprint("new", n), "something")).Commit()
				return err
			}, false},
		{"update; DELETE of a bound pod is one first", etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: key, Value: 9},
			func(ctx context.Context, c *clientv3.Client, n int) error {
				return update(ctx, c, n, clientv3.OpPut(keyNo(n), "deletionTimestamp"))
			}, false},
		{"delete: compare, delete, else range", etcdmodel.Op{Kind: etcdmodel.TxnDelete, Key: key},
			func(ctx context.Context, c *clientv3.Client, n int) error {
				return update(ctx, c, n, clientv3.OpDelete(keyNo(n)))
			}, true},
		{"plain delete", etcdmodel.Op{Kind: etcdmodel.Delete, Key: key},
			func(ctx context.Context, c *clientv3.Client, n int) error {
				_, err := c.Delete(ctx, keyNo(n))
				return err
			}, true},
		{"transaction that only reads", etcdmodel.Op{}, func(ctx context.Context, c *clientv3.Client, n int) error {
			_, err := c.Txn(ctx).Then(clientv3.OpGet(keyNo(n))).Commit()
			return err
		}, true},
		{"update whose compare fails", etcdmodel.Op{Kind: etcdmodel.TxnConflict, Key: key, Value: 9},
			func(ctx context.Context, c *clientv3.Client, n int) error {
				_, err := c.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(keyNo(n)), "=", 1)).
					Then(clientv3.OpPut(keyNo(n), "x")).Else(clientv3.OpGet(keyNo(n))).Commit()
				return err
			}, false},
		{"lease grant", etcdmodel.Op{Kind: etcdmodel.LeaseGrant}, func(ctx context.Context, c *clientv3.Client, _ int) error {
			_, err := c.Grant(ctx, 3600)
			return err
		}, false},
		{"lease keep-alive", etcdmodel.Op{Kind: etcdmodel.KeepAlive},
			func(ctx context.Context, c *clientv3.Client, _ int) error {
				_, err := c.KeepAliveOnce(ctx, leases[0])
				return err
			}, true},
		{"lease revoke: an Event expires", etcdmodel.Op{Kind: etcdmodel.LeaseRevoke, Key: key},
			func(ctx context.Context, c *clientv3.Client, n int) error {
				_, err := c.Revoke(ctx, leases[n])
				return err
			}, true},
		{"kube-apiserver's compaction: puts compact_rev_key", etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 15, Value: 10},
			func(ctx context.Context, c *clientv3.Client, _ int) error {
				_, err := c.Txn(ctx).If(clientv3.Compare(clientv3.Version("compact_rev_key"), "=", 0)).
					Then(clientv3.OpPut("compact_rev_key", "1")).Else(clientv3.OpGet("compact_rev_key")).Commit()
				return err
			}, false},
		{"etcd's own Compact", etcdmodel.Op{}, func(ctx context.Context, c *clientv3.Client, n int) error {
			now, err := c.Get(ctx, keyNo(n))
			if err == nil {
				_, err = c.Compact(ctx, now.Header.Revision, clientv3.WithCompactPhysical())
			}
			return err
		}, true},
	}
}

// TestNoSpaceTable fills a small quota of three members and sends each kind of request: at the
// alarm, after a compaction and a disarm, after a restart of a member, after the defragmentation
// of one member, of all, and after the disarm. The model says the same of each.
func TestNoSpaceTable(t *testing.T) {
	t.Parallel()
	ctx := limited(t)
	const quota = 6 << 20
	cluster := harness.Start(t, harness.Config{Members: 3, Etcd: server.Config{Quota: quota}})
	require.NoError(t, cluster.Lead(ctx, 0))
	client := cluster.Client(0)
	var leases []clientv3.LeaseID
	for range 100 {
		l, err := client.Grant(ctx, 3600)
		require.NoError(t, err)
		leases = append(leases, l.ID)
	}
	for n := range 200 {
		_, err := client.Put(ctx, keyNo(n), "pod")
		require.NoError(t, err)
	}
	_, err := cluster.UntilNoSpace(ctx, etcdmodel.Op{Kind: etcdmodel.Put, Key: key, Value: 4000}, 40, 400, time.Minute)
	require.NoError(t, err)

	requests, model, n := fullRequests(leases), fullModel(t, cluster.Model(), quota), 0
	table := compare("nospace "+cluster.Model().String(), "request", "alarm", "compacted, disarmed", "restarted",
		"one defragmented, disarmed", "all defragmented", "disarmed")
	cells := make([][]string, len(requests))
	stage := func(name string, alarm bool) {
		t.Helper()
		for i, r := range requests {
			n++
			err := r.send(ctx, client, n)
			switch {
			case err == nil:
				cells[i] = append(cells[i], "answered")
			case errors.Is(err, rpctypes.ErrNoSpace):
				cells[i] = append(cells[i], "refused")
			default:
				assert.NoError(t, err, "%s: %s", name, r.name)
			}
			assert.Equal(t, r.on || !alarm, err == nil, "%s: %s: %v", name, r.name, err)
			if class, ok := model.class[i]; ok {
				assert.Equal(t, err == nil, model.answers(t, class), "%s: %s: the model", name, r.name)
			}
		}
		assert.Equal(t, alarm, cluster.Alarmed(ctx, t), name)
		assert.Equal(t, alarm, model.Full(), name)
	}
	stage("alarm", true)

	_, err = client.Delete(ctx, keyNo(199)) // a revision that is not compacted yet
	require.NoError(t, err)
	require.NoError(t, cluster.CompactAndDisarm(ctx))
	model.Compact(0)
	model.Step(time.Second, nil)
	require.Error(t, model.Disarm())
	require.ErrorIs(t, cluster.PutOne(ctx), rpctypes.ErrNoSpace, "the file counts, not what is in use")
	stage("compacted, disarmed", true)

	require.NoError(t, cluster.Stop(2))
	require.NoError(t, cluster.Restart(2))
	require.NoError(t, errors.Join(model.Stop(2), model.Start(2)))
	model.Step(3*time.Second, nil)
	stage("restarted", true)

	_, err = cluster.Defragment(ctx, 0)
	require.NoError(t, err)
	_, err = model.DefragMember(0)
	require.NoError(t, err)
	model.Step(time.Second, nil)
	require.NoError(t, cluster.Disarm(ctx))
	require.Error(t, model.Disarm())
	_, _ = cluster.Client(1).Put(ctx, "x", "raises it again, through a member whose file is full")
	stage("one defragmented, disarmed", true)

	for i := range 3 {
		_, err := cluster.Defragment(ctx, i)
		require.NoError(t, err)
	}
	model.Defrag()
	model.Step(time.Second, nil)
	stage("all defragmented", true)

	require.NoError(t, cluster.Disarm(ctx))
	require.NoError(t, model.Disarm())
	stage("disarmed", false)
	for i, r := range requests {
		table.row(append([]string{r.name}, cells[i]...)...)
	}
	table.print(t)
}

// A modelled is the model's server, full, and its class for each request.
type modelled struct {
	*etcdmodel.Server
	class map[int]int
	tag   uint64
}

// fullModel fills a Server as the cluster was filled.
func fullModel(t *testing.T, v etcdmodel.Version, quota int64) *modelled {
	t.Helper()
	streams := []etcdmodel.Stream{{Op: etcdmodel.Op{Kind: etcdmodel.Put, Key: key, Value: 4000}, Keys: 40}}
	m := &modelled{class: map[int]int{}}
	for i, r := range fullRequests(make([]clientv3.LeaseID, 2)) {
		if r.op != (etcdmodel.Op{}) {
			m.class[i] = len(streams)
			streams = append(streams, etcdmodel.Stream{Name: r.name, Op: r.op})
		}
	}
	var err error
	m.Server, err = etcdmodel.NewServer(etcdmodel.Cluster{Version: v, Members: 3, Quota: quota}, streams)
	require.NoError(t, err)
	offered := make([]float64, len(streams))
	offered[0] = 40
	for range 600 {
		if m.Step(100*time.Millisecond, offered).NoSpace {
			break
		}
	}
	require.True(t, m.Full())
	m.Step(time.Second, nil)
	return m
}

// answers sends a request to member 0 of the model and reports whether it is answered.
func (m *modelled) answers(t *testing.T, class int) bool {
	t.Helper()
	m.tag++
	require.NoError(t, m.SubmitTo(0, class, m.tag))
	for _, d := range m.Step(time.Second, nil).Done {
		if d.Tag == m.tag {
			require.True(t, d.Outcome == etcdmodel.NoSpace || d.Outcome == etcdmodel.Committed || d.Outcome == etcdmodel.Read,
				d.Outcome)
			return d.Outcome != etcdmodel.NoSpace
		}
	}
	t.Fatal("the model does not answer")
	return false
}
