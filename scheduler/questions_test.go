package scheduler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/capacity"
)

// read makes a snapshot of YAML documents.
func read(t *testing.T, documents ...string) *capacity.Snapshot {
	t.Helper()
	if len(documents) == 0 {
		documents = []string{"{apiVersion: v1, kind: List, items: []}"}
	}
	objects, err := capacity.Read(strings.NewReader(strings.Join(documents, "\n---\n")))
	require.NoError(t, err)
	s, err := capacity.NewSnapshot(objects...)
	require.NoError(t, err)
	return s
}

func newEngine(t *testing.T, c Config) *Engine {
	t.Helper()
	e, err := New(c)
	require.NoError(t, err)
	return e
}

// machine is a node of 4 cores in a zone.
func machine(name, zone string) string {
	return fmt.Sprintf(`{apiVersion: v1, kind: Node, metadata: {name: %[1]s,
  labels: {zone: z%[2]s, kubernetes.io/hostname: %[1]s, topology.kubernetes.io/zone: z%[2]s}},
  status: {allocatable: {cpu: "4", memory: 8Gi, pods: "10"}}}`, name, zone)
}

// bound is a pod on a node, or a waiting one without.
func bound(name, node, cpu string, priority int) string {
	return fmt.Sprintf(`{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: x, labels: {app: %[1]s}},
  spec: {nodeName: "%s", priority: %d, schedulerName: default-scheduler,
  containers: [{name: c, resources: {requests: {cpu: %q}}}]}}`, name, node, priority, cpu)
}

// web is n replicas that ask for cpu.
func web(n int, cpu string, edit func(*corev1.PodSpec)) capacity.Workload {
	w := capacity.Workload{Replicas: n, Selector: labels.SelectorFromSet(labels.Set{"app": "web"})}
	w.Template.GenerateName, w.Template.Labels = "web-", map[string]string{"app": "web"}
	w.Template.Spec.Containers = []corev1.Container{{Name: "c", Resources: corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}}}}
	if edit != nil {
		edit(&w.Template.Spec)
	}
	return w
}

func prioritized(p int32) func(*corev1.PodSpec) { return func(s *corev1.PodSpec) { s.Priority = &p } }

// where lists the placements as pod, node and whom they evict.
func where(placements []Placement) (out []string) {
	for _, p := range placements {
		out = append(out, strings.TrimSpace(strings.Join(append([]string{p.Pod, p.Node}, p.Evicted...), " ")))
	}
	return out
}

// A count names the places that evictions would give, and evicts nobody unless told to.
func TestEvictions(t *testing.T) {
	s := read(t, machine("a", "1"), machine("b", "2"), bound("old-a", "a", "3", 1), bound("old-b", "b", "3", 2),
		bound("wait", "", "9", 0))
	w := web(5, "2", prioritized(5))
	answer, err := newEngine(t, Config{}).Fit(t.Context(), s, w)
	require.NoError(t, err)
	assert.Equal(t, []int{0, 5, 4}, []int{answer.Fits, answer.Pending, answer.Preemptible})
	assert.Equal(t, "0/2 nodes are available: 2 Insufficient cpu. preemption: found a potential placement for pod on "+
		"node a, "+
		"preempting 1 victims", answer.Message)
	assert.Equal(t, []capacity.Reason{{Text: "Insufficient cpu", Nodes: 2}}, answer.Reasons)
	require.Len(t, answer.Nodes, 2)
	assert.Equal(t, "a: 0 (Insufficient cpu)", answer.Nodes[0].String())

	placements, answer, err := newEngine(t, Config{Evict: true}).Place(t.Context(), s, w)
	require.NoError(t, err)
	assert.Equal(t, []string{"default/web-0 a x/old-a", "default/web-1 a", "default/web-2 b x/old-b",
		"default/web-3 b"}, where(placements))
	assert.Equal(t, []int{4, 1, 0}, []int{answer.Fits, answer.Pending, answer.Preemptible})
	assert.Equal(t, "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No "+
		"preemption victims "+
		"found for incoming pod.", answer.Message)
	assert.Empty(t, answer.Nodes)

	never := web(1, "2", func(s *corev1.PodSpec) {
		s.Priority, s.PreemptionPolicy = ptr.To[int32](5), ptr.To(corev1.PreemptNever)
	})
	answer, err = newEngine(t, Config{}).Fit(t.Context(), s, never)
	require.NoError(t, err)
	assert.Equal(t, "0/2 nodes are available: 2 Insufficient cpu. preemption: not eligible due to "+
		"preemptionPolicy=Never.", answer.Message)
	assert.Zero(t, answer.Preemptible)
}

