package cluster

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// namespaced is an object that inNamespace can give a namespace: a pointer that copies itself.
type namespaced[T any] interface {
	metav1.Object
	DeepCopy() T
}

// inNamespace gives an object without namespace the one that kubectl would: "default".
func inNamespace[T namespaced[T]](o T) T {
	if o.GetNamespace() != "" {
		return o
	}
	o = o.DeepCopy()
	o.SetNamespace(metav1.NamespaceDefault)
	return o
}

// defaultedPod returns the pod in a namespace.
func defaultedPod(pod *corev1.Pod) *corev1.Pod { return inNamespace(pod) }

// defaultedNode gives a node that reports no allocatable its capacity, as the API server does
// (pkg/apis/core/v1/defaults.go, SetDefaults_NodeStatus).
func defaultedNode(node *corev1.Node) *corev1.Node {
	if node.Status.Allocatable != nil || node.Status.Capacity == nil {
		return node
	}
	shallow := *node
	shallow.Status.Allocatable = node.Status.Capacity
	return &shallow
}

// IsNil reports whether v is nil or an interface that holds a nil pointer.
func IsNil(v any) bool {
	if v == nil {
		return true
	}
	value := reflect.ValueOf(v)
	return value.Kind() == reflect.Pointer && value.IsNil()
}
