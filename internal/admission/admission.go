// Package admission makes of a pod template the pod that the API server would store, or the
// sentence with which it refuses. It counts how many such pods the quotas of the namespace admit.
//
// It follows kube-apiserver v1.37.2 with its default plugins, in their order:
//
//   - API defaulting (pkg/apis/core/v1/defaults.go)
//   - the mutating plugins NamespaceLifecycle, LimitRanger, Priority, DefaultTolerationSeconds and
//     RuntimeClass (plugin/pkg/admission)
//   - the pod registry, which fills in label selectors and pod-level resources
//   - validation of requests against limits
//   - the validating plugins LimitRanger and ResourceQuota
//
// Webhooks, policies and PodSecurity are not modelled.
//
// A template may come from a stored pod. Fields that only the server may write and that a template
// already carries (spec.priority, spec.overhead) are therefore taken as resolved.
package admission

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/redline-go/redline/internal/cluster"
)

// Refusal is the API server's answer where it does not create the pod.
type Refusal struct{ Sentence string }

func (r *Refusal) Error() string { return r.Sentence }

// forbidden words a refusal as k8s.io/apiserver/pkg/admission.NewForbidden does.
func forbidden(pod *corev1.Pod, format string, args ...any) *Refusal {
	return &Refusal{fmt.Sprintf("pods %q is forbidden: %s", nameOf(pod), fmt.Sprintf(format, args...))}
}

// nameOf returns the pod's name, or as much of it as is known before the server adds its five
// random characters.
func nameOf(pod *corev1.Pod) string {
	switch {
	case pod.Name != "":
		return pod.Name
	case pod.GenerateName != "":
		return pod.GenerateName
	}
	return "Unknown"
}

// PodOf returns the pod that a controller makes of a template, before any admission.
func PodOf(namespace string, template *corev1.PodTemplateSpec) *corev1.Pod {
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	copied := template.DeepCopy()
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: copied.Name, GenerateName: copied.GenerateName,
			Labels: copied.Labels, Annotations: copied.Annotations,
		},
		Spec: copied.Spec,
	}
}

// Admit changes the pod into the one that the server would store, quota aside. It returns the
// server's first objection, or nil. The pod is then as it would be without the objections.
func Admit(state *cluster.State, pod *corev1.Pod) *Refusal {
	Default(pod)
	ranges := cluster.In(state.LimitRanges, pod.Namespace)
	var first *Refusal
	object := func(r *Refusal) {
		if first == nil {
			first = r
		}
	}
	object(namespaceLifecycle(state, pod))
	limitDefaults(ranges, pod)
	object(resolvePriority(state, pod))
	tolerateNotReady(pod)
	object(applyRuntimeClass(state, pod))
	prepareForCreate(pod)
	object(validateResources(pod))
	object(checkLimits(ranges, pod))
	return first
}

func namespaceLifecycle(state *cluster.State, pod *corev1.Pod) *Refusal {
	ns := cluster.Find(state.Namespaces, "", pod.Namespace)
	if ns == nil || !terminating(ns) {
		return nil // a dump of some kinds only may lack the namespace itself
	}
	return forbidden(pod, "unable to create new content in namespace %s because it is being terminated", pod.Namespace)
}

func terminating(ns *corev1.Namespace) bool { return ns.Status.Phase == corev1.NamespaceTerminating }
