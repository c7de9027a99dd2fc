package admission

import (
	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"
)

// Requests is what a pod requests in all, overhead included.
//
// It is resourcehelper.PodRequests, which adds the overhead to the pod's own resources in place:
// quantities too large for an int64 are behind a pointer, and would grow with every call.
func Requests(pod *corev1.Pod, options resourcehelper.PodResourcesOptions) corev1.ResourceList {
	return resourcehelper.PodRequests(guarded(pod), options)
}

// limits is the same for what a pod may use at most.
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
