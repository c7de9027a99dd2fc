// Package cluster holds the objects of one cluster, checked and sorted by kind: the content of a
// capacity.Snapshot. Package capacity builds it. Package scheduler and others of this module that
// need typed access ask [Of].
package cluster

import (
	"cmp"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// State is a checked set of objects. Every slice is sorted by namespace and name. Snapshots share
// the slices and the objects, so neither must be changed.
type State struct {
	Nodes      []*corev1.Node
	Pods       []*corev1.Pod // all of them; NodeOf has their nodes
	Namespaces []*corev1.Namespace
	Services   []*corev1.Service

	LimitRanges     []*corev1.LimitRange
	ResourceQuotas  []*corev1.ResourceQuota
	PriorityClasses []*schedulingv1.PriorityClass
	RuntimeClasses  []*nodev1.RuntimeClass

	PersistentVolumes      []*corev1.PersistentVolume
	PersistentVolumeClaims []*corev1.PersistentVolumeClaim
	StorageClasses         []*storagev1.StorageClass
	CSINodes               []*storagev1.CSINode
	CSIDrivers             []*storagev1.CSIDriver
	CSIStorageCapacities   []*storagev1.CSIStorageCapacity
	VolumeAttachments      []*storagev1.VolumeAttachment

	ResourceClaims         []*resourcev1.ResourceClaim
	ResourceClaimTemplates []*resourcev1.ResourceClaimTemplate
	ResourceSlices         []*resourcev1.ResourceSlice
	DeviceClasses          []*resourcev1.DeviceClass
	DeviceTaintRules       []*resourcev1.DeviceTaintRule

	ReplicaSets            []*appsv1.ReplicaSet
	StatefulSets           []*appsv1.StatefulSet
	ReplicationControllers []*corev1.ReplicationController
	PodDisruptionBudgets   []*policyv1.PodDisruptionBudget

	// Skipped counts the objects of unknown kinds by "apiVersion, Kind", sorted.
	Skipped []SkippedKind
	// Objects holds everything given and not skipped, in the order given. Kinds without a slice
	// here are among them, since no model reads them: Deployments, ConfigMaps ...
	Objects []runtime.Object
	// NodeOf holds, for each of Pods, the index of its node in Nodes. It is -1 when the pod holds
	// no node: it is not bound, or has Succeeded or Failed.
	NodeOf []int32
	// PodOrder holds the indices of Pods in the order the objects were given. A scheduler would see
	// them in that order.
	PodOrder []int32
}

// SkippedKind is a kind that the scheme does not know.
type SkippedKind struct {
	APIVersion, Kind string
	Count            int
}

// Of returns the state of a *capacity.Snapshot. Package capacity sets it: its type cannot be named
// here, since imports go downward only.
var Of func(snapshot any) *State

// Finished reports whether a pod has ended and holds nothing on its node any more.
func Finished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// In returns the part of a sorted slice that lies in one namespace.
func In[T metav1.Object](sorted []T, namespace string) []T {
	byNamespace := func(o T, ns string) int { return cmp.Compare(o.GetNamespace(), ns) }
	from, _ := slices.BinarySearchFunc(sorted, namespace, byNamespace)
	to := from
	for to < len(sorted) && sorted[to].GetNamespace() == namespace {
		to++
	}
	return sorted[from:to]
}

// Find returns the object of that name in a sorted slice, or the zero T.
func Find[T metav1.Object](sorted []T, namespace, name string) T {
	i, ok := slices.BinarySearchFunc(sorted, [2]string{namespace, name}, func(o T, key [2]string) int {
		return cmp.Or(cmp.Compare(o.GetNamespace(), key[0]), cmp.Compare(o.GetName(), key[1]))
	})
	if !ok {
		var none T
		return none
	}
	return sorted[i]
}

// AsOf returns the latest time that an object of the snapshot tells: about the time when it was
// taken. Models have no other clock.
func (s *State) AsOf() time.Time {
	var latest time.Time
	see := func(t metav1.Time) {
		if t.After(latest) {
			latest = t.Time
		}
	}
	for _, node := range s.Nodes {
		for i := range node.Status.Conditions {
			see(node.Status.Conditions[i].LastHeartbeatTime)
		}
	}
	for _, pod := range s.Pods {
		see(pod.CreationTimestamp)
		for i := range pod.Status.Conditions {
			see(pod.Status.Conditions[i].LastTransitionTime)
		}
	}
	return latest
}
