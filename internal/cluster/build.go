package cluster

import (
	"cmp"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// New checks the objects and sorts them by kind. An error names the object and the field.
func New(objects []runtime.Object) (*State, error) {
	s := &State{Objects: make([]runtime.Object, 0, len(objects))}
	skipped := map[[2]string]int{}
	for i, object := range objects {
		if err := s.add(object, skipped); err != nil {
			return nil, fmt.Errorf("capacity: object %d: %w", i, err)
		}
	}
	for kind, n := range skipped {
		s.Skipped = append(s.Skipped, SkippedKind{kind[0], kind[1], n})
	}
	slices.SortFunc(s.Skipped, func(a, b SkippedKind) int {
		return cmp.Or(cmp.Compare(a.APIVersion, b.APIVersion), cmp.Compare(a.Kind, b.Kind))
	})
	given := slices.Clone(s.Pods)
	if err := s.sort(); err != nil {
		return nil, fmt.Errorf("capacity: %w", err)
	}
	s.order(given)
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("capacity: %w", err)
	}
	return s, nil
}

// add puts one object where it belongs. It unpacks Lists.
func (s *State) add(object runtime.Object, skipped map[[2]string]int) error {
	if IsNil(object) {
		return fmt.Errorf("is nil, want a Kubernetes object")
	}
	if meta.IsListType(object) {
		return meta.EachListItem(object, func(item runtime.Object) error { return s.add(item, skipped) })
	}
	if !s.place(object) {
		kind := object.GetObjectKind().GroupVersionKind()
		skipped[[2]string{kind.GroupVersion().String(), kind.Kind}]++
		return nil
	}
	s.Objects = append(s.Objects, object)
	return nil
}

// place appends the object to the slice of its kind. It returns false for an unknown kind.
func (s *State) place(object runtime.Object) bool {
	switch o := object.(type) {
	case *corev1.Node:
		s.Nodes = append(s.Nodes, defaultedNode(o))
	case *corev1.Pod:
		s.Pods = append(s.Pods, defaultedPod(o))
	case *corev1.Namespace:
		s.Namespaces = append(s.Namespaces, o)
	case *corev1.Service:
		s.Services = append(s.Services, inNamespace(o))
	case *corev1.LimitRange:
		s.LimitRanges = append(s.LimitRanges, inNamespace(o))
	case *corev1.ResourceQuota:
		s.ResourceQuotas = append(s.ResourceQuotas, inNamespace(o))
	case *schedulingv1.PriorityClass:
		s.PriorityClasses = append(s.PriorityClasses, o)
	case *nodev1.RuntimeClass:
		s.RuntimeClasses = append(s.RuntimeClasses, o)
	case *corev1.PersistentVolume:
		s.PersistentVolumes = append(s.PersistentVolumes, o)
	case *corev1.PersistentVolumeClaim:
		s.PersistentVolumeClaims = append(s.PersistentVolumeClaims, inNamespace(o))
	case *corev1.ReplicationController:
		s.ReplicationControllers = append(s.ReplicationControllers, inNamespace(o))
	case *appsv1.ReplicaSet:
		s.ReplicaSets = append(s.ReplicaSets, inNamespace(o))
	case *appsv1.StatefulSet:
		s.StatefulSets = append(s.StatefulSets, inNamespace(o))
	case *policyv1.PodDisruptionBudget:
		s.PodDisruptionBudgets = append(s.PodDisruptionBudgets, inNamespace(o))
	default:
		return s.placeStorage(object) || s.placeDevices(object) || isTyped(object)
	}
	return true
}

func (s *State) placeStorage(object runtime.Object) bool {
	switch o := object.(type) {
	case *storagev1.StorageClass:
		s.StorageClasses = append(s.StorageClasses, o)
	case *storagev1.CSINode:
		s.CSINodes = append(s.CSINodes, o)
	case *storagev1.CSIDriver:
		s.CSIDrivers = append(s.CSIDrivers, o)
	case *storagev1.CSIStorageCapacity:
		s.CSIStorageCapacities = append(s.CSIStorageCapacities, inNamespace(o))
	case *storagev1.VolumeAttachment:
		s.VolumeAttachments = append(s.VolumeAttachments, o)
	default:
		return false
	}
	return true
}

func (s *State) placeDevices(object runtime.Object) bool {
	switch o := object.(type) {
	case *resourcev1.ResourceClaim:
		s.ResourceClaims = append(s.ResourceClaims, inNamespace(o))
	case *resourcev1.ResourceClaimTemplate:
		s.ResourceClaimTemplates = append(s.ResourceClaimTemplates, inNamespace(o))
	case *resourcev1.ResourceSlice:
		s.ResourceSlices = append(s.ResourceSlices, o)
	case *resourcev1.DeviceClass:
		s.DeviceClasses = append(s.DeviceClasses, o)
	case *resourcev1.DeviceTaintRule:
		s.DeviceTaintRules = append(s.DeviceTaintRules, o)
	default:
		return false
	}
	return true
}

// isTyped reports whether the scheme could type the object. Typed objects that nothing here reads
// are kept.
func isTyped(object runtime.Object) bool {
	switch object.(type) {
	case *runtime.Unknown, runtime.Unstructured:
		return false
	}
	return true
}

// sort orders every slice by namespace and name. It returns an error for a name that appears twice.
func (s *State) sort() error {
	for _, err := range []error{
		sorted("Node", s.Nodes), sorted("Pod", s.Pods), sorted("Namespace", s.Namespaces),
		sorted("Service", s.Services), sorted("LimitRange", s.LimitRanges),
		sorted("ResourceQuota", s.ResourceQuotas), sorted("PriorityClass", s.PriorityClasses),
		sorted("RuntimeClass", s.RuntimeClasses), sorted("PersistentVolume", s.PersistentVolumes),
		sorted("PersistentVolumeClaim", s.PersistentVolumeClaims), sorted("StorageClass", s.StorageClasses),
		sorted("CSINode", s.CSINodes), sorted("CSIDriver", s.CSIDrivers),
		sorted("CSIStorageCapacity", s.CSIStorageCapacities), sorted("VolumeAttachment", s.VolumeAttachments),
		sorted("ResourceClaim", s.ResourceClaims), sorted("ResourceClaimTemplate", s.ResourceClaimTemplates),
		sorted("ResourceSlice", s.ResourceSlices), sorted("DeviceClass", s.DeviceClasses),
		sorted("DeviceTaintRule", s.DeviceTaintRules),
		sorted("ReplicaSet", s.ReplicaSets), sorted("StatefulSet", s.StatefulSets),
		sorted("ReplicationController", s.ReplicationControllers),
		sorted("PodDisruptionBudget", s.PodDisruptionBudgets),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// order finds where the pods, as given, are now.
func (s *State) order(given []*corev1.Pod) {
	s.PodOrder = make([]int32, len(given))
	at := make(map[*corev1.Pod]int32, len(given))
	for i, pod := range s.Pods {
		at[pod] = int32(i)
	}
	for i, pod := range given {
		s.PodOrder[i] = at[pod]
	}
}

func sorted[T metav1.Object](kind string, objects []T) error {
	order := func(a, b T) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	}
	if !slices.IsSortedFunc(objects, order) {
		slices.SortStableFunc(objects, order)
	}
	for i, o := range objects {
		if o.GetName() == "" {
			return fmt.Errorf("%s: metadata.name is empty, want a name", kind)
		}
		if i > 0 && order(objects[i-1], o) == 0 {
			return fmt.Errorf("%s %s: metadata.name appears twice, want it once", kind, named(o))
		}
	}
	return nil
}
