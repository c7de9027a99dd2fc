package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/scheduler"
	"github.com/redline-go/redline/validation/internal/cases"
	"github.com/redline-go/redline/validation/oracle"
)

func snapshot(t testing.TB, objects ...runtime.Object) *capacity.Snapshot {
	t.Helper()
	s, err := capacity.NewSnapshot(objects...)
	require.NoError(t, err)
	return s
}

func engine(t testing.TB, c scheduler.Config) *scheduler.Engine {
	t.Helper()
	e, err := scheduler.New(c)
	require.NoError(t, err)
	return e
}

// No goroutine is left behind by New, Place with volumes, devices and preemption, nor by Explain.
func TestNoGoroutineIsLeft(t *testing.T) {
	before := goleak.IgnoreCurrent()
	pod := oracle.Pod("default", "web", "", "3", "")
	pod.Spec.Priority = ptr(int32(9))
	objects := append(nodes(3), oracle.Pod("x", "low", "node-00000", "2", ""), devices("node-00001", 2), deviceClass())
	e, s := engine(t, scheduler.Config{Evict: true}), snapshot(t, objects...)
	_, _, err := e.Place(t.Context(), s, workload(pod, 4))
	require.NoError(t, err)
	_, err = e.Explain(t.Context(), s, pod)
	require.NoError(t, err)
	goleak.VerifyNone(t, before)
}

// An engine may be asked by many at once.
func TestConcurrentUse(t *testing.T) {
	c := oracle.A()
	e, s := engine(t, scheduler.Config{}), snapshot(t, c.Objects...)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			a, err := e.Fit(t.Context(), s, workload(c.Pod, c.Want))
			assert.NoError(t, err)
			assert.Equal(t, c.Slots, a.Fits)
		})
	}
	wait.Wait()
}

func TestEvict(t *testing.T) {
	low := func(i int) runtime.Object {
		return oracle.Pod("x", fmt.Sprintf("low-%d", i), fmt.Sprintf("node-%05d", i), "3", "")
	}
	pod := oracle.Pod("default", "web", "", "2", "")
	pod.Spec.Priority = ptr(int32(9))
	s := snapshot(t, append(nodes(2), low(0), low(1))...)
	a, err := engine(t, scheduler.Config{}).Fit(t.Context(), s, workload(pod, 3))
	require.NoError(t, err)
	assert.Zero(t, a.Fits)
	assert.Equal(t, 3, a.Preemptible)
	assert.Contains(t, a.Message,
		"preemption: found a potential placement for pod on node node-00000, preempting 1 victims")
	placements, a, err := engine(t, scheduler.Config{Evict: true}).Place(t.Context(), s, workload(pod, 5))
	require.NoError(t, err)
	require.Equal(t, 4, a.Fits)
	assert.Equal(t, "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No "+
		"preemption victims found for incoming pod.", a.Message)
	assert.Equal(t, []string{"x/low-0"}, placements[0].Evicted)
	var evicted []string
	for _, p := range placements {
		evicted = append(evicted, p.Evicted...)
	}
	assert.ElementsMatch(t, []string{"x/low-0", "x/low-1"}, evicted)
}

// Mixed workloads go in the order of the queue, pending pods first, and each has its own answer.
func TestMixedWorkloads(t *testing.T) {
	waiting := oracle.Pod("other", "waiting", "", "2", "")
	low, high := oracle.Pod("default", "low", "", "1", ""), oracle.Pod("default", "high", "", "3", "")
	high.Spec.Priority = ptr(int32(9))
	s := snapshot(t, append(nodes(2), waiting)...)
	e := engine(t, scheduler.Config{PendingFirst: true})
	placements, answers, err := e.PlaceAll(t.Context(), s, workload(low, 5), workload(high, 2))
	require.NoError(t, err)
	assert.Equal(t, []int{-1, 1, 0, 0, 0}, of(placements))
	assert.Equal(t, 3, answers[0].Fits)
	assert.Equal(t, 1, answers[1].Fits)
	pods := append([]*corev1.Pod{waiting}, append(oracle.Replicas(high, 2), oracle.Replicas(low, 5)...)...)
	want, err := oracle.Schedule(t.Context(), nodes(2), pods, oracle.Options{KeepGoing: true})
	require.NoError(t, err)
	var nodesWanted, got []string
	for _, o := range want {
		if o.Node != "" {
			nodesWanted = append(nodesWanted, o.Node)
		}
	}
	for _, p := range placements {
		got = append(got, p.Node)
	}
	assert.Equal(t, nodesWanted, got)
}

