package admission

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/redline-go/redline/internal/cluster"
)

// AdmitAsIs does PodOf and Admit without a copy, for a template that the server would store nearly
// as it stands. Most templates are such. The pod shares the template's memory and is only to be
// read. Its old tolerations are memory for the new ones. Its matchLabelKeys are not merged into its
// label selectors: for those, ask Admit.
//
// It returns false where the server would refuse, or change more than the pod's own fields. The pod
// is then of no use: ask PodOf and Admit.
func AdmitAsIs(state *cluster.State, namespace string, template *corev1.PodTemplateSpec, pod *corev1.Pod) bool {
	if namespace == "" {
		namespace = corev1.NamespaceDefault
	}
	if !isComplete(&template.Spec) || len(cluster.In(state.LimitRanges, namespace)) > 0 ||
		len(cluster.In(state.ResourceQuotas, namespace)) > 0 {
		return false
	}
	tolerations := append(pod.Spec.Tolerations[:0], template.Spec.Tolerations...)
	pod.Namespace, pod.Name, pod.GenerateName = namespace, template.Name, template.GenerateName
	pod.Labels, pod.Annotations = template.Labels, template.Annotations
	pod.Spec = template.Spec
	pod.Spec.Tolerations = tolerations
	if pod.Spec.SchedulerName == "" {
		pod.Spec.SchedulerName = corev1.DefaultSchedulerName
	}
	if namespaceLifecycle(state, pod) != nil || resolvePriority(state, pod) != nil {
		return false
	}
	tolerateNotReady(pod)
	return true
}

// isComplete reports that no default would change the containers, no plugin the pod's resources,
// and that no request is above its limit.
func isComplete(spec *corev1.PodSpec) bool {
	if len(spec.InitContainers) > 0 || spec.Resources != nil || spec.Overhead != nil ||
		spec.RuntimeClassName != nil || spec.HostNetwork {
		return false
	}
	for i := range spec.Containers {
		c := &spec.Containers[i]
		for j := range c.Ports {
			if c.Ports[j].HostPort != 0 {
				return false
			}
		}
		if !areComplete(&c.Resources) {
			return false
		}
	}
	return true
}

func areComplete(r *corev1.ResourceRequirements) bool {
	for name, request := range r.Requests {
		if !inMilli(request) {
			return false
		}
		if limit, ok := r.Limits[name]; ok && mustBe(name, request, limit) != "" {
			return false
		}
	}
	for name, limit := range r.Limits {
		if _, ok := r.Requests[name]; !ok || !inMilli(limit) {
			return false
		}
	}
	return true
}

// inMilli reports whether the quantity has no more than the API's precision. RoundUp works in place
// where a quantity is behind a pointer, so it gets a copy.
func inMilli(q resource.Quantity) bool {
	q = q.DeepCopy()
	return q.RoundUp(resource.Milli)
}

// mustBe returns the relation to its limit that validation wants of a request that breaks it, or
// "".
func mustBe(name corev1.ResourceName, request, limit resource.Quantity) string {
	switch {
	case !mayBeOvercommitted(name) && request.Cmp(limit) != 0:
		return "must be equal to"
	case request.Cmp(limit) > 0:
		return "must be less than or equal to"
	}
	return ""
}

// mayBeOvercommitted reports whether requests may be below limits, or without any
// (pkg/apis/core/v1/helper/helpers.go, IsOvercommitAllowed).
func mayBeOvercommitted(name corev1.ResourceName) bool {
	return IsNative(name) && !strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix)
}
