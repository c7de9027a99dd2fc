package scheduler

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/preemption"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/utils/ptr"
)

// rejecting lists, by node, the plugins that reject the pod, the first of them marked.
func rejecting(d Decision) map[string][]string {
	out := map[string][]string{}
	for _, n := range d.Nodes {
		for _, v := range n.Verdicts {
			if v.Pass {
				continue
			}
			word := fmt.Sprint(v.Plugin, v.Reasons)
			if v.First {
				word = "first " + word
			}
			if v.Nominated {
				word += " nominated"
			}
			out[n.Node] = append(out[n.Node], word)
		}
	}
	return out
}

func podOf(cpu string, edit func(*corev1.PodSpec)) *corev1.Pod {
	w := web(1, cpu, edit)
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "web-", Labels: w.Template.Labels},
		Spec: w.Template.Spec}
}

// Every node has the verdicts of all plugins, also behind the first that rejects, and feasible
// nodes have scores that add up.
func TestExplain(t *testing.T) {
	tainted := `{apiVersion: v1, kind: Node, metadata: {name: t, labels: {zone: "1"}},
  spec: {taints: [{key: k, effect: NoSchedule}]},
  status: {allocatable: {cpu: "1", memory: 8Gi, pods: "10"}}}`
	s := read(t, machine("a", "1"), machine("b", "2"), tainted, bound("full", "b", "3", 0))
	d, err := newEngine(t, Config{}).Explain(t.Context(), s, podOf("2", nil))
	require.NoError(t, err)
	assert.Equal(t, "default/web-0", d.Pod)
	assert.Equal(t, []any{"a", "", "", 1}, []any{d.Node, d.Message, d.Refusal, d.Feasible})
	assert.Equal(t, map[string][]string{
		"b": {"first NodeResourcesFit[Insufficient cpu]"},
		"t": {"first TaintToleration[node(s) had untolerated taint(s)]", "NodeResourcesFit[Insufficient cpu]"},
	}, rejecting(d))
	assert.Contains(t, d.Filters, "NodeResourcesFit")
	assert.Contains(t, d.Skipped, "InterPodAffinity")
	sum := int64(0)
	for _, score := range d.Nodes[0].Scores {
		sum += score.Weighted
	}
	assert.Equal(t, sum, d.Nodes[0].Score)
	assert.NotZero(t, sum)
	assert.True(t, d.Nodes[0].Feasible)

	d, err = newEngine(t, Config{}).Explain(t.Context(), s, podOf("9", nil))
	require.NoError(t, err)
	assert.Empty(t, d.Node)
	assert.Equal(t, "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. preemption: 0/3 "+
		"nodes are "+
		"available: 3 Preemption is not helpful for scheduling.", d.Message)
	for _, v := range d.Nodes[0].Verdicts {
		assert.Equal(t, v.Plugin == "NodeResourcesFit", v.Hopeless, "no eviction makes room for 9 cores: %s", v.Plugin)
	}

	d, err = newEngine(t, Config{}).Explain(t.Context(), s,
		podOf("2", func(s *corev1.PodSpec) { s.PriorityClassName = "none" }))
	require.NoError(t, err)
	assert.Equal(t, Decision{Pod: "default/web-0",
		Refusal: `pods "web-0" is forbidden: no PriorityClass with name none was found`}, d)
	d, err = newEngine(t, Config{}).Explain(t.Context(), s,
		podOf("2", func(s *corev1.PodSpec) { s.SchedulingGates = []corev1.PodSchedulingGate{{Name: "g"}} }))
	require.NoError(t, err)
	assert.Equal(t, "waiting for scheduling gates: [g]", d.Message)
	d, err = newEngine(t, Config{}).Explain(t.Context(), read(t), podOf("2", nil))
	require.NoError(t, err)
	assert.Equal(t, "no nodes available to schedule pods", d.Message)
}

