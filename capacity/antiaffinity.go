package capacity

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/redline-go/redline/internal/cluster"
)

// antiAffinityTerm is one required anti-affinity term that pods on nodes have: each kept once,
// however many pods have it.
type antiAffinityTerm struct {
	owner      string // the first pod that has it
	namespaces []string
	selector   labels.Selector
	ofSpaces   labels.Selector // by the labels of the namespace; nil: none
}

// antiAffinityTerms gathers the terms of pods whose node has the topology label they are about;
// without it a term keeps nobody away.
func antiAffinityTerms(state *cluster.State) []antiAffinityTerm {
	var terms []antiAffinityTerm
	seen := map[string]bool{}
	for _, id := range state.PodOrder {
		pod, node := state.Pods[id], state.NodeOf[id]
		if node < 0 || pod.Spec.Affinity == nil || pod.Spec.Affinity.PodAntiAffinity == nil {
			continue
		}
		for i := range pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
			term := &pod.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[i]
			if _, ok := state.Nodes[node].Labels[term.TopologyKey]; !ok {
				continue
			}
			if t, key, ok := newAntiAffinityTerm(pod, term); ok && !seen[key] {
				seen[key] = true
				terms = append(terms, t)
			}
		}
	}
	return terms
}

// newAntiAffinityTerm is false for a term that cannot be parsed, which the scheduler leaves out.
func newAntiAffinityTerm(pod *corev1.Pod, term *corev1.PodAffinityTerm) (t antiAffinityTerm, key string, ok bool) {
	t = antiAffinityTerm{owner: pod.Namespace + "/" + pod.Name, namespaces: slices.Sorted(slices.Values(term.Namespaces))}
	if len(t.namespaces) == 0 && term.NamespaceSelector == nil {
		t.namespaces = []string{pod.Namespace}
	}
	var err error
	if t.selector, err = metav1.LabelSelectorAsSelector(term.LabelSelector); err != nil {
		return t, "", false
	}
	key = strings.Join(t.namespaces, ",") + "\x00" + t.selector.String()
	if term.NamespaceSelector != nil {
		if t.ofSpaces, err = metav1.LabelSelectorAsSelector(term.NamespaceSelector); err != nil {
			return t, "", false
		}
		key += "\x00" + t.ofSpaces.String()
	}
	if t.selector.Empty() {
		key += "\x00all" // prints like the selector of nothing
	}
	return t, key, true
}

// keepsAway: the term is about the question's pod (k8s.io/kube-scheduler/framework,
// AffinityTerm.Matches).
func (t *antiAffinityTerm) keepsAway(q *question) bool {
	if _, found := slices.BinarySearchFunc(t.namespaces, q.pod.Namespace, cmp.Compare[string]); !found {
		if t.ofSpaces == nil || !t.ofSpaces.Matches(q.namespaceLabels()) {
			return false
		}
	}
	return t.selector.Matches(labels.Set(q.pod.Labels))
}

// namespaceLabels are those of the workload's namespace; one that the snapshot lacks has none.
func (q *question) namespaceLabels() labels.Set {
	if ns := cluster.Find(q.state.Namespaces, "", q.pod.Namespace); ns != nil {
		return ns.Labels
	}
	return nil
}
