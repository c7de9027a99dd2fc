package etcd

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/harness"
)

// kindsOf returns requests of every kind, in sizes on both sides of where a length needs another
// byte.
func kindsOf() []etcdmodel.Op {
	var ops []etcdmodel.Op
	for _, keyBytes := range []int{40, 130} {
		for _, value := range []int{0, 127, 128, 900, 16_385, 300_000} {
			for _, kind := range []etcdmodel.Kind{
				etcdmodel.Put, etcdmodel.TxnCreate, etcdmodel.TxnUpdate, etcdmodel.TxnConflict,
			} {
				ops = append(ops, etcdmodel.Op{Kind: kind, Key: keyBytes, Value: value})
			}
			ops = append(ops, etcdmodel.Op{Kind: etcdmodel.Put, Key: keyBytes, Value: value, Lease: true},
				etcdmodel.Op{Kind: etcdmodel.TxnCreate, Key: keyBytes, Value: value, Lease: true})
		}
		ops = append(ops, etcdmodel.Op{Kind: etcdmodel.Delete, Key: keyBytes}, etcdmodel.Op{
			Kind: etcdmodel.TxnDelete, Key: keyBytes,
		},
			etcdmodel.Op{Kind: etcdmodel.Range, Key: keyBytes})
	}
	for _, puts := range []int{1, 3, 50, 128} {
		ops = append(ops, etcdmodel.Op{Kind: etcdmodel.TxnPuts, Key: 40, Value: 200, Puts: puts})
	}
	return append(
		ops, etcdmodel.Op{Kind: etcdmodel.LeaseGrant}, etcdmodel.Op{Kind: etcdmodel.LeaseRevoke},
		etcdmodel.Op{Kind: etcdmodel.KeepAlive},
	)
}

// countedTwice is the largest write whose bytes the metric of 3.5 counts twice. A larger one than
// the page writer's buffer is written through it at once and counted once (its
// pkg/ioutil/pagewriter.go: Write, FlushN).
const countedTwice = 120 << 10

// The WAL bytes of a request of every kind are within 8 bytes, and what writes none writes none.
func TestWALBytes(t *testing.T) {
	ctx := limited(t)
	cluster := harness.Start(t, harness.Config{})
	// The model takes the index and the revision of a cluster that is not new: three bytes each.
	_, err := cluster.Fill(ctx, etcdmodel.Op{Key: 20}, 17_000, 100)
	require.NoError(t, err)
	table := compare(
		"WAL "+cluster.Model().String(), "kind", "key B", "value B", "lease", "puts", "WAL B: measured / predicted",
	)
	for _, op := range kindsOf() {
		if cluster.Model() == etcdmodel.V3_5 && op.Value > countedTwice {
			continue
		}
		m, err := cluster.Sequence(ctx, op, 12)
		require.NoError(t, err)
		predicted := op.WALBytes(cluster.Model(), 1)
		table.row(
			op.Kind.String(), fmt.Sprint(op.Key), fmt.Sprint(op.Value), fmt.Sprint(op.Lease), fmt.Sprint(op.Puts),
			fmt.Sprintf("%.1f / %.1f", m.WAL, predicted),
		)
		assert.LessOrEqual(t, math.Abs(m.WAL-predicted), 8.0, "%+v: %v measured, %v predicted", op, m.WAL, predicted)
		assert.Equal(t, op.Kind.Writes(), m.Proposals > 0, "%+v", op)
		table.add("WAL bytes", pair{m.WAL, predicted})
	}
	t.Log("\n" + table.markdown())
	table.counts(t, "WAL bytes", 0.01)
}

// grownPages is the number of pages by which a fill grows the db at least. Bytes in use are
// counted in whole pages, a few of which are partly filled, however many revisions there are.
const grownPages = 1000

// The db bytes of a revision, at sizes around the steps of bbolt's pages.
func TestDBBytes(t *testing.T) {
	ctx := limited(t)
	cluster := harness.Start(t, harness.Config{})
	table := compare("db "+cluster.Model().String(), "value B", "db B a revision: measured / predicted", "error")
	sizes := []int{1, 90, 300, 834, 1500, 2000, 3000, 12_000}
	n := 3000
	if long() {
		sizes, n = append(
			sizes, 700, 1100, 1700, 5000, 16, 60, 150, 220, 450, 600, 1000, 1300, 1600, 1800, 2500, 3600, 4000, 8000,
			30_000,
		), 10_000
	}
	for _, value := range sizes {
		op := etcdmodel.Op{Kind: etcdmodel.Put, Key: key, Value: value}
		m, err := cluster.Fill(ctx, op, max(n, int(grownPages*4096/op.DBBytes(cluster.Model()))), 50)
		require.NoError(t, err)
		p := pair{m.InUse, op.DBBytes(cluster.Model())}
		table.add("db bytes", p)
		table.row(fmt.Sprint(value), fmt.Sprintf("%.0f / %.0f", p.measured, p.predicted), fmt.Sprintf("%.2f %%", 100*p.err()))
		assert.LessOrEqual(t, p.err(), 0.06, "value of %d bytes", value)
	}
	table.print(t)
	table.counts(t, "db bytes", 0.01)
}
