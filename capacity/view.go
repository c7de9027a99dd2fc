package capacity

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// view holds the free amounts and taken ports of the nodes in the eyes of one pod. Room that was
// made for a waiting pod of no lower priority is taken
// (k8s.io/kubernetes/pkg/scheduler/framework/runtime/framework.go:1275).
type view struct {
	free  [][]int64
	ports map[int32][]hostPort
}

// see fills in the view of the question's pod.
func (q *question) see(p *probe, v *view) {
	*v = view{q.table.free, q.table.ports}
	copied := false
	for _, n := range q.table.nominated {
		if q.isReplica(n.pod) || priorityOf(n.pod) < p.priority {
			continue
		}
		if !copied {
			*v = view{cloneColumns(v.free), maps.Clone(v.ports)}
			copied = true
		}
		v.take(q.table, n)
	}
}

func (v *view) take(t *table, n nominated) {
	var use usage
	use.of(n.pod)
	v.free[colPods][n.node]--
	v.free[colCPU][n.node] -= use.cpu
	v.free[colMemory][n.node] -= use.memory
	v.free[colEphemeral][n.node] -= use.ephemeral
	for _, s := range use.scalars {
		if c, ok := t.column[s.name]; ok {
			v.free[c][n.node] -= s.value
		}
	}
	if ports := addHostPorts(nil, &n.pod.Spec); ports != nil {
		v.ports[n.node] = append(slices.Clone(v.ports[n.node]), ports...)
	}
}

func cloneColumns(columns [][]int64) [][]int64 {
	cloned := make([][]int64, len(columns))
	for i := range columns {
		cloned[i] = slices.Clone(columns[i])
	}
	return cloned
}

func (q *question) isReplica(pod *corev1.Pod) bool {
	return q.w.Selector != nil && pod.Namespace == q.pod.Namespace && selects(q.w.Selector, pod)
}
