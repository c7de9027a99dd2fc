package etcd

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/harness"
	"github.com/redline-go/redline/validation/etcd/server"
)

// versions builds cmd/etcdserver of each release that is modelled, and starts one of each.
func versions(ctx context.Context, t *testing.T) []*harness.Cluster {
	t.Helper()
	var all []*harness.Cluster
	dir := t.TempDir()
	for _, file := range []string{"go35.mod", "go.mod", "go37.mod"} {
		binary := filepath.Join(dir, file+".etcdserver")
		build := exec.CommandContext(ctx, "go", "build", "-modfile="+file, "-o", binary, "./cmd/etcdserver")
		out, err := build.CombinedOutput()
		require.NoError(t, err, "%s", out)
		all = append(all, harness.Start(t, harness.Config{Etcd: server.Config{Binary: binary}}))
	}
	return all
}

// TestVersions measures the releases side by side, in turn, so that what the machine does meanwhile
// meets all of them alike. It takes two minutes: REDLINE_LONG only.
func TestVersions(t *testing.T) {
	if !long() {
		t.Skip("REDLINE_LONG is not set: two minutes")
	}
	ctx := limited(t)
	clusters := versions(ctx, t)
	put := func(n int) etcdmodel.Load {
		return etcdmodel.Load{Clients: n, Op: etcdmodel.Op{Kind: etcdmodel.Put, Key: key, Value: 1024}}
	}
	get := func(k etcdmodel.Kind, n int) etcdmodel.Load {
		return etcdmodel.Load{Clients: n, Keys: 1000, Op: etcdmodel.Op{Kind: k, Key: key, Value: 1024}}
	}
	table := compare("versions", "load", "3.5: /s, p50 ms", "3.6", "3.7", "rounds of one release apart")
	for _, x := range []struct {
		name string
		load etcdmodel.Load
	}{
		{"put, 1 client", put(1)}, {"put, 100 clients", put(100)},
		{"range, 1 client", get(etcdmodel.Range, 1)}, {"range, 100 clients", get(etcdmodel.Range, 100)},
		{"serializable range, 100 clients", get(etcdmodel.SerializableRange, 100)},
	} {
		const rounds = 5
		throughput, p50 := make([][]float64, len(clusters)), make([][]float64, len(clusters))
		for range rounds {
			for i, c := range clusters {
				m, err := c.Run(ctx, x.load, 200*time.Millisecond, 800*time.Millisecond)
				require.NoError(t, err)
				throughput[i] = append(throughput[i], m.Throughput)
				p50[i] = append(p50[i], millis(m.Quantile(0.5)))
			}
		}
		row := []string{x.name}
		apart := 0.0
		for i := range clusters {
			row = append(row, figure(median(throughput[i]))+", "+figure(median(p50[i])))
			apart = max(apart, apartBy(throughput[i]))
		}
		table.row(append(row, figure(100*apart)+" %")...)
	}
	table.print(t)
}

// apartBy returns how far the middle three of five values lie apart, of their median.
func apartBy(x []float64) float64 {
	far := make([]float64, 0, len(x))
	for _, v := range x {
		far = append(far, pair{median(x), v}.err())
	}
	return 2 * median(far)
}
