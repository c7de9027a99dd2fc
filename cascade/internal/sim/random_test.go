package sim

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/kube"
)

// Whatever the cluster and whatever is done to it, a run ends with a result, and the same one the
// second time.
func TestRandomScenarios(t *testing.T) {
	ran := 0
	for i := range uint64(150) {
		s := randomScenario(rand.New(rand.NewPCG(i, 8829)))
		if s.WithDefaults().Check() != nil {
			continue // such as less room than pods that run
		}
		ran++
		first, err := Run(context.Background(), s)
		require.NoError(t, err, "%d: %+v", i, s)
		if i%5 == 0 {
			second, err := Run(context.Background(), s)
			require.NoError(t, err)
			require.Equal(t, first, second, i)
		}
	}
	require.Greater(t, ran, 100)
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func randomScenario(r *rand.Rand) scenario.Scenario {
	s := scenario.Scenario{
		Seed: r.Uint64(), Length: time.Duration(5+r.IntN(25)) * time.Minute, Version: pick(r, kube.V1_29, kube.V1_37),
		Nodes: pick(r, 1, 3, 10, 50, 100, 300), Servers: pick(r, 1, 1, 2, 3, 5), OtherPods: pick(r, 0, 5, 20),
		Observe: r.IntN(3) == 0, LeaseBreaker: pick(r, new(false), nil, new(true)),
		Etcd: scenario.Etcd{
			Version: pick(r, etcdmodel.V3_5, etcdmodel.V3_6, etcdmodel.V3_7), Members: pick(r, 1, 1, 3, 5),
			Fsync:      pick(r, sec(0.001), sec(0.005), sec(0.1)),
			Before3512: r.IntN(3) == 0, SeparateEvents: r.IntN(5) == 0, SeparateLeases: r.IntN(6) == 0,
		},
		Workload: scenario.Workload{
			Replicas: pick(r, nil, new(50), new(100)), Quota: pick(r, nil, nil, new(200)), Retries: r.IntN(3),
		},
		Pods: scenario.Pods{CNINeedsAPI: r.IntN(2) == 0, Liveness: r.IntN(3) == 0},
	}
	if r.IntN(6) == 0 {
		s.Etcd.Quota, s.Etcd.DB = 40<<20, 20<<20
	}
	if r.IntN(4) == 0 {
		s.Workload.HPA, s.Workload.Room = &scenario.Autoscaler{Max: pick(r, 60, 500)}, 300
	}
	at := time.Duration(0)
	for range 2 + r.IntN(9) {
		at += time.Duration(5+r.IntN(120)) * time.Second
		a := randomAction(r, s)
		a.At = at
		s.Actions = append(s.Actions, a)
	}
	return s
}

func randomAction(r *rand.Rand, s scenario.Scenario) scenario.Action {
	switch r.IntN(18) {
	case 0, 1:
		return scenario.Action{Do: scenario.Scale, N: pick(r, 20, 50, 120, 500, 800), For: pick(r, 0, 10*time.Minute)}
	case 2, 3, 4, 5:
		return scenario.Action{
			Do: scenario.Delay, N: r.IntN(1 + s.Etcd.Members), For: sec(pick(r, 0.02, 0.2, 0.5, 1, 1.5, 2, 4, 8)),
		}
	case 6:
		return scenario.Action{Do: scenario.Delay}
	case 7:
		return scenario.Action{Do: pick(r, scenario.Silence, scenario.Awake)}
	case 8:
		return scenario.Action{Do: scenario.Stall, N: 1 + r.IntN(s.Nodes), For: pick(r, time.Minute, 6*time.Minute)}
	case 9:
		return scenario.Action{Do: scenario.Churn, For: pick(r, 0, sec(0.5), sec(5))}
	case 10, 11:
		return scenario.Action{Do: scenario.Kill, N: r.IntN(1 + s.Etcd.Members)}
	case 12:
		return scenario.Action{Do: scenario.Room, N: pick(r, 100, 120, 300)}
	case 13:
		return scenario.Action{Do: scenario.Crash, N: pick(r, 0, 1, 30, 500), For: pick(r, 0, sec(10), sec(60))}
	case 14:
		return scenario.Action{Do: scenario.Down, N: 1 + r.IntN(s.Nodes), For: pick(r, sec(10), sec(100), sec(600))}
	case 15:
		what := pick(r, scenario.KubeAPIServer, scenario.EtcdMember, componentNames[0], componentNames[1])
		return scenario.Action{Do: scenario.Restart, What: what}
	case 16:
		return scenario.Action{Do: scenario.Load, N: pick(r, 50, 200, 1000)}
	}
	return scenario.Action{Do: pick(r, scenario.Clear, scenario.Defrag)}
}
