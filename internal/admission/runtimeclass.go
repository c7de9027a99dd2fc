package admission

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"github.com/redline-go/redline/internal/cluster"
)

// applyRuntimeClass adds the overhead, node selector and tolerations of the pod's runtime class
// (plugin/pkg/admission/runtimeclass/admission.go).
func applyRuntimeClass(state *cluster.State, pod *corev1.Pod) *Refusal {
	if pod.Spec.RuntimeClassName == nil {
		return nil
	}
	class := cluster.Find(state.RuntimeClasses, "", *pod.Spec.RuntimeClassName)
	if class == nil {
		if pod.Spec.Overhead != nil {
			return nil // resolved elsewhere
		}
		return forbidden(pod, "pod rejected: RuntimeClass %q not found", *pod.Spec.RuntimeClassName)
	}
	if class.Overhead != nil {
		if len(pod.Spec.Overhead) > 0 && !apiequality.Semantic.DeepEqual(class.Overhead.PodFixed, pod.Spec.Overhead) {
			return forbidden(pod, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
		}
		pod.Spec.Overhead = class.Overhead.PodFixed.DeepCopy()
		roundUp(pod.Spec.Overhead)
	}
	if class.Scheduling == nil {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(class.Scheduling.NodeSelector)) {
		value := class.Scheduling.NodeSelector[key]
		if own, ok := pod.Spec.NodeSelector[key]; ok && own != value {
			return forbidden(pod,
				"conflict: runtimeClass.scheduling.nodeSelector[%s] = %s; pod.spec.nodeSelector[%s] = %s", key, value,
				key, own)
		}
		if pod.Spec.NodeSelector == nil {
			pod.Spec.NodeSelector = map[string]string{}
		}
		pod.Spec.NodeSelector[key] = value
	}
	// The server drops tolerations that others already cover; which taints are tolerated is the
	// same.
	pod.Spec.Tolerations = append(pod.Spec.Tolerations, class.Scheduling.Tolerations...)
	return nil
}

// grace is shared by all pods; nothing here writes through it.
var grace int64 = 300

// tolerateNotReady adds the 300 s of grace on nodes that stop being ready
// (plugin/pkg/admission/defaulttolerationseconds/admission.go).
func tolerateNotReady(pod *corev1.Pod) {
	for _, key := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		if slices.ContainsFunc(pod.Spec.Tolerations, func(t corev1.Toleration) bool {
			return (t.Key == key || t.Key == "") && (t.Effect == corev1.TaintEffectNoExecute || t.Effect == "")
		}) {
			continue
		}
		pod.Spec.Tolerations = append(pod.Spec.Tolerations, corev1.Toleration{
			Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute,
			TolerationSeconds: &grace,
		})
	}
}
