package capacity_test

import (
	"encoding/json"
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/redline-go/redline/capacity"
)

func TestBadSnapshots(t *testing.T) {
	node, pod := bulkNode(1), bulkPod("p", bulkNode(1).Name, 100)
	edited := func(edit func(n *corev1.Node, p *corev1.Pod)) []runtime.Object {
		n, p := node.DeepCopy(), pod.DeepCopy()
		edit(n, p)
		return []runtime.Object{n, p}
	}
	minus := resource.MustParse("-1")
	negative := corev1.ResourceList{corev1.ResourceCPU: minus}
	for want, objects := range map[string][]runtime.Object{
		"capacity: Node node-000001: metadata.name appears twice, want it once": {node, node.DeepCopy()},
		"capacity: Pod load/p: metadata.name appears twice, want it once":       {node, pod, pod.DeepCopy()},
		"capacity: DeviceTaintRule r: metadata.name appears twice, want it " +
			"once": {&resourcev1.DeviceTaintRule{ObjectMeta: metav1.ObjectMeta{Name: "r"}},
			&resourcev1.DeviceTaintRule{ObjectMeta: metav1.ObjectMeta{Name: "r"}}},
		"capacity: object 1: is nil, want a Kubernetes object": {node, nil},
		"capacity: object 0: is nil, want a Kubernetes object": {(*corev1.Node)(nil)},
		`capacity: Pod load/p: spec.nodeName is "gone", want a node of the snapshot`: edited(
			func(_ *corev1.Node, p *corev1.Pod) {
				p.Spec.NodeName = "gone"
			}),
		"capacity: Node node-000001: status.allocatable[cpu] is -1, want >= 0": edited(
			func(n *corev1.Node, _ *corev1.Pod) {
				n.Status.Allocatable[corev1.ResourceCPU] = minus
			}),
		"capacity: Pod load/p: spec.containers[c].resources.requests[memory] is -1, want >= 0": edited(
			func(_ *corev1.Node, p *corev1.Pod) {
				p.Spec.Containers[0].Resources.Requests[corev1.ResourceMemory] = minus
			}),
		"capacity: Pod load/p: status.containerStatuses[c].allocatedResources[cpu] is -1, want >= 0": edited(
			func(_ *corev1.Node, p *corev1.Pod) {
				p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "c", AllocatedResources: negative}}
			}),
		"capacity: Pod load/p: status.containerStatuses[c].resources.requests[cpu] is -1, want >= 0": edited(
			func(_ *corev1.Node, p *corev1.Pod) {
				p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "c",
					Resources: &corev1.ResourceRequirements{Requests: negative}}}
			}),
		"capacity: Pod load/p: status.initContainerStatuses[i].resources.limits[cpu] is -1, want >= 0": edited(
			func(_ *corev1.Node, p *corev1.Pod) {
				p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "i",
					Resources: &corev1.ResourceRequirements{Limits: negative}}}
			}),
		"capacity: Pod load/p: status.resources.requests[cpu] is -1, want >= 0": edited(
			func(_ *corev1.Node, p *corev1.Pod) {
				p.Status.Resources = &corev1.ResourceRequirements{Requests: negative}
			}),
		"capacity: Pod load/p: status.allocatedResources[cpu] is -1, want >= 0": edited(
			func(_ *corev1.Node, p *corev1.Pod) {
				p.Status.AllocatedResources = negative
			}),
		"capacity: Node: metadata.name is empty, want a name": edited(
			func(n *corev1.Node, _ *corev1.Pod) { n.Name = "" }),
		"capacity: ResourceQuota default/q: spec.hard[pods] is -1, want >= 0": {&corev1.ResourceQuota{
			ObjectMeta: metav1.ObjectMeta{Name: "q"},
			Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: minus}}}},
		"capacity: LimitRange default/l: spec.limits[0].max[cpu] is -1, want >= 0": {&corev1.LimitRange{
			ObjectMeta: metav1.ObjectMeta{Name: "l"},
			Spec: corev1.LimitRangeSpec{
				Limits: []corev1.LimitRangeItem{{Max: corev1.ResourceList{corev1.ResourceCPU: minus}}}}}},
	} {
		snapshot, err := capacity.NewSnapshot(objects...)
		assert.EqualError(t, err, want)
		assert.Nil(t, snapshot)
	}
}

// A pod that has ended may outlive its node.
func TestEndedPodOnLostNode(t *testing.T) {
	pod := bulkPod("p", "gone", 100)
	pod.Status.Phase = corev1.PodSucceeded
	_, err := capacity.NewSnapshot(bulkNode(1), pod)
	assert.NoError(t, err)
}

func TestWithAndWithout(t *testing.T) {
	objects, places := bulk(4)
	snapshot, err := capacity.NewSnapshot(objects...)
	require.NoError(t, err)
	fits := func(s *capacity.Snapshot) int {
		t.Helper()
		answer, err := s.Max(t.Context(), web(1))
		require.NoError(t, err)
		return answer.Fits
	}
	require.Equal(t, places, fits(snapshot))

	wider, err := snapshot.With(bulkNode(100))
	require.NoError(t, err)
	assert.Equal(t, places+80, fits(wider), "an empty node of 16 cores")
	assert.Equal(t, places, fits(snapshot), "the snapshot itself does not change")

	cordoned := bulkNode(100)
	cordoned.Spec.Unschedulable = true
	same, err := wider.With(cordoned)
	require.NoError(t, err)
	assert.Equal(t, places, fits(same), "the same name takes its place")

	narrower, err := snapshot.Without("node-000002", "node-000003")
	require.NoError(t, err)
	assert.Equal(t, places-5, fits(narrower))
	assert.Len(t, narrower.Objects(), len(objects)-2*9)
	_, err = snapshot.Without("node-000002", "nowhere")
	assert.EqualError(t, err, `capacity: Without: node is "nowhere", want a node of the snapshot`)
	_, err = snapshot.With(bulkPod("p", "nowhere", 1))
	assert.ErrorContains(t, err, "spec.nodeName")
}