// Workloads go by priority, and pending pods of the snapshot before them only where that is asked
// for.
func TestPlaceAllGoesByTheQueue(t *testing.T) {
	s := read(t, machine("a", "1"), bound("low", "", "1", 1), bound("high", "", "1", 9),
		strings.Replace(bound("other", "", "1", 9), "default-scheduler", "other", 1))
	low, high := web(2, "2", nil), web(1, "1", prioritized(3))
	high.Template.GenerateName, high.Selector = "high-", nil
	placements, answers, err := newEngine(t, Config{}).PlaceAll(t.Context(), s, low, high)
	require.NoError(t, err)
	assert.Equal(t, []string{"default/high-0 a", "default/web-0 a"}, where(placements))
	assert.Equal(t, []int{1, 0}, []int{placements[0].Workload, placements[1].Workload})
	assert.Equal(t, []int{1, 1, 1}, []int{answers[0].Fits, answers[0].Pending, answers[1].Fits})

	placements, answers, err = newEngine(t, Config{PendingFirst: true}).PlaceAll(t.Context(), s, low, high)
	require.NoError(t, err)
	assert.Equal(t, []string{"x/high a", "x/low a", "default/high-0 a"}, where(placements))
	assert.Equal(t, -1, placements[0].Workload)
	assert.Equal(t, []int{0, 2, 1}, []int{answers[0].Fits, answers[0].Pending, answers[1].Fits})
	_, answers, err = newEngine(t, Config{}).PlaceAll(t.Context(), s)
	require.NoError(t, err)
	assert.Empty(t, answers)
}

// Running and waiting replicas are not placed twice, and admission has its say as in package
// capacity.
func TestReplicasAndAdmission(t *testing.T) {
	replica := func(name, node string) string {
		return strings.NewReplacer("namespace: x", "namespace: default", "app: "+name, "app: web").Replace(
			bound(name, node, "1", 0))
	}
	s := read(t, machine("a", "1"), replica("one", "a"), replica("two", ""), bound("three", "a", "1", 0),
		`{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {pods: "3"}}}`)
	answer, err := newEngine(t, Config{}).Fit(t.Context(), s, web(6, "1", nil))
	require.NoError(t, err)
	assert.Equal(t, []int{6, 1, 2, 0, 3}, []int{answer.Desired, answer.Running, answer.Fits, answer.Pending,
		answer.Rejected})
	assert.Equal(t, `pods "web-" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3`,
		answer.Refusal)
	counted, err := s.Fit(t.Context(), web(6, "1", nil))
	require.NoError(t, err)
	assert.Equal(t, counted, answer)

	gated, err := newEngine(t, Config{}).Fit(t.Context(), read(t, machine("a", "1")),
		web(2, "1", func(s *corev1.PodSpec) {
			s.SchedulingGates = []corev1.PodSchedulingGate{{Name: "g"}}
		}))
	require.NoError(t, err)
	assert.Equal(t, []any{0, 2, "waiting for scheduling gates: [g]"}, []any{gated.Fits, gated.Pending, gated.Message})
	none, err := newEngine(t, Config{}).Fit(t.Context(), read(t), web(1, "1", nil))
	require.NoError(t, err)
	assert.Equal(t, "no nodes available to schedule pods", none.Message)
}

func TestBadQuestions(t *testing.T) {
	e, s := newEngine(t, Config{}), read(t, machine("a", "1"))
	pod := &corev1.Pod{Spec: web(1, "1", nil).Template.Spec}
	minus := pod.DeepCopy()
	minus.Spec.Overhead = corev1.ResourceList{"cpu": resource.MustParse("-1")}
	for want, explain := range map[string]func() (Decision, error){
		"scheduler: Snapshot is nil, want one of capacity.NewSnapshot": func() (Decision,
			error) {
			return e.Explain(t.Context(), nil, pod)
		},
		"scheduler: Pod is nil, want a pod": func() (Decision,
			error) {
			return e.Explain(t.Context(), s, nil)
		},
		"scheduler: Pod.Spec.Containers is empty, want at least one container": func() (Decision,
			error) {
			return e.Explain(t.Context(), s, &corev1.Pod{})
		},
		"scheduler: Pod: spec.overhead[cpu] is -1, want >= 0": func() (Decision,
			error) {
			return e.Explain(t.Context(), s, minus)
		},
	} {
		d, err := explain()
		assert.EqualError(t, err, want)
		assert.Equal(t, Decision{}, d)
	}
	for want, w := range map[string]capacity.Workload{
		"scheduler: Workload.Replicas is -1, want >= 0":                                      web(-1, "1", nil),
		"scheduler: Workload.Template.Spec.Containers is empty, want at least one container": {},
		"scheduler: Workload.Template: spec.overhead[cpu] is -1, want >= " +
			"0": {Template: corev1.PodTemplateSpec{Spec: minus.Spec}},
		`scheduler: profile not found for scheduler name "other"`: web(1, "1",
			func(s *corev1.PodSpec) { s.SchedulerName = "other" }),
	} {
		_, err := e.Fit(t.Context(), s, w)
		assert.EqualError(t, err, want)
		placements, answers, err := e.PlaceAll(t.Context(), s, web(1, "1", nil), w)
		assert.EqualError(t, err, want)
		assert.Empty(t, placements)
		assert.Empty(t, answers)
	}
	_, _, err := e.Place(t.Context(), nil, web(1, "1", nil))
	assert.EqualError(t, err, "scheduler: Snapshot is nil, want one of capacity.NewSnapshot")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = newEngine(t, Config{}).Fit(ended, s, web(1, "1", nil))
	assert.ErrorIs(t, err, context.Canceled)
}

