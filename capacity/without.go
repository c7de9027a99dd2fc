package capacity

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Without returns the snapshot without the named nodes and the pods on them: a drain, a lost zone.
// A name that no node has is an error.
//
// The pods are gone, as after a drain. Those that have a controller would come back and compete for
// the room that is left: ask for them with their own workloads. The usage of their namespaces'
// quotas is counted anew.
func (s *Snapshot) Without(nodes ...string) (*Snapshot, error) {
	gone := make(map[string]bool, len(nodes))
	for _, name := range nodes {
		gone[name] = true
	}
	found, changed := 0, map[string]bool{}
	kept := make([]runtime.Object, 0, len(s.state.Objects))
	for _, object := range s.state.Objects {
		switch o := object.(type) {
		case *corev1.Node:
			if gone[o.Name] {
				found++
				continue
			}
		case *corev1.Pod:
			if gone[o.Spec.NodeName] {
				changed[inDefault(o.Namespace)] = true
				continue
			}
		case *storagev1.CSINode:
			if gone[o.Name] {
				continue
			}
		}
		kept = append(kept, object)
	}
	if found < len(gone) {
		return nil, fmt.Errorf("capacity: Without: node is %q, want a node of the snapshot", s.firstMissing(nodes))
	}
	for i, object := range kept {
		kept[i] = recounted(object, changed)
	}
	return s.derive(kept)
}

func (s *Snapshot) firstMissing(nodes []string) string {
	have := make(map[string]bool, len(s.state.Nodes))
	for _, node := range s.state.Nodes {
		have[node.Name] = true
	}
	for _, name := range nodes {
		if !have[name] {
			return name
		}
	}
	return ""
}
