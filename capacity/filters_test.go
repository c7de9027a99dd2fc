package capacity_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/capacity"
)

// labelled is an empty node of 16 cores, changed by edit.
func labelled(i int, edit func(*corev1.Node)) *corev1.Node {
	node := bulkNode(i)
	edit(node)
	return node
}

// like is web with a template changed by edit.
func like(replicas int, edit func(*corev1.PodSpec)) capacity.Workload {
	w := web(replicas)
	edit(&w.Template.Spec)
	return w
}

// affine requires of nodes what any of the terms does.
func affine(terms ...corev1.NodeSelectorTerm) func(*corev1.PodSpec) {
	return func(s *corev1.PodSpec) {
		s.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms}}}
	}
}

// byName is a term for the node of this name.
func byName(name string) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{
		{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{name}}}}
}

// Each filter lets an 80th of a node's 16 cores pass, or says why not in kube-scheduler's words.
func TestFilters(t *testing.T) {
	const helpless = " preemption: 0/2 nodes are available: "
	taint := corev1.Taint{Key: "gpu", Value: "yes", Effect: corev1.TaintEffectNoSchedule}
	tainted := labelled(2, func(n *corev1.Node) {
		n.Spec.Taints = []corev1.Taint{taint, {Key: "soft", Effect: corev1.TaintEffectPreferNoSchedule}}
	})
	cordoned := labelled(2, func(n *corev1.Node) { n.Spec.Unschedulable = true })
	gpus := labelled(2, func(n *corev1.Node) { n.Status.Allocatable["example.com/gpu"] = resource.MustParse("3") })
	busy := bulkPod("busy", bulkNode(2).Name, 0)
	busy.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 80}, {ContainerPort: 81}}
	port := func(p corev1.ContainerPort) func(*corev1.PodSpec) {
		return func(s *corev1.PodSpec) { s.Containers[0].Ports = []corev1.ContainerPort{p} }
	}
	gpu := func(s *corev1.PodSpec) {
		s.Containers[0].Resources.Requests["example.com/gpu"] = resource.MustParse("1")
		s.Containers[0].Resources.Limits = corev1.ResourceList{"example.com/gpu": resource.MustParse("1")}
	}
	for name, c := range map[string]struct {
		second  runtime.Object
		edit    func(*corev1.PodSpec)
		rooms   []int
		message string
	}{
		"taint": {tainted, func(*corev1.PodSpec) {}, []int{80, 0},
			"0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s)." + helpless +
				"1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."},
		"tolerated": {tainted, func(s *corev1.PodSpec) {
			s.Tolerations = []corev1.Toleration{{Key: "gpu", Operator: corev1.TolerationOpExists}}
		}, []int{80, 80}, "0/2 nodes are available: 2 Insufficient cpu." + helpless +
			"2 No preemption victims found for incoming pod."},
		"cordon": {cordoned, func(*corev1.PodSpec) {}, []int{80, 0},
			"0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable." + helpless +
				"1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."},
		"selector": {labelled(2, func(n *corev1.Node) { n.Labels["disk"] = "ssd" }),
			func(s *corev1.PodSpec) { s.NodeSelector = map[string]string{"disk": "ssd"} }, []int{0, 80},
			"0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match Pod's node affinity/selector." +
				helpless +
				"1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."},
		"node affinity": {bulkNode(2),
			affine(corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
				{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{"z2"}}}}),
			[]int{0, 80},
			"0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match Pod's node affinity/selector." +
				helpless +
				"1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."},
		"extended resource": {gpus, gpu, []int{0, 3}, "0/2 nodes are available: 2 Insufficient example.com/gpu." +
			helpless +
			"1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."},
		"host port": {busy, port(corev1.ContainerPort{ContainerPort: 80, HostPort: 80}), []int{1, 0},
			"0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports." + helpless +
				"2 No preemption victims found for incoming pod."},
		"host port of one address": {busy,
			port(corev1.ContainerPort{ContainerPort: 80, HostPort: 80, HostIP: "10.0.0.1"}), []int{1, 0},
			"0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports." + helpless +
				"2 No preemption victims found for incoming pod."},
		"host port of another protocol": {busy,
			port(corev1.ContainerPort{ContainerPort: 80, HostPort: 80, Protocol: corev1.ProtocolUDP}),
			[]int{1, 1}, "0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports." +
				helpless +
				"2 No preemption victims found for incoming pod."},
		"name": {bulkNode(2), affine(byName("node-000002")), []int{0, 80},
			"0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity]." +
				helpless +
				"1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."},
		"names of two terms": {bulkNode(2), affine(byName("node-000002"), byName("node-000001")), []int{80, 80},
			"0/2 nodes are available: 2 Insufficient cpu." + helpless +
				"2 No preemption victims found for incoming pod."},
		"a term without name": {bulkNode(2), affine(byName("node-000002"), corev1.NodeSelectorTerm{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "none", Operator: corev1.NodeSelectorOpExists}}}),
			[]int{0, 80},
			"0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match Pod's node affinity/selector." +
				helpless +
				"1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."},
		"names that contradict themselves": {bulkNode(2), affine(corev1.NodeSelectorTerm{MatchFields: append(
			byName("node-000001").MatchFields, byName("node-000002").MatchFields...)}), []int{0, 0},
			"0/2 nodes are available: pod affinity terms conflict. not found"},
		"two plugins without a common node": {bulkNode(2), func(s *corev1.PodSpec) {
			affine(byName("node-000002"))(s)
			s.NodeName = "node-000001"
		}, []int{0, 0}, "0/2 nodes are available: node(s) didn't satisfy plugin(s) [NodeAffinity NodeName] " +
			"simultaneously. not found"},
		"node name": {bulkNode(2), func(s *corev1.PodSpec) { s.NodeName = "node-000001" }, []int{80, 0},
			"0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeName]." + helpless +
				"1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."},
		"too large for any node": {bulkNode(2), func(s *corev1.PodSpec) {
			s.Containers[0].Resources.Requests[corev1.ResourceCPU] = resource.MustParse("17")
		}, []int{0, 0}, "0/2 nodes are available: 2 Insufficient cpu." + helpless +
			"2 Preemption is not helpful for scheduling."},
		"ephemeral storage": {bulkNode(2), func(s *corev1.PodSpec) {
			s.Containers[0].Resources.Requests[corev1.ResourceEphemeralStorage] = resource.MustParse("30Gi")
		}, []int{3, 3}, "0/2 nodes are available: 2 Insufficient ephemeral-storage." + helpless +
			"2 No preemption victims found for incoming pod."},
		"places for pods": {bulkNode(2), func(s *corev1.PodSpec) { s.Containers[0].Resources.Requests = nil },
			[]int{110, 110},
			"0/2 nodes are available: 2 Too many pods." + helpless + "2 No preemption victims found for incoming pod."},
		"init containers and their sum": {bulkNode(2), func(s *corev1.PodSpec) {
			s.InitContainers = []corev1.Container{{Name: "i", Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("5")}}}}
		}, []int{3, 3}, "0/2 nodes are available: 2 Insufficient cpu." + helpless +
			"2 No preemption victims found for incoming pod."},
	} {
		objects := []runtime.Object{bulkNode(1), c.second}
		if c.second == runtime.Object(busy) {
			objects = append(objects, bulkNode(2))
		}
		snapshot, err := capacity.NewSnapshot(objects...)
		require.NoError(t, err, name)
		w := like(1000, c.edit)
		answer, err := snapshot.Fit(t.Context(), w)
		require.NoError(t, err, name)
		var rooms []int
		for _, n := range answer.Nodes {
			rooms = append(rooms, n.Room())
		}
		assert.Equal(t, c.rooms, rooms, name)
		assert.Equal(t, c.rooms[0]+c.rooms[1], answer.Fits, name)
		assert.Equal(t, 1000-answer.Fits, answer.Pending, name)
		assert.Equal(t, c.message, answer.Message, name)
		most, err := snapshot.Max(t.Context(), w)
		require.NoError(t, err, name)
		assert.Equal(t, answer.Fits, most.Desired, name)
		assert.Equal(t, answer.Message, most.Message, name)
	}
}

