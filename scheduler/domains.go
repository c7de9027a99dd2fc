package scheduler

import (
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/features"
)

// domains numbers the values of one topology key over the nodes.
type domains struct {
	of    []int32 // node: its domain; a node without the label is in that of the value ""
	has   []bool  // node: it has the label
	nodes [][]int32
}

func newDomains(nodes []fwk.NodeInfo, key string) *domains {
	d := &domains{of: make([]int32, len(nodes)), has: make([]bool, len(nodes))}
	ids := map[string]int32{}
	for i, n := range nodes {
		value, ok := n.Node().Labels[key]
		id, known := ids[value]
		if !known {
			id = int32(len(d.nodes))
			ids[value] = id
			d.nodes = append(d.nodes, nil)
		}
		d.of[i], d.has[i] = id, ok
		d.nodes[id] = append(d.nodes[id], int32(i))
	}
	return d
}

// topology keeps the domains of each key that was asked for.
type topology struct {
	nodes []fwk.NodeInfo
	byKey map[string]*domains
}

func (t *topology) key(key string) *domains {
	d, ok := t.byKey[key]
	if !ok {
		d = newDomains(t.nodes, key)
		t.byKey[key] = d
	}
	return d
}

func tolerationComparisons() bool {
	return utilfeature.DefaultFeatureGate.Enabled(features.TaintTolerationComparisonOperators)
}
