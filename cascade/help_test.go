package cascade

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/kube"
)

func sec(x float64) time.Duration { return time.Duration(x * 1e9) }

func run(t testing.TB, s Scenario) *Result {
	t.Helper()
	r, err := Run(context.Background(), s)
	require.NoError(t, err)
	return r
}

// fault returns the replays' scenario: every fsync is delayed from 60 s to 240 s.
func fault(seed uint64, delay float64) Scenario {
	return Scenario{
		Seed: seed, Length: sec(400), Grid: time.Second, Version: kube.V1_37,
		Etcd: scenario.Etcd{Version: etcdmodel.V3_5}, Leases: scenario.Leases{Grace: 40 * time.Second},
		Observe: true, Uptime: 25 * time.Second,
		Actions: []scenario.Action{
			{At: sec(20), Do: scenario.Scale, N: 500},
			{At: sec(60), Do: scenario.Delay, For: sec(delay)},
			{At: sec(240), Do: scenario.Delay},
		},
	}
}

// The scenarios of docs/cascade.md run.
func TestScenariosOfTheDocsRun(t *testing.T) {
	page, err := os.ReadFile("../docs/cascade.md")
	require.NoError(t, err)
	n, blocks := 0, regexp.MustCompile(`(?m)^(    (nodes|workload):.*\n(    .*\n)+)`)
	for _, text := range blocks.FindAllString(string(page), -1) {
		s, err := ReadScenario(strings.NewReader(text))
		require.NoError(t, err, text)
		run(t, s)
		n++
	}
	require.Equal(t, 2, n)
}
