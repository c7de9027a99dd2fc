package capacity_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	resourcehelper "k8s.io/component-helpers/resource"
	"k8s.io/utils/ptr"
)

// generator makes random clusters and templates that mix everything that capacity models. One
// number makes one case, the same on every machine.
type generator struct{ *rand.Rand }

func newGenerator(n uint64) generator { return generator{rand.New(rand.NewPCG(n, 0x8829))} }

// one is true once in n draws.
func (g generator) one(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

func quantity(s string) resource.Quantity { return resource.MustParse(s) }

const (
	gpu        = corev1.ResourceName("example.com/gpu")
	fpga       = corev1.ResourceName("example.com/fpga")
	hugePages  = corev1.ResourceName("hugepages-2Mi")
	giantPages = corev1.ResourceName("hugepages-1Gi")
	native     = corev1.ResourceName("batch.kubernetes.io/slots") // of Kubernetes itself, and counted as extended ones
)

func (g generator) objects() (objects []runtime.Object, places int) {
	for i := range 1 + g.IntN(7) {
		node := g.node(i)
		objects = append(objects, node)
		places += int(node.Status.Allocatable.Pods().Value())
		for k := range g.IntN(6) {
			objects = append(objects, g.boundPod(fmt.Sprintf("pod-%d-%d", i, k), node.Name))
		}
	}
	for i := range g.IntN(3) {
		objects = append(objects, g.budget(i))
	}
	for i := range max(g.IntN(6)-2, 0) {
		pod := g.boundPod(fmt.Sprintf("nominated-%d", i), "")
		pod.Status.NominatedNodeName = fmt.Sprintf("node-%d", g.IntN(7))
		pod.Labels["app"] = "a" // never one of the workload's own
		objects = append(objects, pod)
	}
	return append(objects, g.classes()...), places
}

// classes draws priority and runtime classes for templates to name. Some templates name one that is
// not there.
func (g generator) classes() (objects []runtime.Object) {
	for name, value := range map[string]int32{"low": -15, "mid": 60, "high": 1000} {
		class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value}
		objects = append(objects, class)
	}
	slices.SortFunc(objects, func(a, b runtime.Object) int {
		return cmp.Compare(a.(*schedulingv1.PriorityClass).Value, b.(*schedulingv1.PriorityClass).Value)
	})
	usual := objects[g.IntN(3)].(*schedulingv1.PriorityClass)
	usual.GlobalDefault = g.one(6)
	for _, o := range objects {
		o.(*schedulingv1.PriorityClass).PreemptionPolicy = ptr.To(
			pick(g, corev1.PreemptLowerPriority, corev1.PreemptLowerPriority, corev1.PreemptNever))
	}
	kata := &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: "kata"}, Handler: "kata"}
	if g.one(2) {
		kata.Overhead = &nodev1.Overhead{PodFixed: corev1.ResourceList{corev1.ResourceCPU: quantity("300m"),
			corev1.ResourceMemory: quantity("1.5Mi")}}
	}
	if g.one(2) {
		kata.Scheduling = &nodev1.Scheduling{NodeSelector: map[string]string{"disk": "ssd"}}
		if g.one(2) {
			kata.Scheduling.Tolerations = []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpExists}}
		}
	}
	return append(objects, kata)
}

func (g generator) node(i int) *corev1.Node {
	name := fmt.Sprintf("node-%d", i)
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), Labels: map[string]string{
		corev1.LabelHostname: name, corev1.LabelTopologyZone: fmt.Sprintf("z%d", i%3),
		"disk": pick(g, "ssd", "hdd"), "generation": fmt.Sprint(1 + g.IntN(5)),
	}}}
	room := corev1.ResourceList{
		corev1.ResourceCPU:              quantity(pick(g, "1", "2", "3500m", "4", "8", "15890m")),
		corev1.ResourceMemory:           quantity(pick(g, "2Gi", "8Gi", "16Gi", "7812345678", "33554432Ki")),
		corev1.ResourcePods:             quantity(pick(g, "0", "3", "8", "12", "20", "30")),
		corev1.ResourceEphemeralStorage: quantity(pick(g, "10Gi", "100Gi")),
	}
	if g.one(2) {
		room[gpu] = quantity(pick(g, "0", "1", "4"))
	}
	if g.one(3) {
		room[hugePages] = quantity(pick(g, "0", "64Mi", "1Gi"))
	}
	if g.one(6) {
		room[giantPages], room[native] = quantity("2Gi"), quantity(pick(g, "1", "6"))
	}
	node.Status.Allocatable, node.Status.Capacity = room, room
	if g.one(8) {
		delete(room, pick(g, corev1.ResourcePods, corev1.ResourceEphemeralStorage))
	}
	node.Spec.Unschedulable = g.one(12)
	if g.one(5) {
		node.Spec.Taints = append(node.Spec.Taints, g.taint())
	}
	if g.one(8) {
		node.Spec.Taints = append(node.Spec.Taints, g.taint())
	}
	for _, feature := range []string{"RestartAllContainersOnContainerExits", "UserNamespacesHostNetworkSupport",
		"Unknown"} {
		if g.one(2) {
			node.Status.DeclaredFeatures = append(node.Status.DeclaredFeatures, feature)
		}
	}
	return node
}

