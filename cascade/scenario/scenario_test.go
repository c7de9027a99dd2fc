package scenario_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

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

// How does a scenario look with a disk of 1 s instead of 4 s?
func ExampleParameter_Apply() {
	s := scenario.Scenario{Actions: []scenario.Action{
		{At: time.Minute, Do: scenario.Delay, For: 2 * time.Second},
		{At: 2 * time.Minute, Do: scenario.Delay, For: 4 * time.Second},
	}}
	milder, err := scenario.ParamDelay.Apply(s, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Actions[0].For, s.Actions[1].For)
	fmt.Println(milder.Actions[0].For, milder.Actions[1].For) // the climb keeps its shape
	_, err = scenario.ParamPending.Apply(s, 450)
	fmt.Println(err)
	// Output:
	// 2s 4s
	// 500ms 1s
	// cascade: Parameter pending: the scenario has no action that scales the workload up
}

// The zero version is the newest that is modelled. A version in between is an error that names its
// neighbours.
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
	type act = scenario.Action
	for _, c := range []struct {
		a    act
		want string
	}{
		{a: act{Do: scenario.Scale, For: 2 * time.Hour}, want: "For is 2h0m0s, want 0 to 1h"},
		{a: act{Do: scenario.Scale, N: -1}, want: "N is -1, want 0 to 150000"},
		{a: act{Do: scenario.Room, N: 3}, want: "N is 3, want 50, the pods that run at the start, to 150000"},
		{a: act{Do: scenario.Crash, For: time.Millisecond}, want: "For is 1ms, want 0, or 1s to 1h"},
		{a: act{Do: scenario.Down, N: 1}, want: "For is 0s, want above 0 to 1h"},
		{a: act{Do: scenario.Stall, N: 101}, want: "N is 101, want 1 to 100, the nodes"},
		{a: act{Do: scenario.Load, N: 5}, want: "N is 5, want 0 to 1000000, and a Workload.HPA to notice"},
		{a: act{Do: scenario.Delay, N: 2}, want: "N is 2, want 0 to 1, the members"},
		{
			a:    act{Do: scenario.Restart},
			want: `What is "", want kube-scheduler, kube-controller-manager, kube-apiserver or etcd`,
		},
		{
			a:    act{Do: scenario.Restart, What: "kubelet"},
			want: `What is "kubelet", want kube-scheduler, kube-controller-manager, kube-apiserver or etcd`,
		},
		{
			a:    act{Do: scenario.Restart, What: scenario.KubeAPIServer, N: 2},
			want: "N is 2, want 0, or the number of an API server or of a member",
		},
		{
			a:    act{Do: scenario.Restart, What: scenario.EtcdMember, N: 2},
			want: "N is 2, want 0, or the number of an API server or of a member",
		},
		{a: act{Do: scenario.Kill, What: scenario.EtcdMember}, want: `What is "etcd", want none: only restart has one`},
		{
			a: act{Do: "jump"},
			want: "Do is jump, want scale, delay, silence, awake, stall, churn, kill, clear, load, room, crash, down, " +
				"restart or defrag",
		},
	} {
		err := scenario.Scenario{Actions: []scenario.Action{c.a}}.Check()
		require.EqualError(t, err, "cascade: Actions[0]."+c.want)
	}
	late := scenario.Scenario{Actions: []scenario.Action{
		{At: 2 * time.Second, Do: scenario.Clear}, {At: time.Second, Do: scenario.Clear},
	}}
	require.EqualError(t, late.Check(), "cascade: Actions[1].At is 1s, want in order of time, at least 2s")
}

// An autoscaler and a kube-proxy that cannot be are errors, too.
func TestBadAutoscalersAndProxies(t *testing.T) {
	for want, h := range map[string]scenario.Autoscaler{
		"HPA.Target is 10001, want 1 to 10000 %":        {Max: 5, Target: 10_001},
		"HPA.Max is 0, want Min (1) to 150000":          {},
		"HPA.Limit is 100, want at least Request (200)": {Max: 5, Limit: 100},
	} {
		s := scenario.Scenario{Workload: scenario.Workload{HPA: &h}}
		require.EqualError(t, s.Check(), "cascade: "+want)
	}
	s := scenario.Scenario{Proxy: scenario.Proxy{Mode: 7}}
	require.EqualError(t, s.Check(), "cascade: Proxy.Mode is 7, want IPTables, NFTables or IPVS")
	s = scenario.Scenario{Length: 200 * time.Hour, Grid: 100 * time.Millisecond}
	require.EqualError(t, s.Check(), "cascade: Scenario.Grid is 100ms, want at least a millionth of Length")
}