const header = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"

func TestBadConfigs(t *testing.T) {
	for want, c := range map[string]Config{
		"Config.PercentageOfNodesToScore is -2, want 1 to 100, 0 for 100, or Adaptive": {PercentageOfNodesToScore: -2},
		"Config.PercentageOfNodesToScore is 101, want":                                 {PercentageOfNodesToScore: 101},
		"Config.NodeOrders is -1, want >= 0":                                           {NodeOrders: -1},
		"Config.Profile: ": {Profile: []byte(
			"kind: Nothing")},
		"want a KubeSchedulerConfiguration": {Profile: []byte(
			"apiVersion: kubescheduler.config.k8s.io/v1\nkind: NodeAffinityArgs\n")},
		"Config.Profile: parallelism: Invalid value": {Profile: []byte(header +
			"parallelism: -1\n")},
		`Config.Profile: extender "http://x" is another process and cannot be asked`: {Profile: []byte(header +
			"extenders: [{urlPrefix: 'http://x', filterVerb: f}]\n")},
		`profile "default-scheduler": `: {Profile: []byte(header +
			"profiles: [{plugins: {filter: {enabled: [{name: None}]}}}]\n")},
	} {
		e, err := New(c)
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, "scheduler: ")
		assert.Nil(t, e)
	}
}

// The share of nodes that is looked for comes from the Config, else from the profile, else from the
// configuration; 0 of the last two is adaptive.
func TestPercentage(t *testing.T) {
	own, all := header+"profiles: [{percentageOfNodesToScore: 30}]\n", header+"percentageOfNodesToScore: 40\n"
	for _, c := range []struct {
		percentage int32
		profile    string
		want       int32
	}{{0, own, 100}, {20, own, 20}, {Adaptive, own, 30}, {Adaptive, all, 40}, {Adaptive, header, 0}} {
		e := newEngine(t, Config{PercentageOfNodesToScore: c.percentage, Profile: []byte(c.profile)})
		assert.Equal(t, c.want, e.config.percentage(e.loaded, &e.loaded.Profiles[0]), c)
	}
	for _, c := range []struct {
		percentage int32
		nodes      int
		want       int
	}{
		{1, 99, 99}, {1, 100, 100}, {1, 5000, 100}, {50, 5000, 2500}, {100, 5000, 5000},
		{0, 1000, 420}, {0, 5000, 500}, {0, 100000, 5000}, // 50 % less 1 % for each 125 nodes, at least 5 %
	} {
		assert.Equal(t, c.want, feasibleWanted(c.percentage, c.nodes), c)
	}
	var nodes []string
	for i := range 150 {
		nodes = append(nodes, machine(fmt.Sprintf("n%03d", i), "1"))
	}
	placements, _, err := newEngine(t, Config{PercentageOfNodesToScore: 10}).Place(t.Context(), read(t, nodes...),
		web(3, "1", nil))
	require.NoError(t, err)
	require.Len(t, placements, 3)
	assert.Equal(t, []int{100, 100, 100}, []int{placements[0].Feasible, placements[1].Feasible, placements[2].Feasible})
	assert.Equal(t, []string{"default/web-0 n000", "default/web-1 n100", "default/web-2 n050"}, where(placements),
		"each search goes on where the last ended")
}

