package capacity

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	schedulingcorev1 "k8s.io/component-helpers/scheduling/corev1"

	"github.com/redline-go/redline/internal/cluster"
)

// replicas counts the workload's pods that exist: bound, and created but not bound yet. Ended pods
// and those being deleted are no replicas, as for the ReplicaSet controller.
type replicas struct{ running, waiting int }

func (s *Snapshot) replicasOf(namespace string, selector labels.Selector) (r replicas) {
	if selector == nil {
		return r
	}
	for _, pod := range cluster.In(s.state.Pods, namespace) {
		if cluster.Finished(pod) || pod.DeletionTimestamp != nil || !selects(selector, pod) {
			continue
		}
		if pod.Spec.NodeName != "" {
			r.running++
		} else {
			r.waiting++
		}
	}
	return r
}

func selects(selector labels.Selector, pod *corev1.Pod) bool {
	return selector.Matches(labels.Set(pod.Labels))
}

func priorityOf(pod *corev1.Pod) int32 { return schedulingcorev1.PodPriority(pod) }
