package admission

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mergeLabelKeys puts the pod's own values of matchLabelKeys and mismatchLabelKeys into the
// selectors beside them. kube-scheduler does not look at the keys of pod affinity, only at the
// stored selector (pkg/registry/core/pod/strategy.go:885, mutatePodAffinity and
// mutateTopologySpreadConstraints).
func mergeLabelKeys(pod *corev1.Pod) {
	if a := pod.Spec.Affinity; a != nil {
		if a.PodAffinity != nil {
			mergeTerms(a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution,
				a.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution, pod.Labels)
		}
		if a.PodAntiAffinity != nil {
			mergeTerms(a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution,
				a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution, pod.Labels)
		}
	}
	for i := range pod.Spec.TopologySpreadConstraints {
		c := &pod.Spec.TopologySpreadConstraints[i]
		mergeKeys(c.LabelSelector, c.MatchLabelKeys, metav1.LabelSelectorOpIn, pod.Labels)
	}
}

func mergeTerms(required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm, own map[string]string) {
	for i := range required {
		mergeTerm(&required[i], own)
	}
	for i := range preferred {
		mergeTerm(&preferred[i].PodAffinityTerm, own)
	}
}

func mergeTerm(term *corev1.PodAffinityTerm, own map[string]string) {
	mergeKeys(term.LabelSelector, term.MatchLabelKeys, metav1.LabelSelectorOpIn, own)
	mergeKeys(term.LabelSelector, term.MismatchLabelKeys, metav1.LabelSelectorOpNotIn, own)
}

// mergeKeys adds a requirement for each key that the pod has. A missing selector selects nothing,
// and stays so.
func mergeKeys(selector *metav1.LabelSelector, keys []string, operator metav1.LabelSelectorOperator,
	own map[string]string) {
	if selector == nil {
		return
	}
	for _, key := range keys {
		if value, ok := own[key]; ok {
			selector.MatchExpressions = append(selector.MatchExpressions,
				metav1.LabelSelectorRequirement{Key: key, Operator: operator, Values: []string{value}})
		}
	}
}
