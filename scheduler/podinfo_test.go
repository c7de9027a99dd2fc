package scheduler

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// draw draws one of the values.
func draw[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func drawList(r *rand.Rand) corev1.ResourceList {
	if r.IntN(6) == 0 {
		return nil
	}
	list := corev1.ResourceList{}
	for _, name := range []corev1.ResourceName{"cpu", "memory", "ephemeral-storage", "example.com/gpu", "hugepages-2Mi",
		"pods", "kubernetes.io/odd"} {
		if r.IntN(3) > 0 && (r.IntN(3) > 0 || name == "cpu" || name == "memory") {
			continue
		}
		list[name] = resource.MustParse(draw(r, "0", "1", "100m", "1500u", "0.1", "3", "1Gi", "1e3", "7n"))
	}
	return list
}

func drawContainers(r *rand.Rand, n int) (out []corev1.Container) {
	for i := range n {
		out = append(out, corev1.Container{Name: fmt.Sprintf("c%d", i),
			Resources: corev1.ResourceRequirements{Requests: drawList(r)}})
	}
	return out
}

func drawPod(r *rand.Rand) *corev1.Pod {
	p := &corev1.Pod{}
	p.Spec.Containers = drawContainers(r, 1+r.IntN(3))
	if r.IntN(6) == 0 {
		p.Spec.InitContainers = drawContainers(r, 1+r.IntN(2))
	}
	if r.IntN(8) == 0 {
		p.Spec.Overhead = drawList(r)
	}
	if r.IntN(8) == 0 {
		p.Spec.Resources = &corev1.ResourceRequirements{Requests: drawList(r)}
	}
	if r.IntN(8) == 0 {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodResizePending,
			Reason: draw(r, corev1.PodReasonInfeasible, corev1.PodReasonDeferred)}}
	}
	if r.IntN(8) == 0 {
		p.Status.AllocatedResources, p.Status.Resources = drawList(r),
			&corev1.ResourceRequirements{Requests: drawList(r)}
	}
	if r.IntN(2) == 0 {
		p.Status.ContainerStatuses = drawStatuses(r, p.Spec.Containers)
	}
	if r.IntN(3) == 0 {
		p.Status.InitContainerStatuses = drawStatuses(r, p.Spec.InitContainers)
	}
	return p
}

// drawStatuses says of containers what a kubelet says, mostly that they have what they ask for.
func drawStatuses(r *rand.Rand, containers []corev1.Container) (out []corev1.ContainerStatus) {
	for i := range containers {
		s := corev1.ContainerStatus{Name: containers[i].Name}
		list := containers[i].Resources.Requests
		if r.IntN(6) == 0 {
			list = drawList(r)
		}
		if r.IntN(2) == 0 {
			s.AllocatedResources = list
		}
		if r.IntN(2) == 0 {
			s.Resources = &corev1.ResourceRequirements{Requests: list}
		}
		if r.IntN(5) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// A pod asks for the same as framework.PodInfo says.
func TestPodInfoIsTheFrameworks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	quick := 0
	for i := range 20000 {
		pod := drawPod(r)
		got, err := newPodInfo(pod)
		if err != nil {
			t.Fatal(err)
		}
		slow := framework.PodInfo{Pod: pod}
		want := slow.CalculateResource()
		if !reflect.DeepEqual(want, got.CalculateResource()) {
			t.Fatalf("pod %d: %+v\nasks for %+v, framework.PodInfo says %+v", i, pod, got.CalculateResource(), want)
		}
		if (&podInfo{pod: pod}).sum() {
			quick++
		}
	}
	if quick < 2000 || quick > 18000 {
		t.Errorf("%d of 20000 pods were summed without framework.PodInfo: the test does not try both ways", quick)
	}
}
