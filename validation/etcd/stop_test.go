package etcd

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/harness"
	"github.com/redline-go/redline/validation/etcd/server"
)

// TestMembersThatStop kills a follower, the leader, and two members of three, and starts them
// again. The model does the same: which writes are answered, how long there is no leader, and
// whether a member that returns is sent the log or a snapshot.
func TestMembersThatStop(t *testing.T) {
	t.Parallel()
	ctx := limited(t)
	cluster := harness.Start(t, harness.Config{Members: 3, Etcd: server.Config{SnapshotCount: 200}})
	require.NoError(t, cluster.Lead(ctx, 0))
	model, err := etcdmodel.NewServer(
		// at that speed a snapshot takes a tenth of a second
		etcdmodel.Cluster{Version: cluster.Model(), SnapshotCount: 200, Network: 20e6},
		[]etcdmodel.Stream{{Op: etcdmodel.Op{Kind: etcdmodel.Put, Key: key, Value: 100}}},
	)
	require.NoError(t, err)

	// A follower: the others answer.
	require.NoError(t, cluster.Stop(2))
	require.NoError(t, model.Stop(2))
	require.NoError(t, put(ctx, cluster, 0))
	require.Equal(t, etcdmodel.Committed, modelPut(t, model, 0))
	require.Equal(t, etcdmodel.Unavailable, modelPut(t, model, 2))

	// It returns within 5,000 entries: by the log. Then beyond them: by a snapshot.
	for _, entries := range []int{1000, 12_000} {
		before, err := cluster.Metrics(0)
		require.NoError(t, err)
		_, err = cluster.Fill(ctx, etcdmodel.Op{Kind: etcdmodel.Put, Key: key, Value: 100}, entries, 60)
		require.NoError(t, err)
		for range entries / 100 {
			model.Step(100*time.Millisecond, []float64{100})
		}
		require.NoError(t, cluster.Restart(2))
		require.NoError(t, model.Start(2))
		require.NoError(t, put(ctx, cluster, 2))
		snapshot := false
		for range 100 {
			_, sends := model.Behind(2)
			snapshot = snapshot || sends
			model.Step(20*time.Millisecond, nil)
		}
		behind, _ := model.Behind(2)
		require.Zero(t, behind)
		after, err := cluster.Metrics(0)
		require.NoError(t, err)
		const sent = "etcd_network_snapshot_send_success"
		t.Logf("%d entries behind: %v snapshots sent, the model: %v", entries, after.Value(sent)-before.Value(sent), snapshot)
		assert.Equal(t, after.Value(sent) > before.Value(sent), snapshot, "%d entries behind", entries)
		require.NoError(t, cluster.Stop(2))
		require.NoError(t, model.Stop(2))
	}
	require.NoError(t, cluster.Restart(2))
	require.NoError(t, model.Start(2))
	require.NoError(t, put(ctx, cluster, 2))
	model.Step(3*time.Second, nil)

	// The leader: nobody leads for one to two election timeouts and the votes.
	start := time.Now()
	require.NoError(t, cluster.Stop(0))
	for ctx.Err() == nil { // a write that was forwarded to the dead leader is lost, and times out
		one, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		_, err = cluster.Client(1).Put(one, "key", "value")
		cancel()
		if err == nil {
			break
		}
	}
	require.NoError(t, ctx.Err())
	vacant, least, most := time.Since(start), time.Hour, time.Duration(0)
	for seed := range uint64(40) {
		d := modelVacancy(t, seed)
		least, most = min(least, d), max(most, d)
	}
	t.Logf("no leader for %v; the model: %v to %v", vacant, least, most)
	assert.GreaterOrEqual(t, vacant, least-100*time.Millisecond) // a tick
	// ten ticks, of which the last heartbeat and the follower's own clock are each one ahead at most
	assert.GreaterOrEqual(t, least, 800*time.Millisecond)
	assert.Less(t, most, 2200*time.Millisecond)
	require.NoError(t, model.Stop(0))
	for range 300 {
		model.Step(10*time.Millisecond, nil)
	}

	// Two of three: a write times out. With one of them back it is answered.
	other := 3 - max(1, model.Leader())
	require.NoError(t, cluster.Stop(2))
	require.NoError(t, model.Stop(other))
	require.Error(t, put(ctx, cluster, 1), "etcd's own timeout: no quorum")
	require.Equal(t, etcdmodel.TimedOut, modelPut(t, model, 3-other))
	require.NoError(t, cluster.Restart(2))
	require.NoError(t, model.Start(other))
	require.NoError(t, put(ctx, cluster, 1))
	model.Step(5*time.Second, nil)
	require.Equal(t, etcdmodel.Committed, modelPut(t, model, 3-other))
}

// put puts a key through a member and waits for longer than etcd's own timeout.
func put(ctx context.Context, c *harness.Cluster, member int) error {
	limited, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	_, err := c.Client(member).Put(limited, "key", "value")
	if err != nil {
		return fmt.Errorf("member %d: %w", member, err)
	}
	return nil
}

// modelPut sends a write to a member of the model and returns its first end.
func modelPut(t *testing.T, s *etcdmodel.Server, member int) etcdmodel.Outcome {
	t.Helper()
	tag := uint64(s.Now()) + 1
	require.NoError(t, s.SubmitTo(member, 0, tag))
	for range 1000 {
		for _, d := range s.Step(10*time.Millisecond, nil).Done {
			if d.Tag == tag {
				return d.Outcome
			}
		}
	}
	t.Fatal("the model does not answer")
	return 0
}

// modelVacancy returns how long the model has no leader after the leader's end.
func modelVacancy(t *testing.T, seed uint64) time.Duration {
	t.Helper()
	s, err := etcdmodel.NewServer(
		etcdmodel.Cluster{Seed: seed}, []etcdmodel.Stream{{Op: etcdmodel.Op{Kind: etcdmodel.Put, Key: key}}},
	)
	require.NoError(t, err)
	s.Step(time.Second, nil)
	require.NoError(t, s.Stop(0))
	start := s.Now()
	for s.Leader() < 0 && s.Now() < time.Minute {
		s.Step(5*time.Millisecond, nil)
	}
	return s.Now() - start
}
