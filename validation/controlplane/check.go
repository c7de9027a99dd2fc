package controlplane

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
)

// ErrScenario is wrapped by every error about a scenario that makes no sense. It fails the
// test; an action that the cluster refuses or has no time for is only logged.
var ErrScenario = errors.New("invalid scenario")

func bad(field string, value any, want string) error {
	return fmt.Errorf("controlplane: %s is %v, want %s (%w)", field, value, want, ErrScenario)
}

func (s Scenario) check() error {
	for _, x := range []struct {
		field string
		value int
	}{
		{"Nodes", s.Nodes}, {"RoomOn", s.RoomOn}, {"Replicas", s.Replicas}, {"Fillers", s.Fillers}, {"Quota", s.Quota},
		{"Grace", int(s.Grace)}, {"Length", int(s.Length)},
	} {
		if x.value < 0 {
			return bad("Scenario."+x.field, x.value, ">= 0")
		}
	}
	switch {
	case s.Nodes > 250*200:
		return bad("Scenario.Nodes", s.Nodes, "at most 50000, which have addresses")
	case s.RoomOn > s.Nodes:
		return bad("Scenario.RoomOn", s.RoomOn, fmt.Sprintf("at most Nodes, %d", s.Nodes))
	case s.Members != 0 && s.Members != 1 && s.Members != 3:
		return bad("Scenario.Members", s.Members, "1 or 3")
	case s.Quota > 0 && s.Replicas > s.Quota:
		return bad("Scenario.Replicas", s.Replicas, fmt.Sprintf("at most Quota, %d: they would never exist", s.Quota))
	case s.HPA != nil && !s.Deployment:
		return bad("Scenario.HPA", *s.HPA, "none without Deployment")
	case s.HPA != nil && (s.HPA.Min < 1 || s.HPA.Max < s.HPA.Min || s.HPA.Target < 1):
		return bad("Scenario.HPA", *s.HPA, "1 <= Min <= Max and a Target of at least 1 %")
	}
	return s.checkTexts()
}

// checkTexts checks the quantities and the actions.
func (s Scenario) checkTexts() error {
	for _, x := range [][2]string{{"NodeCPU", s.NodeCPU}, {"NodeMemory", s.NodeMemory}} {
		if _, err := resource.ParseQuantity(x[1]); err != nil {
			return bad("Scenario."+x[0], x[1], "a quantity such as 100m")
		}
	}
	for i, a := range s.Actions {
		if a.At < 0 || a.At > s.Length || a.Do == nil {
			return bad(
				fmt.Sprintf("Scenario.Actions[%d] (%s).At", i, a.Name), a.At,
				fmt.Sprintf("0 to Length, %v, and something to Do", s.Length),
			)
		}
	}
	return nil
}

// some returns the kubelets of nodes [from, to).
func (c *Cluster) some(action string, from, to int) ([]*kubelet, error) {
	if from < 0 || to < from || to > len(c.kubelets) {
		return nil, bad(
			action, fmt.Sprintf("(%d, %d)", from, to),
			fmt.Sprintf("nodes with kubelets: of these are %d", len(c.kubelets)),
		)
	}
	return c.kubelets[from:to], nil
}
