package admission

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"

	"github.com/redline-go/redline/internal/cluster"
)

type resourceQuantity = resource.Quantity

// podCount counts every stored pod, ended or not. corev1.ResourcePods counts only those that run.
const podCount corev1.ResourceName = "count/pods"

// Used returns the usage of a quota: its status or, where that says nothing yet, the sum over the
// pods of the snapshot. The quota controller will write that sum there.
func Used(state *cluster.State, quota *corev1.ResourceQuota) corev1.ResourceList {
	used := corev1.ResourceList{}
	complete := true
	for name := range quota.Spec.Hard {
		if q, ok := quota.Status.Used[name]; ok {
			used[name] = q
		} else {
			complete = false
		}
	}
	if complete {
		return used
	}
	for name, q := range Charged(state, quota) {
		if _, ok := used[name]; !ok {
			used[name] = q
		}
	}
	return used
}

// Charged sums the pods' usage of the resources that the quota limits.
func Charged(state *cluster.State, quota *corev1.ResourceQuota) corev1.ResourceList {
	used := corev1.ResourceList{}
	for name := range quota.Spec.Hard {
		if podResource(name) {
			used[name] = *resource.NewQuantity(0, resource.DecimalSI)
		}
	}
	now := state.AsOf()
	for _, pod := range cluster.In(state.Pods, quota.Namespace) {
		if !inScopes(quota, pod) {
			continue
		}
		for name, q := range Usage(pod, now) {
			if sum, ok := used[name]; ok {
				sum.Add(q)
				used[name] = sum
			}
		}
	}
	return used
}

// Usage returns the charge of one pod (pkg/quota/v1/evaluator/core/pods.go:381, PodUsageFunc). An
// ended pod is only counted, and so is one that should have been gone before now. A zero now is the
// past.
func Usage(pod *corev1.Pod, now time.Time) corev1.ResourceList {
	use := corev1.ResourceList{}
	if running(pod, now) {
		options := resourcehelper.PodResourcesOptions{UseStatusResources: true}
		use = computeUsage(Requests(pod, options), limits(pod, options))
	}
	use[podCount] = *resource.NewQuantity(1, resource.DecimalSI)
	return use
}

// running reports whether a quota charges the pod's resources, as upstream's QuotaV1Pod does.
func running(pod *corev1.Pod, now time.Time) bool {
	if cluster.Finished(pod) {
		return false
	}
	if pod.DeletionTimestamp == nil || pod.DeletionGracePeriodSeconds == nil {
		return true
	}
	grace := time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second
	return !now.After(pod.DeletionTimestamp.Add(grace))
}

// computeUsage names requests and limits as quotas do (podComputeUsageHelper).
func computeUsage(requests, limits corev1.ResourceList) corev1.ResourceList {
	use := corev1.ResourceList{corev1.ResourcePods: *resource.NewQuantity(1, resource.DecimalSI)}
	for name, q := range requests {
		switch {
		case slices.Contains(native, name), strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix):
			use[name] = q
			use["requests."+name] = q
		case isExtended(name), strings.HasPrefix(string(name), resourcev1.ResourceDeviceClassPrefix):
			use["requests."+name] = q
		}
	}
	for _, name := range native {
		if q, ok := limits[name]; ok {
			use["limits."+name] = q
		}
	}
	return use
}

var native = []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage}

// podResource reports whether a quota's resource is about pods (podEvaluator.MatchingResources).
func podResource(name corev1.ResourceName) bool {
	switch name {
	case podCount, corev1.ResourcePods:
		return true
	}
	plain := corev1.ResourceName(strings.TrimPrefix(strings.TrimPrefix(string(name), "requests."), "limits."))
	if slices.Contains(native, plain) {
		return true
	}
	requests := strings.HasPrefix(string(name), "requests.")
	return strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix) ||
		strings.HasPrefix(string(name), corev1.ResourceRequestsHugePagesPrefix) ||
		requests && (!IsNative(name) ||
			strings.HasPrefix(string(name), "requests."+resourcev1.ResourceDeviceClassPrefix))
}

func nonZero(list corev1.ResourceList) corev1.ResourceList {
	for name, q := range list {
		if q.IsZero() {
			delete(list, name)
		}
	}
	return list
}
