package proxycost

import (
	"fmt"
	"os"
	"testing"

	"github.com/redline-go/redline/proxymodel"
	"github.com/stretchr/testify/require"
)

// recordedSizes lists the sizes of proxymodel/testdata/syncs.csv: services, and endpoints of each.
var recordedSizes = map[string][][2]int{
	"legacy": {
		{50, 1}, {200, 2}, {500, 1}, {1000, 1}, {3000, 1}, {2000, 2}, {300, 10},
		{5000, 1}, {7000, 1}, {10000, 1}, {1000, 10}, {10000, 2}, {3000, 10}, {5000, 10},
	},
	"nft": {
		{50, 1}, {200, 2}, {500, 1}, {1000, 1}, {2000, 1}, {3000, 1},
		{1500, 2}, {500, 10}, {1000, 10}, {5000, 1}, {7000, 1},
	},
	"nftables": {
		{50, 1}, {200, 2}, {500, 1}, {1000, 1}, {1000, 2}, {1500, 2}, {2000, 1}, {3000, 1}, {300, 10},
		{500, 10}, {1500, 5}, {5000, 1}, {7000, 1}, {10000, 1}, {3000, 2}, {2000, 10}, {4500, 2}, {10000, 2},
	},
}

// TestRecord measures the syncs that DefaultMachine is fitted to. REDLINE_RECORD names the mode. It
// prints the rows of proxymodel/testdata/syncs.csv, between two samples of how fast the machine
// does kube-proxy's kind of work.
func TestRecord(t *testing.T) {
	mode := os.Getenv("REDLINE_RECORD")
	if mode == "" {
		t.Skip("proxycost: set REDLINE_RECORD to legacy, nft or nftables to measure testdata/syncs.csv again")
	}
	needs(t, mode)
	require.Contains(t, recordedSizes, mode)
	sample := func() {
		m, reference := calibrate(t).Machine, proxymodel.DefaultMachine()
		fmt.Printf("work: %.3f of the reference\n", m.Legacy.Proxy.Port.First/reference.Legacy.Proxy.Port.First)
	}
	sample()
	for _, s := range recordedSizes[mode] {
		for _, m := range measureSyncs(t, mode, s[0], s[1], 3) {
			fmt.Printf("%s,%d,%d,%s,%d,%.5f,%.5f,%.5f,%.5f\n",
				m.Mode, m.Services, m.Endpoints, m.Phase, m.Changed, m.Wall, m.Self, m.User, m.Kernel)
		}
	}
	sample()
}
