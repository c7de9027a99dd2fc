package capacity_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/capacity"
)

// lower is a pod of a priority on node i that started some hours into the day; 0 hours: not yet.
func lower(i int, name string, milli int, priority int32, hours int) *corev1.Pod {
	p := bulkPod(name, bulkNode(i).Name, milli)
	p.Spec.Priority = &priority
	p.Labels = map[string]string{"name": name}
	if hours > 0 {
		p.Status.StartTime = ptr.To(metav1.NewTime(time.Date(2026, 3, 1, hours, 0, 0, 0, time.UTC)))
	}
	return p
}

// budget lets n of the pods of these names be disrupted.
func budget(n int32, names ...string) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "load",
		Name: fmt.Sprint("of-", names[0])},
		Spec: policyv1.PodDisruptionBudgetSpec{
			Selector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: "name", Operator: metav1.LabelSelectorOpIn, Values: names}}}},
		Status: policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: n}}
}

// important is ten replicas of 4 cores and priority 10.
func important(edit func(*corev1.PodSpec)) capacity.Workload {
	return like(10, func(s *corev1.PodSpec) {
		s.Priority = ptr.To[int32](10)
		s.Containers[0].Resources.Requests[corev1.ResourceCPU] = resource.MustParse("4")
		edit(s)
	})
}

// On full nodes the answer tells which node kube-scheduler would free, at the cost of how many
// pods, and how many replicas evictions would place in all. Each case turns on one rule of the
// choice.
func TestPreemption(t *testing.T) {
	const chosen, none = "0/2 nodes are available: 2 Insufficient cpu. preemption: found a potential placement for " +
		"pod on node ",
		"0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: "
	for name, c := range map[string]struct {
		others      []runtime.Object
		message     string
		preemptible int
		warning     string
	}{
		"lowest highest priority": {[]runtime.Object{lower(1, "a", 16000, 5, 1), lower(2, "b", 16000, 4, 1)},
			chosen + "node-000002, preempting 1 victims", 8, ""},
		"the more important stays": {[]runtime.Object{lower(1, "a", 8000, 5, 1), lower(1, "b", 8000, 1, 1),
			lower(2, "c", 16000, 4, 1)},
			chosen + "node-000001, preempting 1 victims", 8, ""},
		"a budget before any priority": {[]runtime.Object{lower(1, "a", 16000, 5, 1), lower(2, "b", 16000, 4, 1),
			budget(0, "b")},
			chosen + "node-000001, preempting 1 victims", 8, ""},
		"a budget that has one left": {[]runtime.Object{lower(1, "a", 16000, 5, 1), lower(2, "b", 16000, 4, 1),
			budget(1, "b")},
			chosen + "node-000002, preempting 1 victims", 8, ""},
		"a budget counts no pod twice": {[]runtime.Object{lower(1, "a", 16000, 5, 1), lower(2, "b", 16000, 4, 1),
			func() *policyv1.PodDisruptionBudget {
				done := budget(0, "b")
				done.Status.DisruptedPods = map[string]metav1.Time{"b": {}}
				return done
			}()}, chosen + "node-000002, preempting 1 victims", 8, ""},
		"a budget of another namespace": {[]runtime.Object{lower(1, "a", 16000, 5, 1), lower(2, "b", 16000, 4, 1),
			func() *policyv1.PodDisruptionBudget {
				other := budget(0, "b")
				other.Namespace = "other"
				return other
			}()}, chosen + "node-000002, preempting 1 victims", 8, ""},
		"the guarded are spared first": {[]runtime.Object{lower(1, "a", 6000, 3, 1), lower(1, "b", 10000, 2, 1),
			lower(2, "c", 16000, 4, 1), budget(0, "b")},
			chosen + "node-000001, preempting 1 victims", 8, ""},
		"lowest sum of priorities": {[]runtime.Object{
			lower(1, "stays", 10000, 10, 1), lower(1, "a", 3000, 5, 1), lower(1, "b", 3000, 5, 1),
			lower(2, "stays too", 10000, 10, 1), lower(2, "c", 3000, 5, 1), lower(2, "d", 3000, 4, 1)},
			chosen + "node-000002, preempting 2 victims", 2, ""},
		"fewest victims": {[]runtime.Object{
			lower(1, "stays", 10000, 10, 1), lower(1, "a", 3000, 5, 1), lower(1, "b", 3000, math.MinInt32, 1),
			lower(2, "stays too", 11000, 10, 1), lower(2, "c", 5000, 5, 1)},
			chosen + "node-000002, preempting 1 victims", 2, ""},
		"latest start": {[]runtime.Object{lower(1, "a", 16000, 5, 2), lower(2, "b", 16000, 5, 3)},
			chosen + "node-000002, preempting 1 victims", 8, ""},
		"not started is the latest": {[]runtime.Object{lower(1, "a", 16000, 5, 0), lower(2, "b", 16000, 5, 3)},
			chosen + "node-000001, preempting 1 victims", 8, ""},
		"equal nodes": {[]runtime.Object{lower(1, "a", 16000, 5, 2), lower(2, "b", 16000, 5, 2)},
			chosen + "node-000001, preempting 1 victims", 8,
			"capacity: preemption: kube-scheduler chooses one of 2 equal nodes at random; Message names the first"},
		"the youngest goes": {[]runtime.Object{lower(1, "a", 8000, 5, 3), lower(1, "b", 8000, 5, 2),
			lower(2, "c", 16000, 5, 2)},
			chosen + "node-000001, preempting 1 victims", 8, ""},
		"too little gives way": {[]runtime.Object{lower(1, "a", 3000, 5, 1), lower(1, "b", 13000, 10, 1),
			lower(2, "c", 16000, 10, 1)},
			none + "1 Insufficient cpu, 1 No preemption victims found for incoming pod.", 0, ""},
		"nobody is lower": {[]runtime.Object{lower(1, "a", 16000, 10, 1), lower(2, "b", 16000, 11, 1)},
			none + "2 No preemption victims found for incoming pod.", 0, ""},
	} {
		snapshot, err := capacity.NewSnapshot(append(c.others, bulkNode(1), bulkNode(2))...)
		require.NoError(t, err, name)
		answer, err := snapshot.Fit(t.Context(), important(func(*corev1.PodSpec) {}))
		require.NoError(t, err, name)
		assert.Equal(t, []int{0, 10}, []int{answer.Fits, answer.Pending}, name)
		assert.Equal(t, c.message, answer.Message, name)
		assert.Equal(t, c.preemptible, answer.Preemptible, name)
		var said string
		for _, warning := range answer.Warnings[1:] { // the first is of the priority without a class
			said += warning.Error()
		}
		if c.warning == "" {
			assert.Empty(t, said, name)
		}
		assert.Contains(t, said, c.warning, name)
	}
}

