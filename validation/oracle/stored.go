package oracle

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/apis/core"
	corev1defaults "k8s.io/kubernetes/pkg/apis/core/v1"
	registry "k8s.io/kubernetes/pkg/registry/core/pod"
)

// Stored returns the pod as the API server's registry stores it, admission plugins aside.
// kube-scheduler relies on fields that are filled in there, such as matchLabelKeys in the selectors
// of pod affinity.
func Stored(pod *corev1.Pod) (*corev1.Pod, error) {
	internal, out := &core.Pod{}, &corev1.Pod{}
	pod = pod.DeepCopy() // conversion shares memory
	if err := corev1defaults.Convert_v1_Pod_To_core_Pod(pod, internal, nil); err != nil {
		return nil, err
	}
	registry.Strategy.PrepareForCreate(context.Background(), internal)
	return out, corev1defaults.Convert_core_Pod_To_v1_Pod(internal, out, nil)
}
