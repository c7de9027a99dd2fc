package etcd

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/harness"
	"github.com/redline-go/redline/validation/internal/lost"
)

// A reading is one load of ranges.
type reading struct {
	kind            etcdmodel.Kind
	clients         int
	value, returned int
}

// readings are not those that the coefficients come from, which had 1, 10, 100 and 1,000 clients.
func readings() []reading {
	clients, sizes := []int{1, 30, 300}, [][2]int{{256, 1}, {2000, 20}, {500, 300}}
	if long() {
		clients, sizes = []int{1, 3, 30, 300, 700}, append(sizes, [2]int{4000, 1}, [2]int{200, 3000})
	}
	var list []reading
	for _, kind := range []etcdmodel.Kind{etcdmodel.Range, etcdmodel.SerializableRange} {
		for _, n := range clients {
			for _, s := range sizes {
				if n*s[1]*s[0] <= 30e6 {
					list = append(list, reading{kind, n, s[0], s[1]})
				}
			}
		}
	}
	return list
}

// readingLoad is the load of ranges that tells the processor's speed. It is in no table.
var readingLoad = etcdmodel.Load{
	Clients: 50, Keys: 1000, Op: etcdmodel.Op{Kind: etcdmodel.Range, Key: key, Value: 1024},
}

// calibrateReader is like calibrateProcessor for what ranges cost. A machine whose disk or clients
// slow its writes does not read more slowly: so the factor comes from ranges.
func calibrateReader(ctx context.Context, t *testing.T, c *harness.Cluster) etcdmodel.CPU {
	t.Helper()
	best := 0.0 // of up to nine, until three were undisturbed
	for calm, n := 0, 0; calm < 3 && n < 9; n++ {
		before := lost.ReadProcessor()
		m, err := c.Run(ctx, readingLoad, 300*time.Millisecond, 700*time.Millisecond)
		require.NoError(t, err)
		best = max(best, m.Throughput)
		if lost.ReadProcessor().OthersSince(before) < 0.1 {
			calm++
		}
	}
	low, _ := searchFactor(t, etcdmodel.Cluster{Version: c.Model(), Members: 1}, readingLoad, best)
	require.Less(t, low, mostFactor*0.99)
	t.Logf("%d clients read %.0f/s here: processor times are %.2f of the reference machine's",
		readingLoad.Clients, best, low)
	return etcdmodel.DefaultCPU().Scaled(low)
}

// Ranges of one key and of many, at concurrency.
func TestReads(t *testing.T) {
	ctx := limited(t)
	cluster := harness.Start(t, harness.Config{})
	table := compare(
		"reads "+cluster.Model().String(), "kind", "clients", "value B", "keys returned", "ranges/s", "p50 ms", "p99 ms",
	)
	cpu := calibrateReader(ctx, t, cluster)
	for _, x := range readings() {
		load := etcdmodel.Load{
			Clients: x.clients, Keys: max(1000, x.returned),
			Op: etcdmodel.Op{Kind: x.kind, Key: key, Value: x.value, Puts: x.returned},
		}
		p, err := etcdmodel.Predict(etcdmodel.Cluster{Version: cluster.Model(), Members: 1, CPU: cpu}, load)
		require.NoError(t, err)
		before := lost.ReadProcessor()
		m, err := cluster.Run(ctx, load, 200*time.Millisecond, 700*time.Millisecond)
		require.NoError(t, err)
		table.others = append(table.others, lost.ReadProcessor().OthersSince(before))
		throughput := pair{m.Throughput, p.Throughput}
		p50 := pair{millis(m.Quantile(0.5)), millis(p.Reads.P50)}
		table.add("throughput", throughput)
		table.add("p50", p50)
		table.row(x.kind.String(), fmt.Sprint(x.clients), fmt.Sprint(x.value), fmt.Sprint(x.returned),
			versus(throughput), versus(p50), versus(pair{millis(m.Quantile(0.99)), millis(p.Reads.P99)}))
	}
	table.print(t)
	table.within(t, "throughput", 0.35)
	table.within(t, "p50", 0.35)
}