// Where preemption is none of the scheduler's business, the answer says so and counts nobody.
func TestNoPreemption(t *testing.T) {
	snapshot, err := capacity.NewSnapshot(bulkNode(1), lower(1, "a", 16000, 5, 1))
	require.NoError(t, err)
	answer, err := snapshot.Fit(t.Context(),
		important(func(s *corev1.PodSpec) { s.PreemptionPolicy = ptr.To(corev1.PreemptNever) }))
	require.NoError(t, err)
	assert.Equal(t, "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to "+
		"preemptionPolicy=Never.", answer.Message)
	assert.Zero(t, answer.Preemptible)
}

// Evicted pods free their host ports and extended resources, too.
func TestPreemptionOfPortsAndDevices(t *testing.T) {
	gpu := corev1.ResourceName("example.com/gpu")
	node := labelled(1, func(n *corev1.Node) { n.Status.Allocatable[gpu] = resource.MustParse("2") })
	held := lower(1, "a", 100, 5, 1)
	held.Spec.Containers[0].Resources.Requests[gpu] = resource.MustParse("2")
	held.Spec.Containers[0].Resources.Requests[corev1.ResourceEphemeralStorage] = resource.MustParse("90Gi")
	held.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 80}}
	small := lower(1, "small", 100, 4, 1)
	for name, c := range map[string]struct {
		edit        func(*corev1.PodSpec)
		fits        int
		reason      string
		preemptible int
	}{
		"port": {func(s *corev1.PodSpec) {
			s.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80}}
		},
			0, "node(s) didn't have free ports for the requested pod ports", 1},
		"gpu": {func(s *corev1.PodSpec) {
			s.Containers[0].Resources.Requests[gpu] = resource.MustParse("1")
			s.Containers[0].Resources.Limits = corev1.ResourceList{gpu: resource.MustParse("1")}
		}, 0, "Insufficient example.com/gpu", 2},
		"disk": {func(s *corev1.PodSpec) {
			s.Containers[0].Resources.Requests[corev1.ResourceEphemeralStorage] = resource.MustParse("30Gi")
		}, 0, "Insufficient ephemeral-storage", 3},
	} {
		snapshot, err := capacity.NewSnapshot(node, held, small)
		require.NoError(t, err, name)
		answer, err := snapshot.Fit(t.Context(), important(c.edit))
		require.NoError(t, err, name)
		assert.Equal(t, c.fits, answer.Fits, name)
		assert.Equal(t, "0/1 nodes are available: 1 "+
			""+c.reason+". preemption: found a potential placement for pod on node "+
			"node-000001, preempting 1 victims", answer.Message, name)
		assert.Equal(t, c.preemptible, answer.Preemptible, name)
	}
}

// With more candidates than kube-scheduler looks for, the answer says that it would see a part
// only.
func TestPreemptionOfManyNodes(t *testing.T) {
	var objects []runtime.Object
	for i := range 150 {
		objects = append(objects, bulkNode(i), lower(i, fmt.Sprint("p", i), 16000, int32(5+i%3), 1))
	}
	objects = append(objects, lower(77, "lowest", 0, 1, 1))
	snapshot, err := capacity.NewSnapshot(objects...)
	require.NoError(t, err)
	answer, err := snapshot.Fit(t.Context(), important(func(*corev1.PodSpec) {}))
	require.NoError(t, err)
	assert.Contains(t, answer.Message, "found a potential placement for pod on node node-000000, preempting 1 victims")
	require.Len(t, answer.Warnings, 2)
	assert.EqualError(t, answer.Warnings[1],
		"capacity: preemption: kube-scheduler looks for 100 of the 150 nodes where it helps, "+
			"from a random one on; Message names the best of all")
}
