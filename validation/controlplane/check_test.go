package controlplane

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestScenarioRefusesNonsense(t *testing.T) {
	for want, s := range map[string]Scenario{
		"controlplane: Scenario.Nodes is -1, want >= 0": {Nodes: -1},
		"Scenario.RoomOn is 3, want at most Nodes, 2":   {Nodes: 2, RoomOn: 3},
		"Scenario.Members is 2, want 1 or 3":            {Members: 2},
		"Scenario.Replicas is 5, want at most Quota, 4": {Replicas: 5, Quota: 4},
		"want none without Deployment":                  {HPA: &HPA{Min: 1, Max: 2, Target: 80}},
		"want 1 <= Min <= Max":                          {Deployment: true, HPA: &HPA{}},
		"Scenario.NodeCPU is much, want a quantity":     {NodeCPU: "much"},
		"Scenario.Actions[0] (scale 3).At is 1m0s, want 0 to Length, 1s, ": {
			Length: time.Second, Actions: []Action{At(time.Minute, Scale(3))},
		},
	} {
		err := s.withDefaults().check()
		assert.ErrorContains(t, err, want)
		assert.ErrorIs(t, err, ErrScenario)
	}
	assert.NoError(t, Scenario{}.withDefaults().check())
	_, err := new(Cluster).some("StopKubelets", 5, 10)
	assert.ErrorContains(t, err, "controlplane: StopKubelets is (5, 10), want nodes with kubelets: of these are 0")
}