func of(placements []scheduler.Placement) (out []int) {
	for _, p := range placements {
		out = append(out, p.Workload)
	}
	return out
}

// The count of self-affine pods depends on which zone the first one meets: 24, 12 or 4.
func TestRangeOverNodeOrders(t *testing.T) {
	var objects []runtime.Object
	for i := range 40 {
		n := oracle.Node(i, "1", "4Gi", 1)
		n.Labels[corev1.LabelTopologyZone] = []string{"a", "b", "c"}[min(i/24+i/36, 2)]
		objects = append(objects, n)
	}
	pod := oracle.Pod("default", "web", "", "1", "")
	pod.Labels = map[string]string{"app": "web"}
	pod.Spec.Affinity = &corev1.Affinity{
		PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
			{TopologyKey: corev1.LabelTopologyZone, LabelSelector: web}}}}
	a, err := engine(t, scheduler.Config{NodeOrders: 24}).Fit(t.Context(), snapshot(t, objects...), workload(pod, 50))
	require.NoError(t, err)
	var o *scheduler.OrderDependence
	require.True(t, errors.As(errors.Join(a.Warnings...), &o))
	assert.Equal(t, 24, o.Orders)
	assert.Equal(t, 4, o.Min)
	assert.Equal(t, 24, o.Max)
	assert.Contains(t, []int{4, 12, 24}, a.Fits)
}

// A claim template gives every replica a claim of its own.
func TestClaimTemplates(t *testing.T) {
	objects := append(nodes(3), devices("node-00000", 2), devices("node-00002", 3), deviceClass(),
		&resourceapi.ResourceClaimTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "one"},
			Spec: resourceapi.ResourceClaimTemplateSpec{Spec: oneDevice()}})
	pod := oracle.Pod("default", "web", "", "100m", "")
	pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimTemplateName: ptr("one")}}
	a, err := engine(t, scheduler.Config{}).Fit(t.Context(), snapshot(t, objects...), workload(pod, 9))
	require.NoError(t, err)
	assert.Equal(t, 5, a.Fits)
	assert.Contains(t, a.Message, "3 cannot allocate all claims")
}

// oneSlot is an out-of-tree plugin: one pod a node.
type oneSlot struct{}

func (oneSlot) Name() string { return "OneSlot" }
func (oneSlot) Filter(_ context.Context, _ fwk.CycleState, _ *corev1.Pod, n fwk.NodeInfo) *fwk.Status {
	if len(n.GetPods()) > 0 {
		return fwk.NewStatus(fwk.Unschedulable, "the slot is taken")
	}
	return nil
}

const twoProfiles = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
- schedulerName: slots
  plugins: {filter: {enabled: [{name: OneSlot}]}}
