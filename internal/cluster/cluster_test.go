package cluster_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/redline-go/redline/internal/cluster"
)

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func node(name string) *corev1.Node { return &corev1.Node{ObjectMeta: meta("", name)} }

func pod(namespace, name, node string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: meta(namespace, name), Spec: corev1.PodSpec{NodeName: node}}
}

func build(t *testing.T, objects ...runtime.Object) *cluster.State {
	t.Helper()
	s, err := cluster.New(objects)
	require.NoError(t, err)
	return s
}

// Nodes and pods are sorted, and the indices beside them lead back to what was given.
func TestSortedByName(t *testing.T) {
	ended := pod("b", "ended", "gone")
	ended.Status.Phase = corev1.PodSucceeded
	s := build(t, pod("b", "x", "n2"), node("n2"), ended, pod("a", "y", ""), node("n1"), pod("a", "b", "n1"))
	var names []string
	for _, p := range s.Pods {
		names = append(names, p.Namespace+"/"+p.Name)
	}
	assert.Equal(t, []string{"a/b", "a/y", "b/ended", "b/x"}, names)
	assert.Equal(t, "n1", s.Nodes[0].Name)
	assert.Equal(t, []int32{0, -1, -1, 1}, s.NodeOf, "not bound and ended pods hold no node")
	assert.Equal(t, []int32{3, 2, 1, 0}, s.PodOrder, "as given: b/x, b/ended, a/y, a/b")
	assert.Len(t, s.Objects, 6)
}

// Every kind that a model reads has a slice of its own. A copy of each given object lands there.
func TestEveryKindHasASlice(t *testing.T) {
	objects := map[string]runtime.Object{
		"Nodes": node("x"), "Pods": pod("", "x", ""), "Namespaces": &corev1.Namespace{}, "Services": &corev1.Service{},
		"LimitRanges": &corev1.LimitRange{}, "ResourceQuotas": &corev1.ResourceQuota{},
		"PriorityClasses": &schedulingv1.PriorityClass{}, "RuntimeClasses": &nodev1.RuntimeClass{},
		"PersistentVolumes": &corev1.PersistentVolume{}, "PersistentVolumeClaims": &corev1.PersistentVolumeClaim{},
		"StorageClasses": &storagev1.StorageClass{}, "CSINodes": &storagev1.CSINode{},
		"CSIDrivers": &storagev1.CSIDriver{}, "CSIStorageCapacities": &storagev1.CSIStorageCapacity{},
		"VolumeAttachments": &storagev1.VolumeAttachment{}, "ResourceClaims": &resourcev1.ResourceClaim{},
		"ResourceClaimTemplates": &resourcev1.ResourceClaimTemplate{}, "ResourceSlices": &resourcev1.ResourceSlice{},
		"DeviceClasses": &resourcev1.DeviceClass{}, "DeviceTaintRules": &resourcev1.DeviceTaintRule{},
		"ReplicaSets": &appsv1.ReplicaSet{}, "StatefulSets": &appsv1.StatefulSet{},
		"ReplicationControllers": &corev1.ReplicationController{},
		"PodDisruptionBudgets":   &policyv1.PodDisruptionBudget{},
	}
	list := reflect.TypeFor[cluster.State]()
	fields := 0
	for i := range list.NumField() {
		field := list.Field(i)
		if field.Type.Kind() != reflect.Slice || field.Type.Elem().Kind() != reflect.Pointer {
			continue
		}
		fields++
		object, ok := objects[field.Name]
		require.True(t, ok, "the table lacks %s", field.Name)
		object.(metav1.Object).SetName("x")
		s := build(t, object)
		slice := reflect.ValueOf(s).Elem().Field(i)
		require.Equal(t, 1, slice.Len(), field.Name)
		kept := slice.Index(0).Interface().(metav1.Object)
		assert.Equal(t, "x", kept.GetName(), field.Name)
		assert.Equal(t, []runtime.Object{object}, s.Objects, field.Name)
		assert.Empty(t, s.Skipped, field.Name)
		_, err := cluster.New([]runtime.Object{object, object.DeepCopyObject()})
		assert.ErrorContains(t, err, "x: metadata.name appears twice, want it once", field.Name)
		object.(metav1.Object).SetName("")
		_, err = cluster.New([]runtime.Object{object})
		assert.ErrorContains(t, err, ": metadata.name is empty, want a name", field.Name)
	}
	assert.Len(t, objects, fields)
}

