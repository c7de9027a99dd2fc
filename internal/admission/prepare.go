package admission

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"
)

// prepareForCreate fills in what the pod registry does after the mutating plugins, of the fields
// that scheduling reads (pkg/registry/core/pod/strategy.go, PrepareForCreate).
func prepareForCreate(pod *corev1.Pod) {
	mergeLabelKeys(pod)
	podLevel := pod.Spec.Resources
	if podLevel == nil || len(podLevel.Requests)+len(podLevel.Limits) == 0 {
		return
	}
	containers := &corev1.Pod{Spec: corev1.PodSpec{Containers: pod.Spec.Containers,
		InitContainers: pod.Spec.InitContainers}}
	podHugePageLimits(podLevel, containers)
	podLevelRequests(podLevel, containers)
	podLevelLimits(podLevel, containers)
}

// podHugePageLimits limits huge pages for the pod at the sum of its containers' limits, where the
// pod does not name them (pkg/api/pod/util.go:2283).
func podHugePageLimits(podLevel *corev1.ResourceRequirements, containers *corev1.Pod) {
	for name, limit := range resourcehelper.AggregateContainerLimits(containers, resourcehelper.PodResourcesOptions{}) {
		if !strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix) {
			continue
		}
		if _, ok := podLevel.Requests[name]; !ok {
			podLevel.Limits = fillIn(podLevel.Limits, corev1.ResourceList{name: limit})
		}
	}
}

// podLevelRequests fills in the pod's requests from its containers' requests, or else from the
// pod's limit (pkg/api/pod/util.go:2320).
func podLevelRequests(podLevel *corev1.ResourceRequirements, containers *corev1.Pod) {
	sum := resourcehelper.AggregateContainerRequests(containers, resourcehelper.PodResourcesOptions{})
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if q, ok := sum[name]; ok {
			podLevel.Requests = fillIn(podLevel.Requests, corev1.ResourceList{name: q})
		}
	}
	for name, limit := range podLevel.Limits {
		if resourcehelper.IsSupportedPodLevelResource(name) {
			podLevel.Requests = fillIn(podLevel.Requests, corev1.ResourceList{name: limit})
		}
	}
}

// podLevelLimits limits for the pod what it requests and every container limits. The limit is the
// containers' sum, or the pod's request if that is more (pkg/api/pod/util.go:2356).
func podLevelLimits(podLevel *corev1.ResourceRequirements, containers *corev1.Pod) {
	sum := resourcehelper.AggregateContainerLimits(containers, resourcehelper.PodResourcesOptions{})
	for name, request := range podLevel.Requests {
		limit, ok := sum[name]
		if !ok || !resourcehelper.IsSupportedPodLevelResource(name) || !allLimit(containers, name) {
			continue
		}
		if request.Cmp(limit) > 0 {
			limit = request
		}
		podLevel.Limits = fillIn(podLevel.Limits, corev1.ResourceList{name: limit})
	}
}

func allLimit(pod *corev1.Pod, name corev1.ResourceName) bool {
	for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range containers {
			if _, ok := containers[i].Resources.Limits[name]; !ok {
				return false
			}
		}
	}
	return true
}
