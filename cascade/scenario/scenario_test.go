package scenario_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/incident8829"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/kube"
)

func ExampleRead() {
	s, err := scenario.Read(strings.NewReader(`
nodes: 100
version: v1.29
actions:
- {at: 30s, do: scale, n: 500}
- {at: 2m, do: delay, for: 4s}
- {at: 5m, do: delay}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	begin, end := s.Trigger()
	fmt.Println(s.Version, begin, end)
	// Output: v1.29 2m0s 5m0s
}

// Zero is the newest that is modelled, and a version in between is an error that names its neighbours.
func TestVersions(t *testing.T) {
	s := scenario.Scenario{}.WithDefaults()
	require.Equal(t, kube.V1_37, s.Version)
	require.Equal(t, etcdmodel.V3_7, s.Etcd.Version)
	require.True(t, *s.LeaseBreaker, "on in v1.37")
	patch, err := kube.Parse("v1.29.14")
	require.NoError(t, err)
	s = scenario.Scenario{Version: patch}.WithDefaults()
	require.Equal(t, kube.V1_29, s.Version)
	require.False(t, *s.LeaseBreaker, "absent in v1.29")
	require.Equal(t, 40, int(s.Leases.Grace.Seconds()))
	between, err := kube.Parse("v1.33")
	require.NoError(t, err)
	require.EqualError(
		t, scenario.Scenario{Version: between}.Check(), "cascade: Scenario.Version is v1.33, want v1.29 or v1.37",
	)
}

// What is not set differs from what is set to nothing.
func TestNothingIsNotTheDefault(t *testing.T) {
	require.Equal(t, 50, scenario.Workload{}.Start())
	require.Zero(t, scenario.Workload{Replicas: new(0)}.Start())
	s, err := scenario.Read(strings.NewReader("workload: {replicas: 0, room: 5, quota: 0}\nleaseBreaker: false\n"))
	require.NoError(t, err)
	require.Equal(t, new(0), s.Workload.Replicas)
	require.Equal(t, new(0), s.Workload.Quota)
	require.Equal(t, new(false), s.LeaseBreaker)
	require.Zero(t, s.WithDefaults().Workload.Start())
	for want, s := range map[string]scenario.Scenario{
		"cascade: Workload.Replicas is -1, want 0 to 150000": {Workload: scenario.Workload{Replicas: new(-1)}},
		"cascade: Workload.Quota is -1, want 0 to":           {Workload: scenario.Workload{Quota: new(-1)}},
	} {
		require.ErrorContains(t, s.Check(), want)
	}
}

// A change leaves the scenario that it is given alone, also where that holds pointers.
func TestChangesCopy(t *testing.T) {
	before := incident8829.Scenario()
	before.Workload.HPA = &scenario.Autoscaler{Max: 500}
	for _, c := range append(scenario.Changes(), scenario.Both(scenario.Changes()[1], scenario.Changes()[3])) {
		changed := c.Apply(before)
		require.NoError(t, changed.Check(), c.Name)
		want := incident8829.Scenario()
		want.Workload.HPA = &scenario.Autoscaler{Max: 500}
		require.Equal(t, want, before, c.Name)
	}
	require.Equal(t, 2.0, scenario.Both(scenario.Change{}, scenario.Change{}).Cost)
}

func TestBadActions(t *testing.T) {
	for want, a := range map[string]scenario.Action{
		"Actions[0].For is 2h0m0s, want 0 to 1h": {
			Do: scenario.Scale, For: 2 * 3600e9,
		},
		"Actions[0].N is -1, want 0 to 150000": {
			Do: scenario.Scale, N: -1,
		},
		"Actions[0].N is 3, want 50, the pods that run at the start, to 150000": {Do: scenario.Room, N: 3},
		"Actions[0].For is 1ms, want 0, or 1s to 1h": {
			Do: scenario.Crash, For: 1e6,
		},
		"Actions[0].For is 0s, want above 0 to 1h": {Do: scenario.Down, N: 1},
		"Actions[0].N is 101, want 1 to 100, the nodes": {
			Do: scenario.Stall, N: 101,
		},
		"Actions[0].N is 5, want 0 to 1000000, and a Workload.HPA to notice": {Do: scenario.Load, N: 5},
		"Actions[0].N is 2, want 0 to 1, the members":                        {Do: scenario.Delay, N: 2},
		`Actions[0].What is "kubelet", want kube-scheduler, kube-controller-manager, kube-apiserver or etcd`: {
			Do: scenario.Restart, What: "kubelet",
		},
		"Actions[0].N is 2, want 0, or the number of an API server or of a member": {
			Do: scenario.Restart, What: scenario.EtcdMember, N: 2,
		},
		`Actions[0].What is "etcd", want none: only restart has one`: {
			Do: scenario.Kill, What: scenario.EtcdMember,
		},
		"Actions[0].Do is jump, want scale, delay, silence, awake, stall, churn, kill, clear, load, room, crash, down, restart or": {Do: "jump"},
	} {
		require.ErrorContains(t, scenario.Scenario{Actions: []scenario.Action{a}}.Check(), "cascade: "+want)
	}
	late := []scenario.Action{{At: 2e9, Do: scenario.Clear}, {At: 1e9, Do: scenario.Clear}}
	require.ErrorContains(
		t, scenario.Scenario{Actions: late}.Check(),
		"cascade: Actions[1].At is 1s, want in order of time, at least 2s",
	)
}