// Lists are unpacked, other typed kinds are kept, and kinds that nobody could type are counted.
func TestKinds(t *testing.T) {
	widget := func(version string) runtime.Object {
		return &runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: "example.com/" + version, Kind: "Widget"}}
	}
	gadget := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Gadget"}}
	deployment := &appsv1.Deployment{ObjectMeta: meta("", "web")}
	pods := &corev1.PodList{Items: []corev1.Pod{*pod("", "a", ""), *pod("", "b", "")}}
	s := build(t, widget("v2"), pods, widget("v1"), deployment, gadget, widget("v1"))
	assert.Len(t, s.Pods, 2)
	assert.Len(t, s.Objects, 3)
	assert.Same(t, deployment, s.Objects[2])
	assert.Equal(t, []cluster.SkippedKind{
		{APIVersion: "example.com/v1", Kind: "Gadget", Count: 1},
		{APIVersion: "example.com/v1", Kind: "Widget", Count: 2},
		{APIVersion: "example.com/v2", Kind: "Widget", Count: 1},
	}, s.Skipped)
}

// An object without namespace goes where kubectl would put it, and a node without allocatable has
// its capacity. The objects themselves stay as they are.
func TestDefaults(t *testing.T) {
	bare, sized := pod("", "p", ""), node("n")
	sized.Status.Capacity = list("cpu", "4")
	s := build(t, bare, sized)
	assert.Equal(t, "default", s.Pods[0].Namespace)
	assert.Equal(t, sized.Status.Capacity, s.Nodes[0].Status.Allocatable)
	assert.Empty(t, bare.Namespace)
	assert.Nil(t, sized.Status.Allocatable)
	sized.Status.Allocatable = list("cpu", "3")
	assert.Equal(t, list("cpu", "3"), build(t, sized).Nodes[0].Status.Allocatable)
	_, err := cluster.New([]runtime.Object{pod("", "p", ""), pod("default", "p", "")})
	assert.EqualError(t, err, "capacity: Pod default/p: metadata.name appears twice, want it once")
}

func list(pairs ...string) corev1.ResourceList {
	l := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		l[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return l
}

// An error names the object, the field and the first bad key in the order of their names.
func TestErrors(t *testing.T) {
	minus := list("memory", "1", "cpu", "-1", "pods", "-2")
	requirements := corev1.ResourceRequirements{Limits: minus}
	with := func(edit func(*corev1.Pod)) *corev1.Pod {
		p := pod("a", "p", "")
		edit(p)
		return p
	}
	quota := func(spec corev1.ResourceQuotaSpec, status corev1.ResourceQuotaStatus) runtime.Object {
		return &corev1.ResourceQuota{ObjectMeta: meta("a", "q"), Spec: spec, Status: status}
	}
	limits := func(item corev1.LimitRangeItem) runtime.Object {
		return &corev1.LimitRange{ObjectMeta: meta("a", "l"),
			Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{}, item}}}
	}
	for want, object := range map[string]runtime.Object{
		"object 0: is nil, want a Kubernetes object":                      (*corev1.Pod)(nil),
		"Pod a/p: spec.nodeName is \"gone\", want a node of the snapshot": pod("a", "p", "gone"),
		"Node n: status.allocatable[cpu] is -1, want >= 0": &corev1.Node{ObjectMeta: meta("", "n"),
			Status: corev1.NodeStatus{Allocatable: minus}},
		"RuntimeClass k: overhead.podFixed[cpu] is -1, want >= 0": &nodev1.RuntimeClass{ObjectMeta: meta(
			"", "k"), Overhead: &nodev1.Overhead{PodFixed: minus}},
		"ResourceQuota a/q: spec.hard[cpu] is -1, want >= 0": quota(
			corev1.ResourceQuotaSpec{Hard: minus}, corev1.ResourceQuotaStatus{}),
		"ResourceQuota a/q: status.hard[cpu] is -1, want >= 0": quota(corev1.ResourceQuotaSpec{},
			corev1.ResourceQuotaStatus{Hard: minus}),
		"ResourceQuota a/q: status.used[cpu] is -1, want >= 0": quota(corev1.ResourceQuotaSpec{},
			corev1.ResourceQuotaStatus{Used: minus}),
		"LimitRange a/l: spec.limits[1].max[cpu] is -1, want >= 0": limits(
			corev1.LimitRangeItem{Max: minus}),
		"LimitRange a/l: spec.limits[1].min[cpu] is -1, want >= 0": limits(
			corev1.LimitRangeItem{Min: minus}),
		"LimitRange a/l: spec.limits[1].default[cpu] is -1, want >= 0": limits(
			corev1.LimitRangeItem{Default: minus}),
		"LimitRange a/l: spec.limits[1].defaultRequest[cpu] is -1, want >= 0": limits(
			corev1.LimitRangeItem{DefaultRequest: minus}),
		"LimitRange a/l: spec.limits[1].maxLimitRequestRatio[cpu] is -1, want": limits(
			corev1.LimitRangeItem{MaxLimitRequestRatio: minus}),
		"Pod a/p: spec.containers[c].resources.limits[cpu] is -1, want >= 0": with(func(p *corev1.Pod) {
			p.Spec.Containers = []corev1.Container{{Name: "b"}, {Name: "c", Resources: requirements}}
		}),
		"Pod a/p: spec.initContainers[i].resources.limits[cpu] is -1, want >= 0": with(func(p *corev1.Pod) {
			p.Spec.InitContainers = []corev1.Container{{Name: "i", Resources: requirements}}
		}),
		"Pod a/p: spec.resources.limits[cpu] is -1, want >= 0": with(
			func(p *corev1.Pod) { p.Spec.Resources = &requirements }),
		"Pod a/p: spec.overhead[cpu] is -1, want >= 0": with(func(p *corev1.Pod) { p.Spec.Overhead = minus }),
		"Pod a/p: status.resources.limits[cpu] is -1, want": with(
			func(p *corev1.Pod) { p.Status.Resources = &requirements }),
		"Pod a/p: status.allocatedResources[cpu] is -1, want": with(
			func(p *corev1.Pod) { p.Status.AllocatedResources = minus }),
		"Pod a/p: status.containerStatuses[c].allocatedResources[cpu] is -1, want >= 0": with(func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "c", AllocatedResources: minus}}
		}),
		"Pod a/p: status.initContainerStatuses[i].resources.limits[cpu] is -1, want >= 0": with(func(p *corev1.Pod) {
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "h"},
				{Name: "i", Resources: &requirements}}
		}),
	} {
		s, err := cluster.New([]runtime.Object{object})
		assert.ErrorContains(t, err, "capacity: "+want)
		assert.Nil(t, s)
	}
}