// Features that cannot be counted node by node are refused by name, and each only where it matters.
func TestRefusals(t *testing.T) {
	class := &resourcev1.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: "a100"},
		Spec: resourcev1.DeviceClassSpec{ExtendedResourceName: ptr.To("example.com/gpu")}}
	requests := func(name corev1.ResourceName, amount string) func(*corev1.PodSpec) {
		return func(s *corev1.PodSpec) {
			s.Containers[0].Resources.Requests[name] = resource.MustParse(amount)
			s.Containers[0].Resources.Limits = corev1.ResourceList{name: resource.MustParse(amount)}
		}
	}
	volume := func(source corev1.VolumeSource) func(*corev1.PodSpec) {
		return func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{{Name: "v", VolumeSource: source}} }
	}
	terms := []corev1.PodAffinityTerm{{TopologyKey: "zone"}}
	for name, c := range map[string]struct {
		edit func(*corev1.PodSpec)
		want string // without "capacity: ", empty where it is counted
	}{
		"spread": {func(s *corev1.PodSpec) {
			s.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{WhenUnsatisfiable: corev1.ScheduleAnyway},
				{TopologyKey: "zone", WhenUnsatisfiable: corev1.DoNotSchedule}}
		}, "PodTopologySpread (spec.topologySpreadConstraints[1] over zone)"},
		"affinity": {func(s *corev1.PodSpec) {
			s.Affinity = &corev1.Affinity{
				PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}}
		}, "InterPodAffinity (spec.affinity.podAffinity is required)"},
		"anti-affinity": {func(s *corev1.PodSpec) {
			s.Affinity = &corev1.Affinity{
				PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}}
		}, "InterPodAffinity (spec.affinity.podAntiAffinity is required)"},
		"preferred affinity": {func(s *corev1.PodSpec) {
			s.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{
				PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{Weight: 1,
					PodAffinityTerm: terms[0]}}}}
		}, ""},
		"claim": {volume(corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{}}),
			"VolumeBinding (spec.volumes[0] v)"},
		"disk": {volume(corev1.VolumeSource{RBD: &corev1.RBDVolumeSource{}}),
			"VolumeRestrictions (spec.volumes[0] v)"},
		"migrated": {volume(corev1.VolumeSource{AzureDisk: &corev1.AzureDiskVolumeSource{}}),
			"NodeVolumeLimits (spec.volumes[0] v)"},
		"empty dir": {volume(corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}), ""},
		"devices": {func(s *corev1.PodSpec) { s.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu"}} },
			"DynamicResources (spec.resourceClaims)"},
		"devices by the name of a class": {requests("deviceclass.resource.kubernetes.io/a100", "1"),
			"DynamicResources (a request for deviceclass.resource.kubernetes.io/a100)"},
		"devices as an extended resource": {requests("example.com/gpu", "1"),
			"DynamicResources (a request for example.com/gpu, which DeviceClass a100 offers)"},
		"none of the devices":       {requests("example.com/gpu", "0"), ""},
		"another extended resource": {requests("example.com/disk", "1"), ""},
	} {
		for _, replicas := range []int{1, 0} { // nothing is refused where nothing is to be placed
			snapshot, err := capacity.NewSnapshot(bulkNode(1), class)
			require.NoError(t, err)
			_, err = snapshot.Fit(t.Context(), like(replicas, c.edit))
			if c.want == "" || replicas == 0 {
				assert.NoError(t, err, name)
				continue
			}
			require.ErrorIs(t, err, capacity.ErrNeedsScheduler, name)
			assert.EqualError(t, err, "capacity: "+c.want+": needs the scheduler", name)
		}
	}
	many := web(1)
	for i := range 50 {
		many.Template.Spec.Containers[0].Resources.Requests[corev1.ResourceName(
			fmt.Sprint("example.com/r", i))] = resource.MustParse("1")
	}
	snapshot, err := capacity.NewSnapshot(bulkNode(1))
	require.NoError(t, err)
	_, err = snapshot.Fit(t.Context(), many)
	assert.ErrorIs(t, err, capacity.ErrNeedsScheduler)
	assert.ErrorContains(t, err, "resources requested, at most 48 can be counted")
}

