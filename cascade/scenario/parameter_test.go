package scenario_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/incident8829"
	"github.com/redline-go/redline/cascade/scenario"
)

// Every parameter changes the incident, and only a copy of it.
func TestEveryParameterApplies(t *testing.T) {
	values := map[scenario.Parameter]float64{
		scenario.ParamDelay: 2, scenario.ParamDuration: 600, scenario.ParamFsync: 0.01, scenario.ParamNodes: 20,
		scenario.ParamServers: 1, scenario.ParamMembers: 3, scenario.ParamPending: 10, scenario.ParamPods: 5,
		scenario.ParamRenew: 20, scenario.ParamGrace: 120, scenario.ParamLease: 60, scenario.ParamLivez: 3,
		scenario.ParamServices: 7,
	}
	before := incident8829.Scenario()
	for _, p := range scenario.Parameters() {
		changed, err := p.Apply(before, values[p])
		require.NoError(t, err, p)
		require.NotEqual(t, before.WithDefaults(), changed, p)
		require.Equal(t, incident8829.Scenario(), before, p)
	}
}

func TestParametersOfTheDisk(t *testing.T) {
	s, err := scenario.ParamDelay.Apply(incident8829.Scenario(), 2)
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, s.Actions[s.LongestDelay()].For)
	require.Equal(t, 25*time.Millisecond, s.Actions[0].For, "the climb keeps its shape")
	s, err = scenario.ParamDuration.Apply(incident8829.Scenario(), 60)
	require.NoError(t, err)
	i := s.LongestDelay()
	require.Equal(t, s.Actions[i].At+time.Minute, s.Actions[i+1].At)
	require.Zero(t, s.Actions[i+1].For)
	s, err = scenario.ParamDelay.Apply(incident8829.Scenario(), 0)
	require.NoError(t, err)
	same, err := scenario.ParamDuration.Apply(s, 60)
	require.NoError(t, err)
	require.Equal(t, s, same, "no delay is the same for however long")
}

func TestPendingCountsFromThoseThatRun(t *testing.T) {
	s := scenario.Scenario{
		Workload: scenario.Workload{Replicas: new(0)}, Actions: []scenario.Action{{Do: scenario.Scale, N: 5}},
	}
	s, err := scenario.ParamPending.Apply(s, 10)
	require.NoError(t, err)
	require.Equal(t, 10, s.Actions[0].N)
}

func TestWholeParametersAreRounded(t *testing.T) {
	require.True(t, scenario.ParamNodes.Whole())
	require.False(t, scenario.ParamDelay.Whole())
	require.False(t, scenario.Parameter("nods").Whole())
	s, err := scenario.ParamNodes.Apply(scenario.Scenario{}, 19.6)
	require.NoError(t, err)
	require.Equal(t, 20, s.Nodes)
}

func TestBadParameters(t *testing.T) {
	incident := incident8829.Scenario()
	endless := scenario.Scenario{Actions: []scenario.Action{{Do: scenario.Delay, For: 1}}}
	for _, c := range []struct {
		p    scenario.Parameter
		s    scenario.Scenario
		v    float64
		want string
	}{
		{p: "nods", v: 1, want: `Parameter is "nods", want one of delay, duration,`},
		{p: scenario.ParamLivez, s: incident, v: 0.4, want: "Parameter livez is 0, want > 0"},
		{p: scenario.ParamNodes, v: -1, want: "Parameter nodes is -1, want 0 to 1e9"},
		{
			p: scenario.ParamNodes, s: incident, v: 1e8,
			want: "Parameter nodes is 1e+08: cascade: Scenario.Nodes is 100000000, want 1 to 100000",
		},
		{p: scenario.ParamDelay, v: 1, want: "Parameter delay: the scenario has no action that delays the disk"},
		{p: scenario.ParamDuration, v: 1, want: "Parameter duration: the scenario has no action that delays the disk"},
		{
			p: scenario.ParamPending, v: 1,
			want: "Parameter pending: the scenario has no action that scales the workload up",
		},
		{
			p: scenario.ParamDuration, s: endless, v: 1,
			want: "Parameter duration: the scenario's longest delay has no end",
		},
	} {
		_, err := c.p.Apply(c.s, c.v)
		require.ErrorContains(t, err, "cascade: "+c.want)
	}
}
