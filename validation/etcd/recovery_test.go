package etcd

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/harness"
)

// An absence is so many writes of a size while one of three members is away.
type absence struct {
	writes, value, perTxn int
}

// A member that was away catches up by the log, or is sent the db. The time counts from its start
// until it serves, which it does once its log holds all. Twelve starts: REDLINE_LONG only.
func TestCatchUp(t *testing.T) {
	if !long() {
		t.Skip("REDLINE_LONG is not set: two minutes")
	}
	ctx := limited(t)
	cluster := harness.Start(t, harness.Config{Members: 3})
	require.NoError(t, cluster.Lead(ctx, 0))
	table := compare("catch up "+cluster.Model().String(), "writes missed", "value B", "puts a write", "by", "db MB", "s")
	away(ctx, t, cluster, absence{})
	for _, x := range []absence{
		{0, 0, 1}, {1500, 700, 1}, {4500, 1024, 1}, {4500, 4096, 1}, {6000, 1024, 1}, {6000, 1024, 10}, {6000, 4096, 10},
	} {
		took, db, sent := away(ctx, t, cluster, x)
		p := x.predicted(t, cluster.Model(), db)
		want := p.Recovery.CatchUpSnapshot
		if !sent {
			want = time.Duration(float64(p.Recovery.CatchUpLog) * min(1, float64(x.writes)/float64(p.Memory.LogEntries)))
		}
		seconds := pair{took.Seconds(), (startEmpty + want).Seconds()}
		table.add("catch up", seconds)
		table.row(fmt.Sprint(x.writes), fmt.Sprint(x.value), fmt.Sprint(x.perTxn),
			map[bool]string{true: "db", false: "log"}[sent], figure(db/1e6), versus(seconds))
	}
	table.print(t)
	table.within(t, "catch up", 0.6)
}

// startEmpty is the time until a member of three serves that missed nothing.
const startEmpty = 200 * time.Millisecond

func (x absence) op() etcdmodel.Op { return kept{0, x.value, x.perTxn}.op() }

// predicted returns the model's answer for writes that come slowly.
func (x absence) predicted(t *testing.T, v etcdmodel.Version, db float64) etcdmodel.Prediction {
	t.Helper()
	perTxn := max(1, x.perTxn)
	p, err := etcdmodel.Estimate(
		etcdmodel.Cluster{Version: v, State: etcdmodel.State{Keys: x.writes * perTxn, Total: int64(db)}},
		etcdmodel.Load{Streams: []etcdmodel.Stream{{Op: x.op(), Rate: 0.01, Keys: 1}}},
	)
	require.NoError(t, err)
	return p
}

// away stops the third member, writes, starts it again, and returns the time until it serves.
func away(ctx context.Context, t *testing.T, c *harness.Cluster, x absence) (
	took time.Duration, db float64, sent bool,
) {
	t.Helper()
	const sends = "etcd_network_snapshot_send_success"
	before, err := c.Metrics(0)
	require.NoError(t, err)
	require.NoError(t, c.Shutdown(2))
	if x.writes > 0 {
		_, err = c.Fill(ctx, x.op(), x.writes, 50)
		require.NoError(t, err)
	}
	took, err = c.Again(2)
	require.NoError(t, err)
	after, err := c.Metrics(0)
	require.NoError(t, err)
	return took, after.Value("etcd_mvcc_db_total_size_in_bytes"), after.Value(sends) > before.Value(sends)
}
