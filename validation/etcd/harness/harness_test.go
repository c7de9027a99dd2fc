package harness

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/server"
	"github.com/redline-go/redline/validation/internal/lost"
)

func TestMain(m *testing.M) {
	Serve()
	os.Exit(m.Run())
}

// TestRun: three members elect, hand over the lead, and answer open and closed loads. The counters
// agree to the request over the whole run, and by and large in the window, whose edges they do not
// share.
func TestRun(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c := Start(t, Config{Members: 3, Etcd: server.Config{Quota: 1 << 28}})
	op := etcdmodel.Op{Kind: etcdmodel.TxnCreate, Key: 40, Value: 300}
	for _, load := range []etcdmodel.Load{
		{Clients: 5, Op: op},
		{Streams: []etcdmodel.Stream{{Op: op, Rate: 200}}, LeaderOnly: true},
	} {
		m, whole := ruled(ctx, t, c, load, 2)
		assert.Zero(t, m.Errors)
		assert.Positive(t, m.Quantile(0.5))
		assert.LessOrEqual(t, m.Quantile(0.5), m.Quantile(0.99))
		assert.GreaterOrEqual(t, m.Proposals, 0.8*float64(m.Answered))
		assert.LessOrEqual(t, m.Proposals, 1.2*float64(m.Around))
		assert.InDelta(t, m.All, whole.Proposals, 2, "requests answered; etcd's own are the cluster's version")
		assert.Positive(t, m.Fsync.N)
		assert.InEpsilon(t, op.WALBytes(c.Model(), whole.OpsPerFsync), whole.WALBytesOp, 0.02)
	}
}

// ruled runs a load while a member leads. It also counts from before the first request to after
// the last. It makes a run again in which the machine was elsewhere, or the leader changed because
// of that.
func ruled(ctx context.Context, t *testing.T, c *Cluster, load etcdmodel.Load, leader int) (m, whole Measured) {
	t.Helper()
	for try := range 5 {
		require.NoError(t, c.Lead(ctx, leader))
		before, err := c.still(ctx, leader)
		require.NoError(t, err)
		watch := lost.Start()
		m, err = c.Run(ctx, load, 100*time.Millisecond, time.Second)
		away := watch.Stop()
		require.NoError(t, err)
		after, err := c.still(ctx, leader)
		require.NoError(t, err)
		whole = report([]Metrics{before}, []Metrics{after}, 0)
		if len(away.Gaps) == 0 && whole.LeaderChanges == 0 {
			break
		}
		t.Logf("try %d: %v lost, %v other leaders", try, away.Sum, whole.LeaderChanges)
	}
	return m, whole
}
