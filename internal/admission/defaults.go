package admission

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Default fills in the defaults that the API server sets when it decodes a pod, of the fields that
// scheduling or quota read (pkg/apis/core/v1/defaults.go:164, SetDefaults_Pod and
// SetDefaults_PodSpec).
func Default(pod *corev1.Pod) {
	spec := &pod.Spec
	if spec.SchedulerName == "" {
		spec.SchedulerName = corev1.DefaultSchedulerName
	}
	for _, containers := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for i := range containers {
			defaultContainer(&containers[i], spec.HostNetwork)
		}
	}
	roundUp(spec.Overhead)
	if spec.Resources != nil {
		roundUp(spec.Resources.Requests)
		roundUp(spec.Resources.Limits)
	}
}

func defaultContainer(c *corev1.Container, hostNetwork bool) {
	roundUp(c.Resources.Requests)
	roundUp(c.Resources.Limits)
	limitsBecomeRequests(&c.Resources)
	for j := range c.Ports {
		port := &c.Ports[j]
		if port.Protocol == "" {
			port.Protocol = corev1.ProtocolTCP
		}
		if hostNetwork && port.HostPort == 0 {
			port.HostPort = port.ContainerPort
		}
	}
}

// limitsBecomeRequests makes a limit without a request also the request.
func limitsBecomeRequests(r *corev1.ResourceRequirements) {
	for name, limit := range r.Limits {
		if _, ok := r.Requests[name]; ok {
			continue
		}
		if r.Requests == nil {
			r.Requests = corev1.ResourceList{}
		}
		r.Requests[name] = limit.DeepCopy()
	}
}

// roundUp brings quantities to the API's precision (SetDefaults_ResourceList).
func roundUp(list corev1.ResourceList) {
	for name, q := range list {
		if q.RoundUp(resource.Milli) {
			continue // was exact
		}
		list[name] = q
	}
}
