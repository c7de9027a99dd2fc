package capacity

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"

	"github.com/redline-go/redline/internal/admission"
)

// usage holds a bound pod's share of its node, in the scheduler's units: thousandths of a core and
// whole bytes, each rounded up.
type usage struct {
	cpu, memory, ephemeral int64
	scalars                []scalar
}

type scalar struct {
	name  corev1.ResourceName
	value int64
}

// of fills in the usage of a pod. It reuses u's memory.
//
// A pod being resized holds the largest of what it asks, was granted and has
// (k8s.io/kubernetes/pkg/scheduler/framework/types.go:1376, CalculateResource).
func (u *usage) of(pod *corev1.Pod) {
	u.cpu, u.memory, u.ephemeral, u.scalars = 0, 0, 0, u.scalars[:0]
	if isPlain(pod) {
		u.sum(pod.Spec.Containers)
		return
	}
	u.add(admission.Requests(pod, resourcehelper.PodResourcesOptions{
		UseStatusResources: true, InPlacePodLevelResourcesVerticalScalingEnabled: true,
	}))
}

// isPlain reports whether nothing but the containers' requests counts, and their status does not
// differ from their spec.
func isPlain(pod *corev1.Pod) bool {
	if len(pod.Spec.InitContainers) > 0 || pod.Spec.Resources != nil || pod.Spec.Overhead != nil ||
		pod.Status.Resources != nil || pod.Status.AllocatedResources != nil {
		return false
	}
	for i := range pod.Status.ContainerStatuses {
		status := &pod.Status.ContainerStatuses[i]
		if status.AllocatedResources != nil || status.Resources != nil {
			return false
		}
	}
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == corev1.PodResizePending {
			return false
		}
	}
	return true
}

// sum adds up the requests of containers before any rounding, as PodRequests does.
func (u *usage) sum(containers []corev1.Container) {
	if len(containers) == 1 {
		u.add(containers[0].Resources.Requests)
		return
	}
	var cpu, memory, ephemeral resource.Quantity
	var others corev1.ResourceList
	for i := range containers {
		for name, q := range containers[i].Resources.Requests {
			switch name {
			case corev1.ResourceCPU:
				cpu.Add(q)
			case corev1.ResourceMemory:
				memory.Add(q)
			case corev1.ResourceEphemeralStorage:
				ephemeral.Add(q)
			default:
				if others == nil {
					others = corev1.ResourceList{}
				}
				sum := others[name].DeepCopy()
				sum.Add(q)
				others[name] = sum
			}
		}
	}
	u.cpu, u.memory, u.ephemeral = cpu.MilliValue(), memory.Value(), ephemeral.Value()
	u.add(others)
}

func (u *usage) add(list corev1.ResourceList) {
	for name, q := range list {
		switch name {
		case corev1.ResourceCPU:
			u.cpu += q.MilliValue()
		case corev1.ResourceMemory:
			u.memory += q.Value()
		case corev1.ResourceEphemeralStorage:
			u.ephemeral += q.Value()
		default:
			if isScalar(name) {
				u.scalars = append(u.scalars, scalar{name, q.Value()})
			}
		}
	}
}

// isScalar reports whether the scheduler counts a resource beside the basic four.
func isScalar(name corev1.ResourceName) bool { return admission.IsScalar(name) }