func (g generator) taint() corev1.Taint {
	return corev1.Taint{
		Key: pick(g, "dedicated", "gpu", corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable,
			corev1.TaintNodeUnschedulable),
		Value: pick(g, "", "a", "b"),
		Effect: pick(g, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute,
			corev1.TaintEffectPreferNoSchedule),
	}
}

func (g generator) boundPod(name, node string) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pick(g, "default", "other"), Name: name, UID: types.UID(name),
			Labels: map[string]string{"app": pick(g, "a", "b", "web")},
		},
		Spec: g.spec(), Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}
	pod.Spec.NodeName = node
	pod.Spec.Priority = ptr.To(pick[int32](g, -10, 0, 0, 0, 50, 100, 2000))
	if g.one(3) {
		pod.Spec.Priority = nil
	}
	if g.one(2) {
		pod.Status.StartTime = ptr.To(metav1.Unix(1700000000+int64(g.IntN(4)), 0))
	}
	switch {
	case node == "":
		pod.Status.Phase = corev1.PodPending
	case g.one(10):
		pod.Status.Phase = pick(g, corev1.PodSucceeded, corev1.PodFailed)
	case g.one(10):
		pod.DeletionTimestamp = ptr.To(metav1.NewTime(time.Unix(1800000000, 0)))
		pod.DeletionGracePeriodSeconds = ptr.To[int64](30)
	}
	if g.one(4) && node != "" {
		g.resize(pod)
	}
	if g.one(80) {
		pod.Spec.Affinity = &corev1.Affinity{
			PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: g.podTerms()}}
	}
	return pod
}

// resize gives a pod the status of one that is being, was or cannot be resized in place.
func (g generator) resize(pod *corev1.Pod) {
	for i := range pod.Spec.Containers {
		status := corev1.ContainerStatus{Name: pod.Spec.Containers[i].Name}
		if g.one(2) {
			status.AllocatedResources = g.list(false)
		}
		if g.one(2) {
			status.Resources = &corev1.ResourceRequirements{Requests: g.list(false)}
		}
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, status)
	}
	for i := range pod.Spec.InitContainers {
		status := corev1.ContainerStatus{Name: pod.Spec.InitContainers[i].Name}
		if g.one(3) {
			status.AllocatedResources = g.list(false)
			status.Resources = &corev1.ResourceRequirements{Requests: g.list(false)}
		}
		pod.Status.InitContainerStatuses = append(pod.Status.InitContainerStatuses, status)
	}
	if g.one(3) {
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{
			Type: corev1.PodResizePending, Status: corev1.ConditionTrue,
			Reason: pick(g, corev1.PodReasonInfeasible, corev1.PodReasonDeferred),
		})
	}
	if g.one(4) {
		pod.Status.AllocatedResources = g.list(false)
		pod.Status.Resources = &corev1.ResourceRequirements{Requests: g.list(false)}
	}
}

