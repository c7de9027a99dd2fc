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

// noPriority is the priority of a pod without class. All pods share it, so nothing here writes
// through it.
var noPriority int32

// lowerPriority is the policy of pods and classes that name none. It is shared likewise.
var lowerPriority = corev1.PreemptLowerPriority

// resolvePriority turns the priority class into a number and a preemption policy
// (plugin/pkg/admission/priority/admission.go, admitPod).
func resolvePriority(state *cluster.State, pod *corev1.Pod) *Refusal {
	named := pod.Spec.PriorityClassName
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
		return forbidden(pod, "the integer value of priority (%d) must not be provided in pod spec; priority "+
			"admission controller computed %d from the given PriorityClass name", *pod.Spec.Priority, *value)
	}
	pod.Spec.Priority = value
	policy := &lowerPriority
	if class != nil {
		pod.Spec.PriorityClassName = class.Name
		policy = policyOf(class)
	}
	if own := pod.Spec.PreemptionPolicy; own != nil && *own != *policy {
		if named == "" {
			return nil // resolved elsewhere
		}
		return forbidden(pod, "the string value of PreemptionPolicy (%s) must not be provided in pod spec; priority "+
			"admission controller computed %s from the given PriorityClass name", *own, *policy)
	}
	pod.Spec.PreemptionPolicy = policy
	return nil
}

// policyOf returns the class's preemption policy as stored (pkg/apis/scheduling/v1/defaults.go:32).
func policyOf(class *schedulingv1.PriorityClass) *corev1.PreemptionPolicy {
	if class.PreemptionPolicy == nil {
		return &lowerPriority
	}
	return class.PreemptionPolicy
}

// classOf returns the pod's class and its value. It returns only a value for a class built into
// every cluster, and for a pod without class where none is the default. It returns neither for a
// class that does not exist.
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

// defaultPriorityClass returns the global default: of several, the one of the lowest value.
func defaultPriorityClass(state *cluster.State) *schedulingv1.PriorityClass {
	var found *schedulingv1.PriorityClass
	for _, class := range state.PriorityClasses {
		if class.GlobalDefault && (found == nil || found.Value > class.Value) {
			found = class
		}
	}
	return found
}
