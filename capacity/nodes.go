package capacity

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// NodesNeeded returns how many more nodes like the one given would let all replicas run that the
// quotas admit. It returns 0 when the cluster holds them already. Pods that DaemonSets would start
// on a new node are not known here: leave their requests out of the node's allocatable.
//
// It returns an error, with the reason, when such a node takes not even one replica. A workload
// that needs an engine is an error, too: its room does not grow by the same number with each node.
func (s *Snapshot) NodesNeeded(ctx context.Context, w Workload, node *corev1.Node) (int, error) {
	if node == nil {
		return 0, errors.New("capacity: NodesNeeded: node is nil, want the node to add")
	}
	answer, err := s.Fit(ctx, w)
	if err != nil || answer.Pending == 0 {
		return 0, err
	}
	wider, added, err := s.withOne(node)
	if err != nil {
		return 0, err
	}
	grown, err := wider.Fit(ctx, w)
	if err != nil {
		return 0, err
	}
	for _, n := range grown.Nodes {
		if n.Node() != added {
			continue
		}
		if n.Room() == 0 {
			return 0, fmt.Errorf("capacity: NodesNeeded: node %q takes none of the %d pending replicas: %s", node.Name,
				answer.Pending, n.Reason())
		}
		return (answer.Pending-1)/n.Room() + 1, nil
	}
	return 0, fmt.Errorf("capacity: NodesNeeded: %s", answer.Message)
}

// withOne adds one node like the one given, under a name and hostname of its own.
func (s *Snapshot) withOne(node *corev1.Node) (*Snapshot, string, error) {
	added := node.DeepCopy()
	added.Name = s.freeName(node.Name)
	if _, ok := added.Labels[corev1.LabelHostname]; ok {
		added.Labels[corev1.LabelHostname] = added.Name
	}
	wider, err := s.With(added)
	return wider, added.Name, err
}

// freeName returns a name that no node of the snapshot has.
func (s *Snapshot) freeName(base string) string {
	if base == "" {
		base = "node"
	}
	have := make(map[string]bool, len(s.table.names))
	for _, name := range s.table.names {
		have[name] = true
	}
	for i := 1; ; i++ {
		if name := fmt.Sprintf("%s-added-%d", base, i); !have[name] {
			return name
		}
	}
}
