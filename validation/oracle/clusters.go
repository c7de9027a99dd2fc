package oracle

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// Cluster holds the nodes and pods to schedule on, the template of a workload and the number of
// replicas to try.
type Cluster struct {
	Name    string
	Objects []runtime.Object
	Pod     *corev1.Pod
	Want    int
	Slots   int // how many of them have room
}

// A is the incident's size: 100 nodes, 50 replicas running, 450 asked for, 150 slots.
func A() Cluster { return Bulk("a", 100, 450, 50, func(i int) int { return i % 4 }) }

// B has 1,000 nodes and 5,000 slots.
func B() Cluster { return Bulk("b", 1000, 5010, 0, func(i int) int { return 3 + i%5 }) }

// C has 5,000 nodes and 10,000 slots.
func C() Cluster { return Bulk("c", 5000, 10010, 0, func(i int) int { return []int{1, 2, 3, 2}[i%4] }) }

// Bulk makes n nodes of 16 cores and 64 GiB in three zones, each with 8 load pods that leave
// slots(i) places of 200m and 100m over; the first `running` nodes run a replica each.
func Bulk(name string, n, want, running int, slots func(i int) int) Cluster {
	c := Cluster{Name: name, Want: want, Pod: Pod("default", "web", "", "200m", "256Mi")}
	c.Pod.Labels = map[string]string{"app": "web"}
	var pods []runtime.Object
	for i := range n {
		node := Node(i, "16", "64Gi", 3)
		c.Objects = append(c.Objects, node)
		load := 16000 - 100 - slots(i)*200
		c.Slots += slots(i)
		if i < running {
			p := Pod("default", fmt.Sprintf("web-run-%d", i), node.Name, "200m", "256Mi")
			p.Labels = map[string]string{"app": "web"}
			pods = append(pods, p)
			load -= 200
		}
		for k := range 8 {
			m := load / 8
			if k == 7 {
				m = load - 7*m
			}
			p := Pod("load", fmt.Sprintf("load-%d-%d", i, k), node.Name, fmt.Sprintf("%dm", m), "1Gi")
			p.Labels = map[string]string{"app": fmt.Sprintf("load-%d", k)}
			pods = append(pods, p)
		}
	}
	c.Objects = append(c.Objects, pods...)
	return c
}

// Node returns a ready node node-00000i with 110 pods and 100 GiB of ephemeral storage, zones
// round-robin.
func Node(i int, cpu, memory string, zones int) *corev1.Node {
	name := fmt.Sprintf("node-%05d", i)
	room := corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse(cpu),
		corev1.ResourceMemory:           resource.MustParse(memory),
		corev1.ResourcePods:             resource.MustParse("110"),
		corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), Labels: map[string]string{
			corev1.LabelHostname:       name,
			corev1.LabelTopologyRegion: "r1",
			corev1.LabelTopologyZone:   fmt.Sprintf("z%d", i%zones),
		}},
		Status: corev1.NodeStatus{Capacity: room, Allocatable: room,
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}},
	}
}

// Pod returns a pod of one container. It is bound and running if node is not empty.
func Pod(namespace, name, node, cpu, memory string) *corev1.Pod {
	requests := corev1.ResourceList{}
	if cpu != "" {
		requests[corev1.ResourceCPU] = resource.MustParse(cpu)
	}
	if memory != "" {
		requests[corev1.ResourceMemory] = resource.MustParse(memory)
	}
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(namespace + "/" + name)},
		Spec: corev1.PodSpec{NodeName: node, SchedulerName: corev1.DefaultSchedulerName,
			Containers: []corev1.Container{{Name: "c", Image: "img",
				Resources: corev1.ResourceRequirements{Requests: requests}}}},
		Status: corev1.PodStatus{Phase: corev1.PodPending},
	}
	if node != "" {
		p.Status.Phase = corev1.PodRunning
	}
	return p
}
