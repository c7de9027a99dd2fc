package scheduler_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/redline-go/redline/scheduler"
	"github.com/redline-go/redline/validation/oracle"
)

func explain(t *testing.T, pod *corev1.Pod, objects ...runtime.Object) scheduler.Decision {
	t.Helper()
	d, err := engine(t, scheduler.Config{}).Explain(t.Context(), snapshot(t, objects...), pod)
	require.NoError(t, err)
	return d
}

// passed counts the nodes that every plugin lets the pod pass.
func passed(d scheduler.Decision) (n int) {
	for _, v := range d.Nodes {
		if v.Feasible {
			n++
		}
	}
	return n
}

// said returns the verdict of a plugin on a node.
func said(t *testing.T, d scheduler.Decision, node, plugin string) scheduler.Verdict {
	t.Helper()
	for _, n := range d.Nodes {
		for _, v := range n.Verdicts {
			if n.Node == node && v.Plugin == plugin {
				return v
			}
		}
	}
	t.Fatalf("%s says nothing of %s: %+v", plugin, node, d.Nodes)
	return scheduler.Verdict{}
}

func nominated(name, node, cpu string) *corev1.Pod {
	p := oracle.Pod("default", name, "", cpu, "")
	p.Spec.Priority, p.Status.NominatedNodeName = ptr(int32(9)), node
	return p
}

// A nominated pod holds its place: verdict, count and message say so alike.
func TestExplainCountsNominatedPods(t *testing.T) {
	pod := oracle.Pod("default", "web", "", "2", "")
	urgent := nominated("urgent", "node-00000", "3")
	d := explain(t, pod, append(nodes(2), urgent)...)
	assert.Equal(t, "node-00001", d.Node)
	assert.Equal(t, 1, d.Feasible)
	assert.Equal(t, 1, passed(d))
	assert.Equal(t, scheduler.Verdict{Plugin: "NodeResourcesFit", Reasons: []string{"Insufficient cpu"}, First: true,
		Nominated: true}, said(t, d, "node-00000", "NodeResourcesFit"))

	d = explain(t, pod, append(nodes(1), urgent)...)
	assert.Zero(t, passed(d))
	assert.Contains(t, d.Message, "0/1 nodes are available: 1 Insufficient cpu.")

	pod.Spec.Priority = ptr(int32(10)) // it need not wait for the other
	assert.Equal(t, 1, passed(explain(t, pod, append(nodes(1), urgent)...)))
}

// A place that a nominated pod would make possible does not count: the pod is not there yet.
func TestExplainDoesNotCountOnNominatedPods(t *testing.T) {
	friend := nominated("friend", "node-00000", "1")
	friend.Labels = map[string]string{"app": "web"}
	pod := oracle.Pod("default", "lonely", "", "1", "")
	pod.Spec.Affinity = &corev1.Affinity{
		PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
			{TopologyKey: corev1.LabelHostname, LabelSelector: web}}}}
	d := explain(t, pod, append(nodes(1), friend)...)
	assert.Zero(t, passed(d))
	v := said(t, d, "node-00000", "InterPodAffinity")
	assert.True(t, v.First)
	assert.False(t, v.Nominated)
	assert.Contains(t, d.Message, v.Reasons[0])
}

// Nodes that PreFilter leaves out have kube-scheduler's words, and the names of the plugins.
func TestExplainNamesWhoLeavesNodesOut(t *testing.T) {
	pod := oracle.Pod("default", "web", "", "1", "")
	only := func(node string) {
		pod.Spec.Affinity = &corev1.Affinity{
			NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{
					{MatchFields: []corev1.NodeSelectorRequirement{{Key: metav1.ObjectNameField,
						Operator: corev1.NodeSelectorOpIn, Values: []string{node}}}}}}}}
	}
	const words = "node(s) didn't satisfy plugin(s) [NodeAffinity]"
	only("node-00001")
	d := explain(t, pod, nodes(3)...)
	assert.Equal(t, "node-00001", d.Node)
	assert.Equal(t, 1, passed(d))
	assert.Equal(t, scheduler.Verdict{Plugin: "NodeAffinity", Reasons: []string{words}, Hopeless: true, First: true},
		said(t, d, "node-00002", "NodeAffinity"))
	only("none")
	d = explain(t, pod, nodes(3)...)
	assert.Contains(t, d.Message, "3 "+words)
	assert.Zero(t, passed(d))
}