// The required anti-affinity of a bound pod keeps away those that it selects, in its namespaces, if
// its node has the label.
func TestAntiAffinityOfOthers(t *testing.T) {
	ofWeb := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	shop := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"team": "a"}}}
	for name, c := range map[string]struct {
		term corev1.PodAffinityTerm
		away bool
	}{
		"its own namespace": {corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname, LabelSelector: ofWeb},
			false},
		"by name": {corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname, LabelSelector: ofWeb,
			Namespaces: []string{"x", "shop"}}, true},
		"by the team": {corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname, LabelSelector: ofWeb,
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "a"}}}, true},
		"by another team": {corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname, LabelSelector: ofWeb,
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "b"}}}, false},
		"all pods": {corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname,
			LabelSelector: &metav1.LabelSelector{}, Namespaces: []string{"shop"}}, true},
		"no pods": {corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname,
			Namespaces: []string{"shop"}}, false},
		"a label its node lacks": {corev1.PodAffinityTerm{TopologyKey: "rack", LabelSelector: ofWeb,
			Namespaces: []string{"shop"}}, false},
		"a selector that cannot be parsed": {corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname,
			Namespaces: []string{"shop"},
			LabelSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a",
				Operator: "Odd"}}}}, false},
	} {
		loner := bulkPod("loner", bulkNode(1).Name, 100)
		loner.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{c.term, c.term}}}
		snapshot, err := capacity.NewSnapshot(shop, bulkNode(1), loner)
		require.NoError(t, err, name)
		w := web(1)
		w.Namespace = "shop"
		_, err = snapshot.Fit(t.Context(), w)
		if c.away {
			assert.EqualError(t, err,
				"capacity: InterPodAffinity (the required anti-affinity of pod load/loner): needs the scheduler", name)
		} else {
			assert.NoError(t, err, name)
		}
	}
}

