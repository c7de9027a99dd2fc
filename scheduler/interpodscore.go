package scheduler

import (
	"context"
	"math"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
)

// affinityScore does InterPodAffinity's PreScore, Score and NormalizeScore with the weights kept up
// to date.
type affinityScore struct {
	raw    []int64 // node: its score
	active bool    // some pod contributed: until then the plugin skips
	adds   []weighted
}

// weighted holds the addition of a placed replica to its domain.
type weighted struct {
	domains *domains
	weight  int64
}

func newAffinityScore(ctx context.Context, n *neighbours, args *config.InterPodAffinityArgs) (*affinityScore, error) {
	t := n.topology
	s := &affinityScore{raw: make([]int64, len(t.nodes))}
	a := n.pod.Spec.Affinity
	preferring := prefers(n.pod.Spec.Affinity)
	if args.IgnorePreferredTermsOfExistingPods && !preferring {
		return s, nil
	}
	for i, node := range t.nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(node.Node().Labels) == 0 {
			continue
		}
		pods := node.GetPodsWithAffinity()
		if preferring {
			pods = node.GetPods()
		}
		for _, p := range pods {
			s.contributions(n, p, args.HardPodAffinityWeight,
				func(key string, w int64) { s.add(weighted{t.key(key), w}, i) })
		}
	}
	if preferring || (a != nil && (a.PodAffinity != nil || a.PodAntiAffinity != nil)) {
		s.contributions(n, n.plain, args.HardPodAffinityWeight, func(key string, w int64) {
			s.adds = append(s.adds, weighted{t.key(key), w})
		})
	}
	return s, nil
}

// prefers reports whether a pod has preferred terms of its own.
func prefers(a *corev1.Affinity) bool {
	if a == nil {
		return false
	}
	return a.PodAffinity != nil && len(a.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution) > 0 ||
		a.PodAntiAffinity != nil && len(a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution) > 0
}

// contributions yields the weights that a pod on a node brings to each of its domains
// (processExistingPod).
func (s *affinityScore) contributions(n *neighbours, there fwk.PodInfo, hard int32, yield func(key string, w int64)) {
	pod := there.GetPod()
	for i := range n.info.PreferredAffinityTerms {
		if t := &n.info.PreferredAffinityTerms[i]; t.Matches(pod, nil) {
			yield(t.TopologyKey, int64(t.Weight))
		}
	}
	for i := range n.info.PreferredAntiAffinityTerms {
		if t := &n.info.PreferredAntiAffinityTerms[i]; t.Matches(pod, nil) {
			yield(t.TopologyKey, -int64(t.Weight))
		}
	}
	if hard > 0 {
		for _, t := range there.GetRequiredAffinityTerms() {
			if t.Matches(n.pod, n.nsLabels) {
				yield(t.TopologyKey, int64(hard))
			}
		}
	}
	for _, t := range there.GetPreferredAffinityTerms() {
		if t.Matches(n.pod, n.nsLabels) {
			yield(t.TopologyKey, int64(t.Weight))
		}
	}
	for _, t := range there.GetPreferredAntiAffinityTerms() {
		if t.Matches(n.pod, n.nsLabels) {
			yield(t.TopologyKey, -int64(t.Weight))
		}
	}
}

func (s *affinityScore) add(w weighted, node int) {
	if !w.domains.has[node] {
		return
	}
	s.active = true
	for _, i := range w.domains.nodes[w.domains.of[node]] {
		if w.domains.has[i] {
			s.raw[i] += w.weight
		}
	}
}

func (s *affinityScore) place(node int) {
	for _, w := range s.adds {
		s.add(w, node)
	}
}

func (s *affinityScore) span(feasible []int32) (least, most int64) {
	least, most = math.MaxInt64, math.MinInt64
	for _, n := range feasible {
		least, most = min(least, s.raw[n]), max(most, s.raw[n])
	}
	return least, most
}

func normalizeAffinity(raw, least, most int64) int64 {
	if most <= least {
		return 0
	}
	return int64(float64(fwk.MaxScore) * (float64(raw-least) / float64(most-least)))
}
