package proxymodel

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The anchors of facts/proxy.md, measured with the real proxier: the threshold
// of large-cluster mode drops the comments, so one endpoint more is fewer bytes.
func TestLargeCluster(t *testing.T) {
	for n, want := range map[int]int{1000: 725_049, 1001: 576_063} {
		o := uniform(n, 1)
		r, err := Count(IPTables, V1_37, testNode, o.Services, o.Slices)
		require.NoError(t, err)
		require.Equal(t, want, r.Bytes, "%d services", n)
		require.Equal(t, n > 1000, r.Large)
	}
}

// The incident's node printed 4502 lines of KUBE-SERVICES: 4,499 rules of
// services, the jump to KUBE-NODEPORTS and two lines of header.
func TestLinesOfTheIncident(t *testing.T) {
	o := uniform(4499, 1)
	r, err := Count(IPTables, V1_29, testNode, o.Services, o.Slices)
	require.NoError(t, err)
	require.Equal(t, 4502, r.Lines("nat", "KUBE-SERVICES"))
}

func BenchmarkCount(b *testing.B) {
	o := uniform(10000, 10)
	for b.Loop() {
		if _, err := Count(IPTables, V1_37, testNode, o.Services, o.Slices); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/10k-services")
}
