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
)

func TestMain(m *testing.M) {
	Serve()
	os.Exit(m.Run())
}

// Three members elect, hand over the lead, and answer open and closed loads that the counters agree with.
func TestRun(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := Start(t, Config{Members: 3, Etcd: server.Config{Quota: 1 << 28}})
	require.NoError(t, c.Lead(ctx, 2))
	op := etcdmodel.Op{Kind: etcdmodel.TxnCreate, Key: 40, Value: 300}
	for _, load := range []etcdmodel.Load{
		{Clients: 5, Op: op},
		{Streams: []etcdmodel.Stream{{Op: op, Rate: 200}}, LeaderOnly: true},
	} {
		m, err := c.Run(ctx, load, 100*time.Millisecond, time.Second)
		require.NoError(t, err)
		assert.Zero(t, m.Errors)
		assert.Positive(t, m.Quantile(0.5))
		assert.LessOrEqual(t, m.Quantile(0.5), m.Quantile(0.99))
		assert.InEpsilon(t, m.Answered, m.Proposals, 0.2)
		assert.Positive(t, m.Fsync.N)
		assert.InEpsilon(t, op.WALBytes(c.Model(), m.OpsPerFsync), m.WALBytesOp, 0.02)
	}
}