// Nodes that PreFilter leaves out are rejected by its plugin, and a pod that is there does not meet
// itself.
func TestExplainPreFilterAndItself(t *testing.T) {
	s := read(t, machine("a", "1"), machine("b", "2"), bound("web", "a", "3", 0))
	itself := podOf("3", nil)
	itself.Namespace, itself.Name = "x", "web"
	d, err := newEngine(t, Config{}).Explain(t.Context(), s, itself)
	require.NoError(t, err)
	assert.Equal(t, 2, d.Feasible, "its own place on a is free")
	assert.Equal(t, d.Nodes[0].Score, d.Nodes[1].Score, "both nodes are empty")

	only := func(names ...string) *corev1.Pod {
		return podOf("1", func(s *corev1.PodSpec) {
			s.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{}}}
			for _, name := range names {
				required := s.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
				required.NodeSelectorTerms = append(required.NodeSelectorTerms,
					corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{
						{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{name}}}})
			}
		})
	}
	d, err = newEngine(t, Config{}).Explain(t.Context(), s, only("b"))
	require.NoError(t, err)
	assert.Equal(t, "b", d.Node)
	assert.Equal(t, map[string][]string{"a": {"first NodeAffinity[node(s) didn't satisfy plugin(s) [NodeAffinity]]"}},
		rejecting(d))
	d, err = newEngine(t, Config{}).Explain(t.Context(), s, only("c"))
	require.NoError(t, err)
	assert.Equal(t, "0/2 nodes are available: 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. preemption: 0/2 "+
		"nodes are available: "+
		"2 Preemption is not helpful for scheduling.", d.Message)
	missing := podOf("1", func(s *corev1.PodSpec) {
		s.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "none"}}}}
	})
	d, err = newEngine(t, Config{}).Explain(t.Context(), s, missing)
	require.NoError(t, err)
	assert.Equal(t, `0/2 nodes are available: persistentvolumeclaim "none" not found. not found`, d.Message)
}

// Places that preemption promised to pods of no lower priority are taken; the verdict says by whom.
func TestNominatedPodsHoldTheirPlace(t *testing.T) {
	waiting := bound("first", "", "4", 5)[:len(bound("first", "", "4", 5))-1] + ", status: {nominatedNodeName: a}}"
	s := read(t, machine("a", "1"), machine("b", "2"), bound("full", "b", "4", 9), waiting)
	answer, err := newEngine(t, Config{}).Fit(t.Context(), s, web(1, "1", prioritized(5)))
	require.NoError(t, err)
	assert.Zero(t, answer.Fits)
	d, err := newEngine(t, Config{}).Explain(t.Context(), s, podOf("1", prioritized(5)))
	require.NoError(t, err)
	assert.Equal(t, map[string][]string{"a": {"first NodeResourcesFit[Insufficient cpu] nominated"},
		"b": {"first NodeResourcesFit[Insufficient cpu]"}}, rejecting(d))
	d, err = newEngine(t, Config{}).Explain(t.Context(), s, podOf("1", prioritized(6)))
	require.NoError(t, err)
	assert.Equal(t, "a", d.Node, "a more important pod may take the place")
	itself := podOf("4", prioritized(5))
	itself.Namespace, itself.Name, itself.Status.NominatedNodeName = "x", "first", "a"
	d, err = newEngine(t, Config{}).Explain(t.Context(), s, itself)
	require.NoError(t, err)
	assert.Equal(t, []any{"a", 1}, []any{d.Node, d.Feasible})
}

// odd is an out-of-tree plugin whose Reserve refuses a node and whose Filter fails on another.
type odd struct{}

func (odd) Name() string { return "Odd" }

func (odd) Reserve(_ context.Context, _ fwk.CycleState, _ *corev1.Pod, node string) *fwk.Status {
	if node == "a" {
		return fwk.NewStatus(fwk.Unschedulable, "a is odd")
	}
	return nil
}

func (odd) Unreserve(context.Context, fwk.CycleState, *corev1.Pod, string) {}

func (odd) Filter(_ context.Context, _ fwk.CycleState, _ *corev1.Pod, n fwk.NodeInfo) *fwk.Status {
	if n.Node().Name == "c" {
		return fwk.AsStatus(fmt.Errorf("c is broken"))
	}
	return nil
}