// list draws some resources and amounts.
func (g generator) list(small bool) corev1.ResourceList {
	list := corev1.ResourceList{}
	if !g.one(5) {
		list[corev1.ResourceCPU] = quantity(pick(g, "0", "50m", "100m", "200m", "333m", "500m", "1", "1500m", "0.1",
			"100500u"))
	}
	if !g.one(5) {
		list[corev1.ResourceMemory] = quantity(pick(g, "0", "64Mi", "100M", "256Mi", "1Gi", "1.5Gi", "123456789",
			"1234567890123m"))
	}
	if g.one(6) {
		list[corev1.ResourceEphemeralStorage] = quantity(pick(g, "1Gi", "3Gi", "500M"))
	}
	if g.one(8) {
		list[gpu] = quantity(pick(g, "0", "1", "2"))
	}
	if g.one(60) {
		list[fpga] = quantity("1")
	}
	if g.one(10) {
		list[hugePages] = quantity(pick(g, "2Mi", "64Mi"))
	}
	if g.one(60) {
		list[giantPages] = quantity("1Gi")
	}
	if g.one(60) {
		list[native] = quantity(pick(g, "1", "2"))
	}
	if g.one(80) {
		list[corev1.ResourceCPU] = quantity("9")
	}
	if g.one(60) {
		list["cores"] = quantity("1") // neither basic nor scalar: ignored
	}
	return list
}

func (g generator) spec() corev1.PodSpec {
	spec := corev1.PodSpec{SchedulerName: corev1.DefaultSchedulerName}
	for i := range 1 + g.IntN(2) {
		spec.Containers = append(spec.Containers, g.container(fmt.Sprintf("c%d", i)))
	}
	if g.one(4) {
		for i := range 1 + g.IntN(3) {
			c := g.container(fmt.Sprintf("i%d", i))
			if g.one(2) {
				c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
			}
			spec.InitContainers = append(spec.InitContainers, c)
		}
	}
	if g.one(8) {
		spec.Overhead = corev1.ResourceList{corev1.ResourceCPU: quantity("250m"),
			corev1.ResourceMemory: quantity("120Mi")}
		if g.one(6) {
			spec.Overhead[gpu] = quantity("1")
		}
	}
	if g.one(8) {
		g.podLevel(&spec)
	}
	return spec
}

// podLevel gives the pod resources of its own, no less than its containers'.
func (g generator) podLevel(spec *corev1.PodSpec) {
	spec.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{}, Limits: corev1.ResourceList{}}
	sum := resourcehelper.AggregateContainerRequests(&corev1.Pod{Spec: *spec}, resourcehelper.PodResourcesOptions{})
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, hugePages} {
		q := sum[name].DeepCopy()
		q.Add(quantity(pick(g, "0", "1", "64Mi")))
		if name == corev1.ResourceCPU {
			q = sum[name].DeepCopy()
			q.Add(quantity(pick(g, "0", "500m", "1")))
		}
		if g.one(2) && name != hugePages {
			spec.Resources.Requests[name] = quantity(q.String())
		}
		if g.one(3) {
			spec.Resources.Limits[name] = quantity(q.String())
		}
	}
}

func (g generator) container(name string) corev1.Container {
	c := corev1.Container{Name: name, Image: "img", Resources: corev1.ResourceRequirements{Requests: g.list(true)}}
	for g.one(6) {
		c.Ports = append(c.Ports, corev1.ContainerPort{
			ContainerPort: 80, HostPort: pick[int32](g, 0, 8080, 8080, 9090),
			HostIP:   pick(g, "", "", "0.0.0.0", "127.0.0.1", "10.0.0.1", "::", "fd00::1"),
			Protocol: pick(g, corev1.ProtocolTCP, corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP, ""),
		})
	}
	return c
}

// budget guards the pods of one application, or all of them, or, by mistake, none.
func (g generator) budget(i int) *policyv1.PodDisruptionBudget {
	b := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: pick(g, "default", "default", "other"),
			Name: fmt.Sprintf("pdb-%d", i)},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MinAvailable: ptr.To(intstr.FromInt32(1)),
			Selector:     &metav1.LabelSelector{MatchLabels: map[string]string{"app": []string{"a", "b"}[i]}},
		},
		Status: policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: int32(g.IntN(3))},
	}
	switch g.IntN(8) {
	case 0:
		b.Spec.Selector = &metav1.LabelSelector{}
	case 1:
		b.Spec.Selector = nil
	case 2:
		b.Spec.Selector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: "app", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"b"}}}}
	}
	if g.one(4) {
		b.Status.DisruptedPods = map[string]metav1.Time{fmt.Sprintf("pod-%d-%d", g.IntN(3), g.IntN(3)): metav1.Unix(
			1700000000, 0)}
	}
	return b
}