func TestInAndFind(t *testing.T) {
	s := build(t, pod("b", "2", ""), pod("a", "1", ""), pod("b", "1", ""), pod("c", "1", ""), node("n"))
	in := func(namespace string) (names []string) {
		for _, p := range cluster.In(s.Pods, namespace) {
			names = append(names, p.Name)
		}
		return names
	}
	assert.Equal(t, []string{"1"}, in("a"))
	assert.Equal(t, []string{"1", "2"}, in("b"))
	assert.Empty(t, in("aa"))
	assert.Empty(t, in("d"))
	assert.Same(t, s.Pods[2], cluster.Find(s.Pods, "b", "2"))
	assert.Same(t, s.Nodes[0], cluster.Find(s.Nodes, "", "n"))
	assert.Nil(t, cluster.Find(s.Pods, "b", "3"))
	assert.Nil(t, cluster.Find(s.Pods, "", "1"))
}

// The snapshot was taken at about the latest heartbeat, creation or transition that it tells of.
func TestAsOf(t *testing.T) {
	at := func(minutes int) metav1.Time {
		return metav1.NewTime(time.Date(2026, 3, 1, 12, minutes, 0, 0, time.UTC))
	}
	assert.True(t, build(t).AsOf().IsZero())
	n, p := node("n"), pod("a", "p", "n")
	n.Status.Conditions = []corev1.NodeCondition{{LastHeartbeatTime: at(3)}, {LastHeartbeatTime: at(1)}}
	p.CreationTimestamp = at(2)
	assert.Equal(t, at(3).Time, build(t, n, p).AsOf())
	p.CreationTimestamp = at(4)
	assert.Equal(t, at(4).Time, build(t, n, p).AsOf())
	p.Status.Conditions = []corev1.PodCondition{{LastTransitionTime: at(5)}}
	assert.Equal(t, at(5).Time, build(t, n, p).AsOf())
}

func TestFinished(t *testing.T) {
	for phase, want := range map[corev1.PodPhase]bool{
		"": false, corev1.PodPending: false, corev1.PodRunning: false, corev1.PodUnknown: false,
		corev1.PodSucceeded: true, corev1.PodFailed: true,
	} {
		assert.Equal(t, want, cluster.Finished(&corev1.Pod{Status: corev1.PodStatus{Phase: phase}}), phase)
	}
}

func TestIsNil(t *testing.T) {
	assert.True(t, cluster.IsNil(nil))
	assert.True(t, cluster.IsNil((*corev1.Pod)(nil)))
	assert.False(t, cluster.IsNil(&corev1.Pod{}))
	assert.False(t, cluster.IsNil(7))
}