// A plugin of one's own is asked like the others. Its refusal in Reserve ends the placing, and its
// error is also a warning.
func TestPluginsOfOnesOwn(t *testing.T) {
	config := Config{
		Profile: []byte(header +
			"profiles: [{plugins: {filter: {enabled: [{name: Odd}]}, reserve: {enabled: [{name: Odd}]}}}]\n"),
		Registry: frameworkruntime.Registry{"Odd": func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin,
			error) {
			return odd{}, nil
		}},
	}
	e := newEngine(t, config)
	answer, err := e.Fit(t.Context(), read(t, machine("b", "1"), bound("there", "b", "1", 0)), web(4, "1", nil))
	require.NoError(t, err)
	assert.Equal(t, []int{3, 1}, []int{answer.Fits, answer.Pending})
	answer, err = e.Fit(t.Context(), read(t, machine("a", "1")), web(2, "1", nil))
	require.NoError(t, err)
	assert.Equal(t, []any{0, 2, "0/1 nodes are available: 1 a is odd."},
		[]any{answer.Fits, answer.Pending, answer.Message})
	answer, err = e.Fit(t.Context(), read(t, machine("c", "1")), web(2, "1", nil))
	require.NoError(t, err)
	assert.Equal(t, []any{0, 2}, []any{answer.Fits, answer.Pending})
	assert.Contains(t, answer.Message, "c is broken")
	require.Len(t, answer.Warnings, 1)
	assert.ErrorContains(t, answer.Warnings[0], "scheduler: pod default/web-0: ")
	d, err := e.Explain(t.Context(), read(t, machine("c", "1")), podOf("1", nil))
	require.NoError(t, err)
	assert.Contains(t, d.Message, "c is broken")
	assert.True(t, d.Nodes[0].Verdicts[len(d.Nodes[0].Verdicts)-1].Hopeless)
	config.Registry["NodeName"] = config.Registry["Odd"]
	_, err = New(config)
	assert.ErrorContains(t, err, "scheduler: Config.Registry: ")
}

type victims struct {
	name string
	v    extenderv1.Victims
}

func (c victims) Victims() *extenderv1.Victims { return &c.v }
func (c victims) Name() string                 { return c.name }
func (victims) NumPodGroupDisruptions() int    { return 0 }

// pick goes by kube-scheduler's rules, each only among those that the rules before left.
func TestPick(t *testing.T) {
	pods := func(hours int64, priorities ...int32) (out []*corev1.Pod) {
		for _, p := range priorities {
			pod := &corev1.Pod{Spec: corev1.PodSpec{Priority: ptr.To(p)}}
			if hours > 0 {
				pod.Status.StartTime = ptr.To(metav1.Unix(hours*3600, 0))
			}
			out = append(out, pod)
		}
		return out
	}
	const lowest = -1 << 31
	for name, c := range map[string]struct{ first, second extenderv1.Victims }{
		"violated budgets": {extenderv1.Victims{Pods: pods(1, 1), NumPDBViolations: 1},
			extenderv1.Victims{Pods: pods(1, 9, 9)}},
		"highest priority": {extenderv1.Victims{Pods: pods(1, 5)}, extenderv1.Victims{Pods: pods(1, 4, 4)}},
		"sum":              {extenderv1.Victims{Pods: pods(1, 5, 5)}, extenderv1.Victims{Pods: pods(1, 5, 4)}},
		"number":           {extenderv1.Victims{Pods: pods(1, 5, lowest)}, extenderv1.Victims{Pods: pods(1, 5)}},
		"start":            {extenderv1.Victims{Pods: pods(1, 5)}, extenderv1.Victims{Pods: pods(2, 5)}},
		"start of the most important": {extenderv1.Victims{Pods: append(pods(2, 5), pods(1, 5)...)},
			extenderv1.Victims{Pods: append(pods(2, 5), pods(3, 5)...)}},
		"not started": {extenderv1.Victims{Pods: pods(2, 5)}, extenderv1.Victims{Pods: pods(0, 5)}},
	} {
		one, two := victims{"first", c.first}, victims{"second", c.second}
		assert.Equal(t, "second", pick([]preemption.Candidate{one, two}).Name(), name)
		assert.Equal(t, "second", pick([]preemption.Candidate{two, one}).Name(), name)
		assert.Equal(t, "first", pick([]preemption.Candidate{one, victims{"equal", c.first}}).Name(),
			"the first of equals")
	}
}
