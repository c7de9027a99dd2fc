package admission

import (
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"

	"github.com/redline-go/redline/internal/cluster"
)

// systemPriorities exist in every cluster (pkg/apis/scheduling/types.go,
// SystemCriticalPriority and SystemCriticalPriority+1000).
var systemPriorities = map[string]int32{
	"system-cluster-critical": 2000000000,
	"system-node-critical":    2000001000,
}

// noPriority is that of a pod without class, shared by all; nothing here writes through it.
var noPriority int32

// resolvePriority turns the priority class into a number and a preemption policy
// (plugin/pkg/admission/priority/admission.go, admitPod).
func resolvePriority(state *cluster.State, pod *corev1.Pod) *Refusal {
	class, value := classOf(state, pod)
	if class == nil && value == nil {
		if pod.Spec.Priority != nil {
			return nil // resolved elsewhere
		}
		return forbidden(pod, "no PriorityClass with name %v was found", pod.Spec.PriorityClassName)
	}
	if pod.Spec.Priority != nil {
		if pod.Spec.PriorityClassName == "" || *pod.Spec.Priority == *value {
			return nil
		}
		return forbidden(pod, "the integer value of priority (%d) must not be provided in pod spec; priority admission controller computed %d from the given PriorityClass name", *pod.Spec.Priority, *value)
	}
	pod.Spec.Priority = value
	if class == nil {
		return nil
	}
	pod.Spec.PriorityClassName = class.Name
	if class.PreemptionPolicy == nil {
		return nil
	}
	if own := pod.Spec.PreemptionPolicy; own != nil && *own != *class.PreemptionPolicy {
		return forbidden(pod, "the string value of PreemptionPolicy (%s) must not be provided in pod spec; priority admission controller computed %s from the given PriorityClass name", *own, *class.PreemptionPolicy)
	}
	pod.Spec.PreemptionPolicy = class.PreemptionPolicy
	return nil
}

// classOf is the pod's class and its value; only a value for a class built into every cluster, or
// for a pod without class where none is the default; neither for a class that does not exist.
func classOf(state *cluster.State, pod *corev1.Pod) (*schedulingv1.PriorityClass, *int32) {
	name := pod.Spec.PriorityClassName
	if name == "" {
		if class := defaultPriorityClass(state); class != nil {
			return class, &class.Value
		}
		return nil, &noPriority
	}
	if class := cluster.Find(state.PriorityClasses, "", name); class != nil {
		return class, &class.Value
	}
	if value, ok := systemPriorities[name]; ok {
		return nil, &value
	}
	return nil, nil
}

// defaultPriorityClass is the global default; of several, the one of the lowest value.
func defaultPriorityClass(state *cluster.State) *schedulingv1.PriorityClass {
	var found *schedulingv1.PriorityClass
	for _, class := range state.PriorityClasses {
		if class.GlobalDefault && (found == nil || found.Value > class.Value) {
			found = class
		}
	}
	return found
}