// Replicas that are there count as running or waiting; ended and leaving ones, and others' do not.
func TestReplicas(t *testing.T) {
	replica := func(name, node string, edit func(*corev1.Pod)) *corev1.Pod {
		p := bulkPod(name, node, 200)
		p.Namespace, p.Labels = "default", map[string]string{"app": "web"}
		edit(p)
		return p
	}
	none, n := func(*corev1.Pod) {}, bulkNode(1).Name
	snapshot, err := capacity.NewSnapshot(bulkNode(1), replica("a", n, none), replica("b", n, none),
		replica("w", "", none),
		replica("ended", n, func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }),
		replica("leaves", n, func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} }),
		replica("another", n, func(p *corev1.Pod) { p.Labels = map[string]string{"app": "db"} }),
		replica("elsewhere", n, func(p *corev1.Pod) { p.Namespace = "other" }))
	require.NoError(t, err)
	w := web(10)
	w.Selector = labels.SelectorFromSet(labels.Set{"app": "web"})
	answer, err := snapshot.Fit(t.Context(), w)
	require.NoError(t, err)
	assert.Equal(t, []int{10, 2, 8}, []int{answer.Desired, answer.Running, answer.Fits})
	most, err := snapshot.Max(t.Context(), w)
	require.NoError(t, err)
	assert.Equal(t, []int{2 + 75, 2, 75}, []int{most.Desired, most.Running, most.Fits},
		"five pods of 200m hold a core of 16")
	w.Replicas = 1
	fewer, err := snapshot.Fit(t.Context(), w)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 2, 0, 0, 0}, []int{fewer.Desired, fewer.Running, fewer.Fits, fewer.Pending,
		fewer.Rejected})
}