// What makes the count depend on the order of the nodes is named, and other orders are tried.
func TestOrderDependence(t *testing.T) {
	term := func(key string) []corev1.PodAffinityTerm {
		return []corev1.PodAffinityTerm{{TopologyKey: key,
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}}}
	}
	anti := func(key string) func(*corev1.PodSpec) {
		return func(s *corev1.PodSpec) {
			s.Affinity = &corev1.Affinity{
				PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: term(key)}}
		}
	}
	together := func(s *corev1.PodSpec) {
		s.Affinity = &corev1.Affinity{
			PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: term("zone")}}
	}
	s := read(t, machine("a", "1"), machine("b", "2"), machine("c", "2"),
		`{apiVersion: resource.k8s.io/v1, kind: DeviceClass, metadata: {name: gpu}, spec: {extendedResourceName: `+
			`example.com/gpu}}`)
	for name, c := range map[string]struct {
		edit     func(*corev1.PodSpec)
		feature  string
		min, max int
		assumed  int
	}{
		"plain":         {nil, "", 0, 0, 9},
		"affinity":      {together, "required pod affinity", 4, 8, 4},
		"anti-affinity": {anti("zone"), "required pod anti-affinity on zone", 2, 2, 2},
		"one a node":    {anti(corev1.LabelHostname), "", 0, 0, 3},
		"spread": {func(s *corev1.PodSpec) {
			s.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{MaxSkew: 1, TopologyKey: "zone",
				WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: term("zone")[0].LabelSelector}}
		}, "topology spread constraints", 9, 9, 9},
		"claims": {func(s *corev1.PodSpec) {
			s.ResourceClaims = []corev1.PodResourceClaim{{Name: "c", ResourceClaimName: ptr.To("none")}}
		}, "resource claims", 0, 0, 0},
		"devices": {func(s *corev1.PodSpec) {
			s.Containers[0].Resources.Limits = corev1.ResourceList{"example.com/gpu": resource.MustParse("1")}
		}, "devices of a class that provides example.com/gpu", 0, 0, 0},
		"volumes": {func(s *corev1.PodSpec) {
			s.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "none"}}}}
		}, "volume claims", 0, 0, 0},
	} {
		answer, err := newEngine(t, Config{NodeOrders: 6}).Fit(t.Context(), s, web(9, "1", c.edit))
		require.NoError(t, err, name)
		assert.Equal(t, c.assumed, answer.Fits, name)
		var found *OrderDependence
		for _, warning := range answer.Warnings {
			if o := (*OrderDependence)(nil); errors.As(warning, &o) {
				found = o
			}
		}
		if c.feature == "" {
			assert.Nil(t, found, name)
			continue
		}
		assert.Equal(t, &OrderDependence{Feature: c.feature, Orders: 6, Min: c.min, Max: c.max}, found, name)
		assert.EqualError(t, found,
			fmt.Sprintf("scheduler: the count may depend on the order of the nodes (%s): %d to %d over 6 orders; "+
				"assumed the snapshot's, with zones taken in turn", c.feature, c.min, c.max), name)
	}
	answer, err := newEngine(t, Config{}).Fit(t.Context(), s, web(9, "1", together))
	require.NoError(t, err)
	assert.EqualError(t, answer.Warnings[0],
		"scheduler: the count may depend on the order of the nodes (required pod affinity); "+
			"assumed the snapshot's, with zones taken in turn")
}

// A snapshot is typed, and its informers are full from the start and never run.
func TestShelf(t *testing.T) {
	s := newShelf()
	require.NoError(t, s.put(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}}))
	_, err := s.ForResource(corev1.SchemeGroupVersion.WithResource("nodes"))
	assert.EqualError(t, err, "scheduler: no generic informer for /v1, Resource=nodes: the snapshot is typed")
	assert.Len(t, s.WaitForCacheSync(nil), 1)
	assert.Len(t, s.WaitForCacheSyncWithContext(t.Context()).Synced, 1)
	node := s.informer(&corev1.Node{})
	var heard []string
	_, err = node.AddEventHandlerWithResyncPeriod(handler(func(o any) { heard = append(heard, o.(*corev1.Node).Name) }),
		0)
	require.NoError(t, err)
	require.NoError(t, s.add(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "b"}}))
	assert.Equal(t, []string{"a", "b"}, heard)
	assert.Len(t, node.GetStore().List(), 2)
	node.Run(nil)
	assert.True(t, node.HasSynced())
	assert.False(t, node.IsStopped())
}

type handler func(any)

func (h handler) OnAdd(o any, _ bool) { h(o) }
func (handler) OnUpdate(any, any)     {}
func (handler) OnDelete(any)          {}
