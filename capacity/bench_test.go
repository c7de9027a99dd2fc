package capacity_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/redline-go/redline/capacity"
)

// bulk is n nodes of 16 cores and 64 GiB in three zones, each with 8 pods that leave one to three
// places of 200m: the clusters that the real scheduler is measured with in validation/capacity.
func bulk(n int) (objects []kruntime.Object, places int) {
	for i := range n {
		slots := []int{1, 2, 3, 2}[i%4]
		places += slots
		node := bulkNode(i)
		objects = append(objects, node)
		load := 16000 - 100 - slots*200
		for k := range 8 {
			objects = append(objects, bulkPod(fmt.Sprintf("load-%d-%d", i, k), node.Name, load/8))
		}
	}
	return objects, places
}

func bulkNode(i int) *corev1.Node {
	name := fmt.Sprintf("node-%06d", i)
	return &corev1.Node{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Node"},
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), Labels: map[string]string{
			corev1.LabelHostname: name, corev1.LabelTopologyZone: fmt.Sprintf("z%d", i%3),
		}},
		Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("16"), corev1.ResourceMemory: resource.MustParse("64Gi"),
			corev1.ResourcePods:             resource.MustParse("110"),
			corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
		}},
	}
}

func bulkPod(name, node string, milli int) *corev1.Pod {
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "load", Name: name, UID: types.UID(name),
			Labels: map[string]string{"app": "load"}},
		Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{
			Name: "c", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
				corev1.ResourceCPU:    *resource.NewMilliQuantity(int64(milli), resource.DecimalSI),
				corev1.ResourceMemory: resource.MustParse("1Gi"),
			}},
		}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}
}

// web is the resource-only template of the incident.
func web(replicas int) capacity.Workload {
	return capacity.Workload{Replicas: replicas, Template: corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "web", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("200m"), corev1.ResourceMemory: resource.MustParse("256Mi"),
			}},
		}}},
	}}
}

// BenchmarkFit asks for as many replicas as fit, and for ten too many, so that the scheduler's
// sentence is wanted too. The answer is new, or the last one is overwritten. The collector's work
// is in the figures: for a new answer it marks the whole cluster every so often.
func BenchmarkFit(b *testing.B) {
	for _, n := range []int{100, 5000, 100000} {
		objects, places := bulk(n)
		snapshot, err := capacity.NewSnapshot(objects...)
		require.NoError(b, err)
		for _, over := range []int{0, 10} {
			w := web(places + over)
			measure := func(kind string, fit func(*capacity.Answer) error) {
				b.Run(fmt.Sprintf("%d nodes, %d pending, %s answer", n, over, kind), func(b *testing.B) {
					b.ReportAllocs()
					var answer capacity.Answer
					for b.Loop() {
						if err := fit(&answer); err != nil || answer.Fits != places {
							b.Fatal(answer.Fits, err)
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/node")
				})
			}
			measure("new", func(a *capacity.Answer) (err error) {
				*a, err = snapshot.Fit(context.Background(), w)
				return err
			})
			measure("old", func(a *capacity.Answer) error { return snapshot.FitInto(context.Background(), w, a) })
		}
	}
}

// BenchmarkNewSnapshot of 5,000 nodes and 40,000 pods, and what it holds beyond the objects.
func BenchmarkNewSnapshot(b *testing.B) {
	objects, _ := bulk(5000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	held, err := capacity.NewSnapshot(objects...)
	require.NoError(b, err)
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := capacity.NewSnapshot(objects...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/1e6, "MB-held")
	runtime.KeepAlive(held)
}

// BenchmarkRead of the same as kubectl's JSON.
func BenchmarkRead(b *testing.B) {
	objects, _ := bulk(5000)
	dump, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": objects})
	require.NoError(b, err)
	objects = nil
	b.SetBytes(int64(len(dump)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := capacity.Read(bytes.NewReader(dump)); err != nil {
			b.Fatal(err)
		}
	}
}