// Gated pods wait, however much room there is.
func TestSchedulingGates(t *testing.T) {
	snapshot, err := capacity.NewSnapshot(bulkNode(1))
	require.NoError(t, err)
	w := like(3, func(s *corev1.PodSpec) { s.SchedulingGates = []corev1.PodSchedulingGate{{Name: "a"}, {Name: "b"}} })
	answer, err := snapshot.Fit(t.Context(), w)
	require.NoError(t, err)
	assert.Equal(t, capacity.Answer{Desired: 3, Pending: 3, Message: "waiting for scheduling gates: [a b]"}, answer)
	answer, err = snapshot.Max(t.Context(), w)
	require.NoError(t, err)
	assert.Equal(t, capacity.Answer{Message: "waiting for scheduling gates: [a b]"}, answer)
}

// A waiting pod for which room was made holds it against pods of no higher priority.
func TestNominatedPods(t *testing.T) {
	waiting := bulkPod("waiting", "", 4000)
	waiting.Spec.Priority = ptr.To[int32](5)
	waiting.Status.NominatedNodeName = bulkNode(1).Name
	waiting.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 80}}
	lost := waiting.DeepCopy()
	lost.Name, lost.Status.NominatedNodeName = "lost", "gone"
	snapshot, err := capacity.NewSnapshot(bulkNode(1), waiting, lost)
	require.NoError(t, err)
	for priority, want := range map[int32]int{5: 60, 6: 80} {
		answer, err := snapshot.Max(t.Context(), like(1, func(s *corev1.PodSpec) { s.Priority = &priority }))
		require.NoError(t, err)
		assert.Equal(t, want, answer.Fits, "priority %d", priority)
		answer, err = snapshot.Max(t.Context(), like(1, func(s *corev1.PodSpec) {
			s.Priority, s.Containers[0].Ports = &priority, []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80}}
		}))
		require.NoError(t, err)
		assert.Equal(t, want/80, answer.Fits, "its port at priority %d", priority)
	}
}

// Without nodes there is a sentence of its own, and a quota or limit is the server's word.
func TestOtherEnds(t *testing.T) {
	empty, err := capacity.NewSnapshot()
	require.NoError(t, err)
	answer, err := empty.Fit(t.Context(), web(2))
	require.NoError(t, err)
	assert.Equal(t, "no nodes available to schedule pods", answer.Message)

	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "q"},
		Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("3")}}}
	snapshot, err := capacity.NewSnapshot(bulkNode(1), quota)
	require.NoError(t, err)
	const refusal = `pods "Unknown" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3`
	answer, err = snapshot.Fit(t.Context(), web(5))
	require.NoError(t, err)
	assert.Equal(t, []int{3, 0, 2}, []int{answer.Fits, answer.Pending, answer.Rejected})
	assert.Equal(t, refusal, answer.Refusal)
	answer, err = snapshot.Max(t.Context(), web(5))
	require.NoError(t, err)
	assert.Equal(t, []int{3, 3, 0}, []int{answer.Desired, answer.Fits, answer.Rejected})
	assert.Equal(t, refusal, answer.Refusal)
	assert.Empty(t, answer.Message)
}

// The answer's JSON has its warnings as text.
func TestAnswerAsJSON(t *testing.T) {
	snapshot, err := capacity.NewSnapshot(bulkNode(1),
		&runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: "v9", Kind: "Odd"}})
	require.NoError(t, err)
	answer, err := snapshot.Fit(t.Context(), web(81))
	require.NoError(t, err)
	text, err := json.Marshal(answer)
	require.NoError(t, err)
	assert.JSONEq(t, `{"desired": 81, "running": 0, "fits": 80, "pending": 1, "rejected": 0, "preemptible": 0,
		"message": "0/1 nodes are available: 1 Insufficient cpu. `+
		`preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
		"reasons": [{"text": "Insufficient cpu", "nodes": 1}],
		"nodes": [{"node": "node-000001", "room": 80, "reason": "Insufficient cpu"}],
		"warnings": ["capacity: skipped 1 of unknown kind v9 Odd"]}`, string(text))
	assert.Equal(t, "1 Insufficient cpu", answer.Reasons[0].String())
}
