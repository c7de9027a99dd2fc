package etcd

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/harness"
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

// Ranges of one key and of many, at concurrency. The processor's speed comes from a load that
// writes.
func TestReads(t *testing.T) {
	ctx := limited(t)
	cluster := harness.Start(t, harness.Config{})
	table := compare(
		"reads "+cluster.Model().String(), "kind", "clients", "value B", "keys returned", "ranges/s", "p50 ms", "p99 ms",
	)
	cpu := calibrateProcessor(ctx, t, cluster)
	for _, x := range readings() {
		load := etcdmodel.Load{
			Clients: x.clients, Keys: max(1000, x.returned),
			Op: etcdmodel.Op{Kind: x.kind, Key: key, Value: x.value, Puts: x.returned},
		}
		p, err := etcdmodel.Predict(etcdmodel.Cluster{Version: cluster.Model(), Members: 1, CPU: cpu}, load)
		require.NoError(t, err)
		m, err := cluster.Run(ctx, load, 200*time.Millisecond, 700*time.Millisecond)
		require.NoError(t, err)
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