`

func TestProfilesAndPluginsOfOnesOwn(t *testing.T) {
	registry := frameworkruntime.Registry{"OneSlot": func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin,
		error) {
		return oneSlot{}, nil
	}}
	e, s := engine(t, scheduler.Config{Profile: []byte(twoProfiles), Registry: registry}), snapshot(t, nodes(4)...)
	pod := oracle.Pod("default", "web", "", "100m", "")
	pod.Spec.SchedulerName = "slots"
	a, err := e.Fit(t.Context(), s, workload(pod, 9))
	require.NoError(t, err)
	assert.Equal(t, 4, a.Fits)
	assert.Contains(t, a.Message, "4 the slot is taken")
	compare(t, nodes(4), pod, 9, scheduler.Config{Profile: []byte(twoProfiles), Registry: registry},
		oracle.Options{Config: []byte(twoProfiles), Registry: registry})
	pod.Spec.SchedulerName = "nobody"
	_, err = e.Fit(t.Context(), s, workload(pod, 1))
	assert.EqualError(t, err, `scheduler: profile not found for scheduler name "nobody"`)
}

func TestBadInput(t *testing.T) {
	config := func(tail string) scheduler.Config {
		return scheduler.Config{Profile: []byte(
			"apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n" + tail)}
	}
	for _, c := range []struct {
		config scheduler.Config
		want   string
	}{
		{scheduler.Config{PercentageOfNodesToScore: 101},
			"scheduler: Config.PercentageOfNodesToScore is 101, want 1 to 100"},
		{scheduler.Config{NodeOrders: -1}, "scheduler: Config.NodeOrders is -1"},
		{scheduler.Config{Profile: []byte("a: b")}, "scheduler: Config.Profile: "},
		{scheduler.Config{Profile: []byte("{")}, "scheduler: Config.Profile: "},
		{config("profiles: [{schedulerName: x, plugins: {filter: {enabled: [{name: Nope}]}}}]"),
			`FilterPlugin "Nope" does not exist`},
		{config("profiles: [{schedulerName: x}, {schedulerName: x}]"), "profiles[1].schedulerName"},
		{config("extenders: [{urlPrefix: 'http://e', filterVerb: f}]"), "extender"},
		{config("profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: Nope}}}]}]"),
			"Nope"},
	} {
		_, err := scheduler.New(c.config)
		assert.ErrorContains(t, err, c.want)
	}
	e, s := engine(t, scheduler.Config{}), snapshot(t, nodes(1)...)
	_, err := e.Fit(t.Context(), s, capacity.Workload{Replicas: 1})
	assert.EqualError(t, err, "scheduler: Workload.Template.Spec.Containers is empty, want at least one container")
	_, err = e.Fit(t.Context(), s, workload(oracle.Pod("a", "b", "", "1", ""), -1))
	assert.EqualError(t, err, "scheduler: Workload.Replicas is -1, want >= 0")
	_, err = e.Fit(t.Context(), nil, capacity.Workload{})
	assert.ErrorContains(t, err, "Snapshot is nil")
	_, err = e.Explain(t.Context(), s, nil)
	assert.ErrorContains(t, err, "Pod is nil")
}

// capacity hands over what it refuses, so that one call always answers.
func TestCapacityFallsBack(t *testing.T) {
	pod := oracle.Pod("default", "web", "", "1", "")
	pod.Labels = map[string]string{"app": "web"}
	pod.Spec.TopologySpreadConstraints = spread(1, 1).Pod.Spec.TopologySpreadConstraints
	s := snapshot(t, nodes(6)...)
	_, err := s.Fit(t.Context(), workload(pod, 50))
	require.ErrorIs(t, err, capacity.ErrNeedsScheduler)
	a, err := s.Fit(t.Context(), workload(pod, 50), capacity.Fallback(engine(t, scheduler.Config{})))
	require.NoError(t, err)
	assert.Equal(t, 24, a.Fits)
}

// Quota and limit range act before the scheduler, with the very code of package capacity.
func TestAdmissionComesFirst(t *testing.T) {
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "q"},
		Spec: corev1.ResourceQuotaSpec{Hard: oracle.Pod("", "", "", "3", "").Spec.Containers[0].Resources.Requests}}
	s := snapshot(t, append(nodes(2), quota)...)
	w := workload(oracle.Pod("default", "web", "", "1", ""), 9)
	want, err := s.Fit(t.Context(), w)
	require.NoError(t, err)
	got, err := engine(t, scheduler.Config{}).Fit(t.Context(), s, w)
	require.NoError(t, err)
	assert.Equal(t, 6, got.Rejected)
	assert.Equal(t, want, got, "room per node included")
	assert.Len(t, got.Nodes, 2)
}

// Explain agrees with Place on the node and with the message when there is none.
func TestExplainAgreesWithPlace(t *testing.T) {
	first, count := cases.Span(t, usual(60, 2000))
	for seed := first; seed < first+count; seed++ {
		m := newMixture(seed)
		pod := m.pod("new")
		if m.state(seed, pod); usesTemplates(pod) {
			continue // replicas have claims of their own
		}
		s, e := snapshot(t, m.objects...), engine(t, scheduler.Config{})
		placements, answer, err := e.Place(t.Context(), s, workload(pod, 1))
		require.NoError(t, err)
		d, err := e.Explain(t.Context(), s, pod)
		require.NoError(t, err)
		require.Equal(t, answer.Message, d.Message, "seed %d", seed)
		if strings.HasPrefix(d.Message, "0/") { // what does not is a plugin's error
			require.Zero(t, passed(d), "seed %d", seed)
		}
		if len(placements) == 1 {
			p := placements[0]
			require.Equal(t, p.Node, d.Node, "seed %d", seed)
			require.Equal(t, p.Feasible, d.Feasible, "seed %d", seed)
			require.Equal(t, d.Feasible, passed(d), "seed %d", seed)
			for _, n := range d.Nodes {
				if n.Node == p.Node && p.Feasible > 1 {
					require.Equal(t, p.Score, n.Score, "seed %d", seed)
				}
			}
		}
	}
}
