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

// kept is a database of so many keys that were written once, by so many transactions.
type kept struct {
	keys, value, perTxn int
}

func (k kept) op() etcdmodel.Op {
	o := etcdmodel.Op{Kind: etcdmodel.Put, Key: key, Value: k.value}
	if k.perTxn > 1 {
		o.Kind, o.Puts = etcdmodel.TxnPuts, k.perTxn
	}
	return o
}

// predicted returns what the model says of a member whose db holds the keys.
func (k kept) predicted(t *testing.T, v etcdmodel.Version, m harness.Metrics) etcdmodel.Prediction {
	t.Helper()
	p, err := etcdmodel.Estimate(
		etcdmodel.Cluster{
			Version: v, Members: 1,
			State: etcdmodel.State{
				Keys: k.keys, Total: int64(m.Value("etcd_mvcc_db_total_size_in_bytes")),
				InUse: int64(m.Value("etcd_mvcc_db_total_size_in_use_in_bytes")),
			},
		},
		etcdmodel.Load{Streams: []etcdmodel.Stream{{Op: k.op(), Rate: 0.01, Keys: 1}}},
	)
	require.NoError(t, err)
	return p
}

// The memory of a member by its keys, their size and the entries of its log, and after a start.
// The log of 3.5 keeps up to twenty times as many entries.
func TestMemory(t *testing.T) {
	ctx := limited(t)
	list := []kept{{60_000, 300, 10}, {7000, 2000, 1}}
	if long() {
		list = append(
			list, kept{200_000, 100, 20}, kept{200_000, 600, 20}, kept{30_000, 1024, 1}, kept{30_000, 4000, 2},
			kept{500_000, 64, 100},
		)
	}
	var table *comparison
	for _, k := range list {
		cluster := harness.Start(t, harness.Config{Data: []string{t.TempDir()}})
		if table == nil {
			table = compare(
				"memory "+cluster.Model().String(), "keys", "value B", "keys a transaction", "heap and stacks MB: written",
				"after a start", "mapped MB after a start", "start s",
			)
		}
		written, started, took, m := restarted(ctx, t, cluster, k)
		p := k.predicted(t, cluster.Model(), m)
		entries := min(float64(k.keys/k.perTxn), float64(p.Memory.LogEntries))
		heap := float64(p.Memory.Resident-p.Memory.Pages) - programPages -
			2*float64(p.Memory.Log)*(1-entries/float64(p.Memory.LogEntries))
		before, after := pair{written.Anon / 1e6, heap / 1e6}, pair{started.Anon / 1e6, heap / 1e6}
		mapped := pair{started.File / 1e6, (programPages + float64(p.Memory.Pages)) / 1e6}
		start := pair{took.Seconds(), p.Recovery.Restart.Seconds()}
		table.add("heap", before)
		table.add("mapped", mapped)
		table.add("start", start)
		table.row(fmt.Sprint(k.keys), fmt.Sprint(k.value), fmt.Sprint(k.perTxn), versus(before), versus(after),
			versus(mapped), versus(start))
	}
	table.print(t)
	table.counts(t, "heap", 0.30)
	table.counts(t, "mapped", 0.25)
}

// programPages is the size of the pages of the binary that are in memory, which differs between
// this test's and etcd's own.
const programPages = 23e6

// restarted writes the keys, starts the member again and returns its memory before and after, and
// the time of the start.
func restarted(ctx context.Context, t *testing.T, c *harness.Cluster, k kept) (
	written, started harness.Resident, took time.Duration, m harness.Metrics,
) {
	t.Helper()
	_, err := c.Fill(ctx, k.op(), k.keys/k.perTxn, 50)
	require.NoError(t, err)
	written, err = c.Resident(0)
	require.NoError(t, err)
	require.NoError(t, c.Shutdown(0))
	took, err = c.Again(0)
	require.NoError(t, err)
	started, err = c.Resident(0)
	require.NoError(t, err)
	m, err = c.Metrics(0)
	require.NoError(t, err)
	return written, started, took, m
}
