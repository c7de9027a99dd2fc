package admission

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	resourcehelper "k8s.io/component-helpers/resource"
)

// matchesQuota reports whether the quota limits anything about pods and the pod is in all its
// scopes.
func matchesQuota(quota *corev1.ResourceQuota, pod *corev1.Pod) bool {
	for name := range quota.Spec.Hard {
		if podResource(name) {
			return inScopes(quota, pod)
		}
	}
	return false
}

func inScopes(quota *corev1.ResourceQuota, pod *corev1.Pod) bool {
	for _, scope := range quota.Spec.Scopes {
		if !inScope(corev1.ScopedResourceSelectorRequirement{ScopeName: scope, Operator: corev1.ScopeSelectorOpExists},
			pod) {
			return false
		}
	}
	if quota.Spec.ScopeSelector == nil {
		return true
	}
	for _, requirement := range quota.Spec.ScopeSelector.MatchExpressions {
		if !inScope(requirement, pod) {
			return false
		}
	}
	return true
}

// inScope reports whether the pod is in a scope, as upstream's podMatchesScopeFunc does
// (pkg/quota/v1/evaluator/core/pods.go:350).
func inScope(r corev1.ScopedResourceSelectorRequirement, pod *corev1.Pod) bool {
	switch r.ScopeName {
	case corev1.ResourceQuotaScopeTerminating:
		return hasDeadline(pod)
	case corev1.ResourceQuotaScopeNotTerminating:
		return !hasDeadline(pod)
	case corev1.ResourceQuotaScopeBestEffort:
		return bestEffort(pod)
	case corev1.ResourceQuotaScopeNotBestEffort:
		return !bestEffort(pod)
	case corev1.ResourceQuotaScopePriorityClass:
		return classSelected(r, pod)
	case corev1.ResourceQuotaScopeCrossNamespacePodAffinity:
		return crossesNamespaces(pod.Spec.Affinity)
	}
	return false
}

func hasDeadline(pod *corev1.Pod) bool {
	return pod.Spec.ActiveDeadlineSeconds != nil && *pod.Spec.ActiveDeadlineSeconds >= 0
}

func classSelected(r corev1.ScopedResourceSelectorRequirement, pod *corev1.Pod) bool {
	operator, ok := map[corev1.ScopeSelectorOperator]selection.Operator{
		corev1.ScopeSelectorOpIn: selection.In, corev1.ScopeSelectorOpNotIn: selection.NotIn,
		corev1.ScopeSelectorOpExists: selection.Exists, corev1.ScopeSelectorOpDoesNotExist: selection.DoesNotExist,
	}[r.Operator]
	if !ok {
		return false
	}
	requirement, err := labels.NewRequirement(string(r.ScopeName), operator, r.Values)
	if err != nil {
		return false
	}
	has := labels.Set{}
	if pod.Spec.PriorityClassName != "" {
		has[string(r.ScopeName)] = pod.Spec.PriorityClassName
	}
	return requirement.Matches(has)
}

// bestEffort reports whether the status says so, or nothing asks for cpu or memory
// (pkg/apis/core/v1/helper/qos/qos.go).
func bestEffort(pod *corev1.Pod) bool {
	if pod.Status.QOSClass != "" {
		return pod.Status.QOSClass == corev1.PodQOSBestEffort
	}
	if resourcehelper.IsPodLevelResourcesSet(pod) {
		return asksNothing(pod.Spec.Resources)
	}
	for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range containers {
			if !asksNothing(&containers[i].Resources) {
				return false
			}
		}
	}
	return true
}

func asksNothing(r *corev1.ResourceRequirements) bool {
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, limit := r.Requests[name], r.Limits[name]
		if !request.IsZero() || !limit.IsZero() {
			return false
		}
	}
	return true
}

func crossesNamespaces(affinity *corev1.Affinity) bool {
	if affinity == nil {
		return false
	}
	var terms []corev1.PodAffinityTerm
	if a := affinity.PodAffinity; a != nil {
		terms = allTerms(terms, a.RequiredDuringSchedulingIgnoredDuringExecution,
			a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if a := affinity.PodAntiAffinity; a != nil {
		terms = allTerms(terms, a.RequiredDuringSchedulingIgnoredDuringExecution,
			a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	for i := range terms {
		if len(terms[i].Namespaces) > 0 || terms[i].NamespaceSelector != nil {
			return true
		}
	}
	return false
}

func allTerms(terms, required []corev1.PodAffinityTerm,
	preferred []corev1.WeightedPodAffinityTerm) []corev1.PodAffinityTerm {
	terms = append(terms, required...)
	for i := range preferred {
		terms = append(terms, preferred[i].PodAffinityTerm)
	}
	return terms
}
