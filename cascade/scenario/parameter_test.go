package scenario

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/incident8829"
)

// Every parameter changes the incident, and only a copy of it.
func TestEveryParameterApplies(t *testing.T) {
	values := map[Parameter]float64{ParamDelay: 2, ParamDuration: 600, ParamFsync: 0.01, ParamNodes: 20, ParamServers: 1, ParamMembers: 3, ParamPending: 10,
		ParamPods: 5, ParamRenew: 20, ParamGrace: 120, ParamLease: 60, ParamLivez: 3, ParamServices: 7}
	before := incident8829.Incident8829()
	for _, p := range Parameters() {
		changed, err := p.Apply(before, values[p])
		require.NoError(t, err, p)
		require.NotEqual(t, before.WithDefaults(), changed, p)
		require.Equal(t, incident8829.Incident8829(), before, p)
	}
}

func TestParametersOfTheDisk(t *testing.T) {
	s, err := ParamDelay.Apply(incident8829.Incident8829(), 2)
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, s.Actions[longest(&s)].For)
	require.Equal(t, 25*time.Millisecond, s.Actions[0].For, "the climb keeps its shape")
	s, err = ParamDuration.Apply(incident8829.Incident8829(), 60)
	require.NoError(t, err)
	i := longest(&s)
	require.Equal(t, s.Actions[i].At+time.Minute, s.Actions[i+1].At)
	require.Zero(t, s.Actions[i+1].For)
	s, err = ParamDelay.Apply(incident8829.Incident8829(), 0)
	require.NoError(t, err)
	same, err := ParamDuration.Apply(s, 60)
	require.NoError(t, err)
	require.Equal(t, s, same, "no delay is the same for however long")
}

func TestPendingCountsFromThoseThatRun(t *testing.T) {
	s, err := ParamPending.Apply(Scenario{Workload: Workload{Replicas: new(0)}, Actions: []Action{{Do: Scale, N: 5}}}, 10)
	require.NoError(t, err)
	require.Equal(t, 10, s.Actions[0].N)
}

func TestBadParameters(t *testing.T) {
	for want, c := range map[string]struct {
		p Parameter
		s Scenario
		v float64
	}{
		`cascade: Parameter is "nods", want one of delay, duration,`:                                {"nods", Scenario{}, 1},
		"cascade: Parameter livez is 0, want > 0":                                                   {ParamLivez, incident8829.Incident8829(), 0.4},
		"cascade: Parameter nodes is -1, want 0 to 1e9":                                             {ParamNodes, Scenario{}, -1},
		"cascade: Parameter nodes is 1e+08: cascade: Scenario.Nodes is 100000000, want 1 to 100000": {ParamNodes, incident8829.Incident8829(), 1e8},
		"cascade: Parameter delay: the scenario has no action that delays the disk":                 {ParamDelay, Scenario{}, 1},
		"cascade: Parameter pending: the scenario has no action that scales the workload up":        {ParamPending, Scenario{}, 1},
		"cascade: Parameter duration: the scenario's longest delay has no end":                      {ParamDuration, Scenario{Actions: []Action{{Do: Delay, For: 1}}}, 1},
	} {
		_, err := c.p.Apply(c.s, c.v)
		require.ErrorContains(t, err, want)
	}
}
