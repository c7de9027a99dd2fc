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

// antiAffinityTerm holds one required anti-affinity term of pods on nodes. Equal terms are kept
// once.
type antiAffinityTerm struct {
	owner      string // the first pod that has it
	namespaces []string
	selector   labels.Selector
	ofSpaces   labels.Selector // by the labels of the namespace, or nil
}

// antiAffinityTerms gathers the terms of pods whose node has the term's topology label. Without
// that label a term keeps nobody away.
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

// newAntiAffinityTerm returns the term of a pod and a key that equal terms share. It returns false
// for a term that cannot be parsed, which the scheduler leaves out.
func newAntiAffinityTerm(pod *corev1.Pod, term *corev1.PodAffinityTerm) (t antiAffinityTerm, key string, ok bool) {
	t = antiAffinityTerm{owner: pod.Namespace + "/" + pod.Name,
		namespaces: slices.Sorted(slices.Values(term.Namespaces))}
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

// keepsAway reports whether the term matches the question's pod (k8s.io/kube-scheduler/framework,
// AffinityTerm.Matches).
func (t *antiAffinityTerm) keepsAway(q *question) bool {
	if _, found := slices.BinarySearchFunc(t.namespaces, q.pod.Namespace, cmp.Compare[string]); !found {
		if t.ofSpaces == nil || !t.ofSpaces.Matches(q.namespaceLabels()) {
			return false
		}
	}
	return t.selector.Matches(labels.Set(q.pod.Labels))
}

// namespaceLabels returns the labels of the workload's namespace, or none if the snapshot lacks it.
func (q *question) namespaceLabels() labels.Set {
	if ns := cluster.Find(q.state.Namespaces, "", q.pod.Namespace); ns != nil {
		return ns.Labels
	}
	return nil
}
