package admission

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/redline-go/redline/internal/cluster"
)

// Liberties names the parts of a template that the server would refuse in a new pod but that are
// counted as they stand. They are a priority or a policy other than the class gives, as stored pods
// may have, and requests without a limit of resources that must be limited, which the scheduler can
// count. admitted is the pod that Admit made of the template.
func Liberties(state *cluster.State, spec, admitted *corev1.PodSpec) (taken []string) {
	class, value := classOf(state, &corev1.Pod{Spec: corev1.PodSpec{PriorityClassName: spec.PriorityClassName}})
	if spec.Priority != nil && value != nil && *value != *spec.Priority {
		taken = append(taken, fmt.Sprintf("spec.priority is %d, its class gives %d", *spec.Priority, *value))
	}
	policy := &lowerPriority
	if class != nil {
		policy = policyOf(class)
	}
	if own := spec.PreemptionPolicy; own != nil && *own != *policy && value != nil {
		taken = append(taken, fmt.Sprintf("spec.preemptionPolicy is %s, its class gives %s", *own, *policy))
	}
	for i := range admitted.Containers {
		taken = unlimited(taken, "containers", i, &admitted.Containers[i].Resources)
	}
	for i := range admitted.InitContainers {
		taken = unlimited(taken, "initContainers", i, &admitted.InitContainers[i].Resources)
	}
	return taken
}

// unlimited names the resources that a container requests without the limit they must have
// (pkg/apis/core/validation/validation.go, validateResourceRequirements).
func unlimited(taken []string, field string, i int, r *corev1.ResourceRequirements) []string {
	missing := false
	for name := range r.Requests {
		if _, ok := r.Limits[name]; !ok && !mayBeOvercommitted(name) {
			missing = true
		}
	}
	if !missing {
		return taken
	}
	for _, name := range sortedNames(r.Requests) {
		if _, ok := r.Limits[name]; !ok && !mayBeOvercommitted(name) {
			taken = append(taken, fmt.Sprintf("spec.%s[%d].resources.requests has %s, limits has not", field, i, name))
		}
	}
	return taken
}
