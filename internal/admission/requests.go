package admission

import (
	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"
)

// Requests returns the pod's requests in all, overhead included.
//
// resourcehelper.PodRequests adds the overhead to the pod's own resources in place. Quantities too
// large for an int64 are behind a pointer and would grow with every call, so it gets a copy of
// them.
func Requests(pod *corev1.Pod, options resourcehelper.PodResourcesOptions) corev1.ResourceList {
	return resourcehelper.PodRequests(guarded(pod), options)
}

// limits returns the pod's limits in the same way.
func limits(pod *corev1.Pod, options resourcehelper.PodResourcesOptions) corev1.ResourceList {
	return resourcehelper.PodLimits(guarded(pod), options)
}

func guarded(pod *corev1.Pod) *corev1.Pod {
	if pod.Spec.Resources == nil || pod.Spec.Overhead == nil {
		return pod
	}
	shallow := *pod
	shallow.Spec.Resources = pod.Spec.Resources.DeepCopy()
	return &shallow
}