// A what-if changes the pods, and with them what quotas have used: their status tells of before.
func TestQuotaAfterWhatIf(t *testing.T) {
	objects, _ := bulk(4) // 8 pods a node
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: "load", Name: "q"},
		Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("34"),
			"services": resource.MustParse("1")}}}
	quota.Status.Used = corev1.ResourceList{corev1.ResourcePods: resource.MustParse("32"),
		"services": resource.MustParse("1")}
	snapshot, err := capacity.NewSnapshot(append(objects, quota)...)
	require.NoError(t, err)
	w := web(8)
	w.Namespace = "load"
	rejected := func(s *capacity.Snapshot, err error) int {
		t.Helper()
		require.NoError(t, err)
		answer, err := s.Fit(t.Context(), w)
		require.NoError(t, err)
		return answer.Rejected
	}
	assert.Equal(t, 6, rejected(snapshot, nil), "34 less 32 that are there")
	assert.Equal(t, 0, rejected(snapshot.Without("node-000001")), "8 of them are gone")
	assert.Equal(t, 7, rejected(snapshot.With(bulkPod("one-more", "node-000002", 1))))
	assert.Equal(t, 7, rejected(snapshot.With(bulkPod("load-0-0", "node-000000", 1),
		bulkPod("one-more", "node-000002", 1))), "one is the same")
	other := bulkPod("one-more", "node-000002", 1)
	other.Namespace = "elsewhere"
	assert.Equal(t, 6, rejected(snapshot.With(other)))
	assert.Equal(t, 6, rejected(snapshot.With(bulkNode(100))))
	full := quota.DeepCopy()
	full.Status.Used[corev1.ResourcePods] = resource.MustParse("34")
	assert.Equal(t, 8, rejected(snapshot.With(bulkPod("one-more", "node-000002", 1), full)),
		"a quota that is given is taken at its word")
	assert.Equal(t, resource.MustParse("32"), quota.Status.Used[corev1.ResourcePods], "the object is not changed")

	ended := bulkPod("load-0-0", "node-000000", 1)
	ended.Status.Phase = corev1.PodSucceeded
	assert.Equal(t, 5, rejected(snapshot.With(ended)))
}

// What replaces an object stands where that stood: the order of nodes is the scheduler's, too.
func TestWithKeepsTheOrder(t *testing.T) {
	snapshot, err := capacity.NewSnapshot(bulkNode(1), bulkNode(2), bulkPod("p", bulkNode(2).Name, 1), bulkNode(3))
	require.NoError(t, err)
	next, err := snapshot.With(bulkNode(9), bulkNode(2), bulkNode(1))
	require.NoError(t, err)
	var names []string
	for _, o := range next.Objects() {
		names = append(names, o.(metav1.Object).GetName())
	}
	assert.Equal(t, []string{"node-000001", "node-000002", "p", "node-000003", "node-000009"}, names)
	_, err = snapshot.With(bulkNode(2), bulkNode(2))
	assert.EqualError(t, err, "capacity: Node node-000002: metadata.name appears twice, want it once")
}

// Many may ask one snapshot at once; the race detector watches.
func TestConcurrentUse(t *testing.T) {
	objects, places := bulk(20)
	snapshot, err := capacity.NewSnapshot(objects...)
	require.NoError(t, err)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 20 {
				answer, err := snapshot.Fit(t.Context(), web(places+i))
				assert.NoError(t, err)
				assert.Equal(t, i, answer.Pending)
			}
		})
	}
	group.Wait()
}

func TestNodesNeeded(t *testing.T) {
	objects, places := bulk(4)
	snapshot, err := capacity.NewSnapshot(objects...)
	require.NoError(t, err)
	for pending, want := range map[int]int{0: 0, 1: 1, 80: 1, 81: 2, 801: 11} {
		n, err := snapshot.NodesNeeded(t.Context(), web(places+pending), bulkNode(1))
		require.NoError(t, err)
		assert.Equal(t, want, n, "%d pending", pending)
	}
	n, err := snapshot.NodesNeeded(t.Context(), web(math.MaxInt), bulkNode(1))
	require.NoError(t, err)
	assert.Equal(t, (math.MaxInt-places-1)/80+1, n)
	small := bulkNode(1)
	small.Status.Allocatable[corev1.ResourceCPU] = resource.MustParse("100m")
	_, err = snapshot.NodesNeeded(t.Context(), web(places+1), small)
	assert.EqualError(t, err, `capacity: NodesNeeded: node "node-000001" takes none of the 1 pending replicas: `+
		`Insufficient cpu`)
	_, err = snapshot.NodesNeeded(t.Context(), web(1), nil)
	assert.ErrorContains(t, err, "node is nil")
}

func FuzzNewSnapshot(f *testing.F) {
	objects, _ := bulk(1)
	for _, o := range objects[:2] {
		dump, err := json.Marshal(o)
		require.NoError(f, err)
		f.Add(dump, dump)
	}
	f.Fuzz(func(t *testing.T, nodeJSON, podJSON []byte) {
		node, pod := &corev1.Node{}, &corev1.Pod{}
		if json.Unmarshal(nodeJSON, node) != nil || json.Unmarshal(podJSON, pod) != nil {
			return
		}
		ask(t, []runtime.Object{node, pod})
		pod.Spec.NodeName = node.Name
		ask(t, []runtime.Object{node, pod})
	})
}
