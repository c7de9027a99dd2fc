package capacity_test

import (
	"context"
	"testing"
	"time"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/validation/oracle"

	corev1 "k8s.io/api/core/v1"
)

// BenchmarkFitBesideScheduler runs Fit on a prepared snapshot beside the whole scheduling loop,
// which answers the same question by placing every pod.
func BenchmarkFitBesideScheduler(b *testing.B) {
	for _, c := range []oracle.Cluster{oracle.A(), oracle.B(), oracle.C()} {
		b.Run(c.Name, func(b *testing.B) {
			snapshot, err := capacity.NewSnapshot(c.Objects...)
			if err != nil {
				b.Fatal(err)
			}
			w := capacity.Workload{Template: corev1.PodTemplateSpec{ObjectMeta: c.Pod.ObjectMeta, Spec: c.Pod.Spec},
				Replicas: c.Want}
			for b.Loop() {
				answer, err := snapshot.Fit(context.Background(), w)
				if err != nil || answer.Fits != c.Slots {
					b.Fatal(answer.Fits, err)
				}
			}
			fit := b.Elapsed().Seconds() / float64(b.N)
			b.StopTimer()
			truth, err := oracle.Loop(context.Background(), c.Objects, c.Pod, c.Want)
			if err != nil || len(truth.Nodes) != c.Slots {
				b.Fatal(len(truth.Nodes), err)
			}
			b.ReportMetric(fit*1e6, "us/fit")
			b.ReportMetric(truth.Elapsed.Seconds()*float64(time.Second/time.Millisecond), "ms/loop")
			b.ReportMetric(truth.Elapsed.Seconds()/fit, "times-faster")
		})
	}
}
