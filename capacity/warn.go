package capacity

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/redline-go/redline/internal/admission"
)

// warn names the assumptions of the answer. An engine may have the profile of another scheduler, so
// byEngine leaves out the warning about the scheduler's name.
func (q *question) warn(byEngine bool) []error {
	warnings := slices.Clip(q.warnings)
	for _, liberty := range admission.Liberties(q.state, &q.w.Template.Spec, &q.pod.Spec) {
		warnings = append(warnings,
			fmt.Errorf("capacity: Workload.Template: %s; counted as it stands, though the API server refuses that in "+
				"a new pod", liberty))
	}
	if name := q.pod.Spec.SchedulerName; name != corev1.DefaultSchedulerName && !byEngine {
		warnings = append(warnings,
			fmt.Errorf("capacity: Workload.Template.Spec.SchedulerName is %q; the answer is what default-scheduler's "+
				"default profile would do", name))
	}
	if name := q.pod.Spec.NodeName; name != "" {
		warnings = append(warnings,
			fmt.Errorf("capacity: Workload.Template.Spec.NodeName is %q; such pods pass the scheduler by, and the "+
				"kubelet applies most of the same filters", name))
	}
	spec := &q.w.Template.Spec
	if q.refusal != nil && spec.PriorityClassName != "" && len(q.state.PriorityClasses) == 0 {
		warnings = append(warnings,
			fmt.Errorf("capacity: Workload.Template.Spec.PriorityClassName is %q, and the snapshot has no "+
				"PriorityClass, not even those of every cluster: get priorityclasses too", spec.PriorityClassName))
	}
	if q.refusal != nil && spec.RuntimeClassName != nil && len(q.state.RuntimeClasses) == 0 {
		warnings = append(warnings,
			fmt.Errorf("capacity: Workload.Template.Spec.RuntimeClassName is %q, and the snapshot has no "+
				"RuntimeClass: get runtimeclasses too", *spec.RuntimeClassName))
	}
	return warnings
}
