package scheduler

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/interpodaffinity"
)

// neighbours holds InterPodAffinity's view of a template: its terms with their namespaces resolved,
// and the terms it carries as a placed pod, which later replicas meet.
type neighbours struct {
	pod      *corev1.Pod
	info     *framework.PodInfo // namespaceSelectors merged: the incoming pod's side
	plain    *framework.PodInfo // as a placed pod carries them
	nsLabels labels.Set
	topology *topology
}

func (r *run) neighbours(pod *corev1.Pod, t *topology) (*neighbours, error) {
	n := &neighbours{pod: pod, topology: t}
	var err error
	if n.info, err = framework.NewPodInfo(pod); err != nil {
		return nil, err
	}
	if n.plain, err = framework.NewPodInfo(pod); err != nil {
		return nil, err
	}
	namespaces := r.shelf.Core().V1().Namespaces().Lister()
	n.nsLabels = interpodaffinity.GetNamespaceLabelsSnapshot(discard, pod.Namespace, namespaces)
	var terms []*fwk.AffinityTerm
	for i := range n.info.RequiredAffinityTerms {
		terms = append(terms, &n.info.RequiredAffinityTerms[i])
	}
	for i := range n.info.RequiredAntiAffinityTerms {
		terms = append(terms, &n.info.RequiredAntiAffinityTerms[i])
	}
	for i := range n.info.PreferredAffinityTerms {
		terms = append(terms, &n.info.PreferredAffinityTerms[i].AffinityTerm)
	}
	for i := range n.info.PreferredAntiAffinityTerms {
		terms = append(terms, &n.info.PreferredAntiAffinityTerms[i].AffinityTerm)
	}
	for _, term := range terms {
		if term.NamespaceSelector.Empty() {
			continue
		}
		list, err := namespaces.List(term.NamespaceSelector)
		if err != nil {
			return nil, err
		}
		for _, ns := range list {
			term.Namespaces.Insert(ns.Name)
		}
		term.NamespaceSelector = labels.Nothing()
	}
	return n, nil
}

func matchesAll(terms []fwk.AffinityTerm, pod *corev1.Pod) bool {
	for i := range terms {
		if !terms[i].Matches(pod, nil) {
			return false
		}
	}
	return len(terms) > 0
}

// affinityFilter does InterPodAffinity's Filter with its counts kept up to date. Pods are only ever
// added.
type affinityFilter struct {
	wanted    []wantedTerm // required affinity
	selfAll   bool         // a replica satisfies its own affinity
	none      bool         // nobody satisfies the affinity yet
	repelled  []bool       // node: the template's anti-affinity
	forbidden []bool       // node: the anti-affinity of pods that are there
	selfAnti  []*domains   // keys of the anti-affinity terms that a replica matches, as the incoming pod sees them
	carried   []*domains   // the same as a placed replica carries them
}

type wantedTerm struct {
	domains *domains
	count   []int32 // domain: pods that match all terms
}

var (
	unattracted = fwk.NewStatus(fwk.UnschedulableAndUnresolvable,
		interpodaffinity.ErrReasonAffinityRulesNotMatch).WithPlugin(interpodaffinity.Name)
	repels = fwk.NewStatus(fwk.Unschedulable, interpodaffinity.ErrReasonAntiAffinityRulesNotMatch).WithPlugin(
		interpodaffinity.Name)
	forbids = fwk.NewStatus(fwk.Unschedulable,
		interpodaffinity.ErrReasonExistingAntiAffinityRulesNotMatch).WithPlugin(interpodaffinity.Name)
)

func newAffinityFilter(ctx context.Context, n *neighbours) (*affinityFilter, error) {
	t := n.topology
	f := &affinityFilter{none: true, selfAll: matchesAll(n.info.RequiredAffinityTerms, n.pod),
		repelled: make([]bool, len(t.nodes)), forbidden: make([]bool, len(t.nodes))}
	for i := range n.info.RequiredAffinityTerms {
		d := t.key(n.info.RequiredAffinityTerms[i].TopologyKey)
		f.wanted = append(f.wanted, wantedTerm{d, make([]int32, len(d.nodes))})
	}
	for i, node := range t.nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f.meet(n, i, node)
	}
	for i := range n.info.RequiredAntiAffinityTerms {
		if n.info.RequiredAntiAffinityTerms[i].Matches(n.pod, nil) {
			f.selfAnti = append(f.selfAnti, t.key(n.info.RequiredAntiAffinityTerms[i].TopologyKey))
		}
	}
	for i := range n.plain.RequiredAntiAffinityTerms {
		if n.plain.RequiredAntiAffinityTerms[i].Matches(n.pod, n.nsLabels) {
			f.carried = append(f.carried, t.key(n.plain.RequiredAntiAffinityTerms[i].TopologyKey))
		}
	}
	return f, nil
}

// meet counts the pods that are on the node.
func (f *affinityFilter) meet(n *neighbours, i int, node fwk.NodeInfo) {
	if len(f.wanted) > 0 || len(n.info.RequiredAntiAffinityTerms) > 0 {
		for _, p := range node.GetPods() {
			if matchesAll(n.info.RequiredAffinityTerms, p.GetPod()) {
				f.attract(i)
			}
			for k := range n.info.RequiredAntiAffinityTerms {
				if term := &n.info.RequiredAntiAffinityTerms[k]; term.Matches(p.GetPod(), nil) {
					mark(f.repelled, n.topology.key(term.TopologyKey), i)
				}
			}
		}
	}
	for _, p := range node.GetPodsWithRequiredAntiAffinity() {
		terms := p.GetRequiredAntiAffinityTerms()
		for k := range terms {
			if terms[k].Matches(n.pod, n.nsLabels) {
				mark(f.forbidden, n.topology.key(terms[k].TopologyKey), i)
			}
		}
	}
}

// attract counts a pod that matches all terms of the affinity.
func (f *affinityFilter) attract(node int) {
	for _, w := range f.wanted {
		if w.domains.has[node] {
			w.count[w.domains.of[node]]++
			f.none = false
		}
	}
}

// mark sets every node of the node's domain. A node without the label has none.
func mark(nodes []bool, d *domains, node int) {
	if !d.has[node] {
		return
	}
	for _, i := range d.nodes[d.of[node]] {
		if d.has[i] {
			nodes[i] = true
		}
	}
}

func (f *affinityFilter) prepare() {}

func (f *affinityFilter) place(node int) {
	if f.selfAll {
		f.attract(node)
	}
	for _, d := range f.selfAnti {
		mark(f.repelled, d, node)
	}
	for _, d := range f.carried {
		mark(f.forbidden, d, node)
	}
}

func (f *affinityFilter) attracted(node int) bool {
	exist := true
	for _, w := range f.wanted {
		if !w.domains.has[node] {
			return false
		}
		if w.count[w.domains.of[node]] == 0 {
			exist = false
		}
	}
	return exist || (f.none && f.selfAll)
}

func (f *affinityFilter) ok(node int) bool {
	return !f.repelled[node] && !f.forbidden[node] && f.attracted(node)
}

func (f *affinityFilter) status(node int) *fwk.Status {
	switch {
	case !f.attracted(node):
		return unattracted
	case f.repelled[node]:
		return repels
	case f.forbidden[node]:
		return forbids
	}
	return nil
}