// A pod that is bound in the snapshot does not meet itself, by a file that says less than the
// cluster knows.
func TestExplainOfAPodThatRuns(t *testing.T) {
	running := func(change func(p *corev1.Pod)) *corev1.Pod {
		p := oracle.Pod("default", "web", "node-00000", "3", "")
		p.UID, p.Labels = "7", map[string]string{"app": "web"}
		change(p)
		return p
	}
	for name, c := range map[string]struct {
		pod  *corev1.Pod
		rest []runtime.Object
	}{
		"room": {pod: running(func(*corev1.Pod) {})},
		"host port": {pod: running(func(p *corev1.Pod) {
			p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80,
				Protocol: corev1.ProtocolTCP}}
		})},
		"anti-affinity": {pod: running(func(p *corev1.Pod) {
			p.Spec.Affinity = &corev1.Affinity{
				PodAntiAffinity: &corev1.PodAntiAffinity{
					RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
						{TopologyKey: corev1.LabelHostname, LabelSelector: web}}}}
		})},
		"a claim for one pod": {pod: running(func(p *corev1.Pod) { withClaim(p, "data") }),
			rest: []runtime.Object{volume("pv0", "", "default/data", corev1.ReadWriteOncePod),
				claim("data", "", "pv0", corev1.ReadWriteOncePod)}},
		"a device": {pod: running(func(p *corev1.Pod) {
			p.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimTemplateName: ptr("one")}}
			p.Status.ResourceClaimStatuses = []corev1.PodResourceClaimStatus{{Name: "gpu",
				ResourceClaimName: ptr("web-gpu-x")}}
		}), rest: []runtime.Object{devices("node-00000", 1), deviceClass(),
			&resourceapi.ResourceClaimTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "one"},
				Spec: resourceapi.ResourceClaimTemplateSpec{Spec: oneDevice()}},
			&resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web-gpu-x",
				UID: "claim", OwnerReferences: ownedBy("web", "7")}, Spec: oneDevice(),
				Status: resourceapi.ResourceClaimStatus{ReservedFor: []resourceapi.ResourceClaimConsumerReference{
					{Resource: "pods", Name: "web", UID: "7"}},
					Allocation: &resourceapi.AllocationResult{
						Devices: resourceapi.DeviceAllocationResult{
							Results: []resourceapi.DeviceRequestAllocationResult{
								{Request: "gpu", Driver: driver, Pool: "node-00000", Device: "gpu-0"}}}}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			file := c.pod.DeepCopy()
			file.UID, file.Status, file.Spec.NodeName = "", corev1.PodStatus{}, ""
			objects := append(append(nodes(1), c.pod), c.rest...)
			e, s := engine(t, scheduler.Config{}), snapshot(t, objects...)
			d, err := e.Explain(t.Context(), s, file)
			require.NoError(t, err)
			assert.Equal(t, "node-00000", d.Node, d.Message)
			assert.Equal(t, 1, passed(d))
			file.Name = "another"
			d, err = e.Explain(t.Context(), s, file)
			require.NoError(t, err)
			assert.Empty(t, d.Node, "the one that runs is in its way")
		})
	}
}

// A pod's own nomination does not keep it from its place, by whatever file it is asked about.
func TestExplainKnowsThePodsOwnNomination(t *testing.T) {
	there := nominated("web", "node-00000", "3")
	there.UID = "7"
	file := oracle.Pod("default", "web", "", "3", "")
	file.UID = ""
	d := explain(t, file, append(nodes(1), there)...)
	assert.Equal(t, "node-00000", d.Node, d.Message)
	assert.Equal(t, 1, passed(d))
}

