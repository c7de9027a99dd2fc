package sim

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/kube"
)

func sec(x float64) time.Duration { return time.Duration(x * 1e9) }

// scale asks for n replicas, so many seconds after the start.
func scale(at float64, n int) scenario.Action {
	return scenario.Action{At: sec(at), Do: scenario.Scale, N: n}
}

// slow makes every fsync take by seconds longer, from the second at on.
func slow(at, by float64) scenario.Action {
	return scenario.Action{At: sec(at), Do: scenario.Delay, For: sec(by)}
}

// fast ends what slow began.
func fast(at float64) scenario.Action { return scenario.Action{At: sec(at), Do: scenario.Delay} }

// replayed returns the set-up of the replays on real components: 100 nodes started together, 50
// pods, v1.37.2 with a grace of 40 s. Lost leases and failed probes are recorded only.
func replayed(seed uint64, length float64, actions ...scenario.Action) scenario.Scenario {
	return scenario.Scenario{
		Seed: seed, Length: sec(length), Grid: time.Second, Version: kube.V1_37,
		Etcd: scenario.Etcd{Version: etcdmodel.V3_5}, Leases: scenario.Leases{Grace: 40 * time.Second},
		Observe: true, Uptime: 25 * time.Second, Actions: actions,
	}
}

// fault returns the replayed scenario with every fsync delayed from 60 s to 240 s.
func fault(seed uint64, delay float64) scenario.Scenario {
	return replayed(seed, 400, scale(20, 500), slow(60, delay), fast(240))
}

// mean returns the mean of a series over [a, b) s on a grid of 1 s.
func mean(r *story.Result, name string, a, b int) float64 {
	sum := 0.0
	for _, v := range r.Values(name)[a:b] {
		sum += v
	}
	return sum / float64(b-a)
}

func run(t testing.TB, s scenario.Scenario) *story.Result {
	t.Helper()
	r, err := Run(context.Background(), s)
	require.NoError(t, err)
	return r
}
