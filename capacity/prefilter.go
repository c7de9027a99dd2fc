package capacity

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

// preFilter holds the nodes that a pod names to run on. kube-scheduler then looks at no others
// (schedule_one.go, findNodesThatFitPod).
type preFilter struct {
	nodes   sets.Set[string]
	plugins []string // those that named nodes, sorted
	message string   // the whole sentence if no node can be meant, else empty
}

// newPreFilter returns nil for a pod that names no nodes.
func newPreFilter(pod *corev1.Pod) *preFilter {
	f := &preFilter{}
	if name := pod.Spec.NodeName; name != "" {
		f.restrict("NodeName", sets.New(name))
	}
	affinity := namedByAffinity(pod)
	if affinity != nil && len(affinity) == 0 {
		return &preFilter{nodes: affinity, message: "pod affinity terms conflict"}
	}
	if affinity != nil {
		f.restrict("NodeAffinity", affinity)
	}
	if f.plugins == nil {
		return nil
	}
	slices.Sort(f.plugins)
	switch {
	case len(f.nodes) > 0:
	case len(f.plugins) == 1:
		f.message = "node(s) didn't satisfy plugin " + f.plugins[0]
	default:
		f.message = fmt.Sprintf("node(s) didn't satisfy plugin(s) %v simultaneously", f.plugins)
	}
	return f
}

func (f *preFilter) restrict(plugin string, nodes sets.Set[string]) {
	if f.plugins != nil {
		nodes = f.nodes.Intersection(nodes)
	}
	f.nodes, f.plugins = nodes, append(f.plugins, plugin)
}

func (f *preFilter) has(node string) bool { return f.nodes.Has(node) }

// absent returns the reason given for the nodes not looked at.
func (f *preFilter) absent() string {
	return "node(s) didn't satisfy plugin(s) [" + strings.Join(f.plugins, " ") + "]"
}

// namedByAffinity returns the nodes that every term of the required affinity names with
// metadata.name. The set is empty when the terms contradict themselves, and nil when a term names
// none (P/nodeaffinity/node_affinity.go:150, PreFilter).
func namedByAffinity(pod *corev1.Pod) sets.Set[string] {
	a := pod.Spec.Affinity
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return nil
	}
	var all sets.Set[string]
	for _, term := range a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		var named sets.Set[string]
		for _, r := range term.MatchFields {
			if r.Key != metav1.ObjectNameField || r.Operator != corev1.NodeSelectorOpIn {
				continue
			}
			if named == nil {
				named = sets.New(r.Values...)
			} else {
				named = named.Intersection(sets.New(r.Values...))
			}
		}
		if named == nil {
			return nil
		}
		all = all.Union(named)
	}
	return all
}