func ownedBy(pod string, uid types.UID) []metav1.OwnerReference {
	return []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: pod, UID: uid, Controller: ptr(true)}}
}

// scratch gives the pod a generic ephemeral volume.
func scratch(p *corev1.Pod) *corev1.Pod {
	p.Spec.Volumes = []corev1.Volume{{Name: "scratch",
		VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{
			VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{Spec: claim("", "local", "",
				corev1.ReadWriteOnce).Spec}}}}}
	return p
}

// scratched returns the storage of web-0: its ephemeral volume's claim is bound to a volume in zone
// z1.
func scratched(owner types.UID) []runtime.Object {
	v, c := volume("pv0", "local", "", corev1.ReadWriteOnce),
		claim("web-0-scratch", "local", "pv0", corev1.ReadWriteOnce)
	v.Spec.NodeAffinity = inZone("z1")
	v.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "default", Name: c.Name, UID: c.UID}
	v.Status.Phase = corev1.VolumeBound
	c.OwnerReferences = ownedBy("web-0", owner)
	return append(nodes(3), class("local", storagev1.VolumeBindingWaitForFirstConsumer), v, c)
}

// The claim of a generic ephemeral volume that is there is the one that counts, in Explain and for
// pods that go first.
func TestEphemeralVolumesThatAreThere(t *testing.T) {
	pod := scratch(oracle.Pod("default", "web-0", "", "1", ""))
	objects := append(scratched(pod.UID), pod)
	d := explain(t, pod, objects...)
	assert.Equal(t, "node-00001", d.Node, d.Message)
	assert.Equal(t, 1, d.Feasible)
	placements, _, err := engine(t, scheduler.Config{PendingFirst: true}).Place(t.Context(), snapshot(t, objects...),
		workload(oracle.Pod("default", "other", "", "1", ""), 0))
	require.NoError(t, err)
	require.Len(t, placements, 1)
	assert.Equal(t, "node-00001", placements[0].Node)

	d = explain(t, pod, scratched("another")...)
	assert.Contains(t, d.Message, "PVC default/web-0-scratch was not created for pod default/web-0 (pod is not owner)")
}

// New replicas are no pods that are there: their ephemeral volumes are others.
func TestEphemeralVolumesOfNewReplicas(t *testing.T) {
	there := scratch(oracle.Pod("default", "web-0", "node-00001", "1", ""))
	objects := append(scratched(there.UID), there)
	for _, o := range objects {
		if c, ok := o.(*storagev1.StorageClass); ok {
			c.Provisioner = csiDriver
		}
	}
	placements, answer, err := engine(t, scheduler.Config{}).Place(t.Context(), snapshot(t, objects...),
		workload(scratch(oracle.Pod("default", "web", "", "1", "")), 2))
	require.NoError(t, err)
	require.Len(t, placements, 2, answer.Message)
	assert.Equal(t, "default/web-1", placements[0].Pod)
	assert.Equal(t, "default/web-2", placements[1].Pod)
}

// The order matters to who asks for devices by way of an extended resource, too.
func TestExtendedResourcesOfDevicesDependOnTheOrder(t *testing.T) {
	c := deviceClass()
	c.Spec.ExtendedResourceName = ptr(extended)
	objects := append(nodes(2), c, devices("node-00000", 2))
	for name, want := range map[corev1.ResourceName]bool{extended: true, "deviceclass.resource.kubernetes.io/" +
		driver: true, "example.com/other": false} {
		pod := oracle.Pod("default", "web", "", "1", "")
		pod.Spec.Containers[0].Resources.Limits = corev1.ResourceList{name: resource.MustParse("1")}
		a, err := engine(t, scheduler.Config{}).Fit(t.Context(), snapshot(t, objects...), workload(pod, 3))
		require.NoError(t, err)
		var o *scheduler.OrderDependence
		require.Equal(t, want, errors.As(errors.Join(a.Warnings...), &o), name)
		if want {
			assert.Equal(t, 2, a.Fits, name)
			assert.Equal(t, "devices of a class that provides "+string(name), o.Feature)
		}
	}
}
