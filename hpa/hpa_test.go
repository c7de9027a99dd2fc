package hpa_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/hpa"
	"github.com/redline-go/redline/kube"
)

const request = 200 // millicores, the report's

func cpu(percent int32, most int32) autoscalingv2.HorizontalPodAutoscalerSpec {
	target := autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent}
	metric := autoscalingv2.MetricSpec{
		Type:     autoscalingv2.ResourceMetricSourceType,
		Resource: &autoscalingv2.ResourceMetricSource{Name: corev1.ResourceCPU, Target: target},
	}
	return autoscalingv2.HorizontalPodAutoscalerSpec{
		MinReplicas: ptr.To[int32](1), MaxReplicas: most, Metrics: []autoscalingv2.MetricSpec{metric},
	}
}

func external(target string, most int32) autoscalingv2.HorizontalPodAutoscalerSpec {
	q := resource.MustParse(target)
	return autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: most, Metrics: []autoscalingv2.MetricSpec{{
		Type: autoscalingv2.ExternalMetricSourceType,
		External: &autoscalingv2.ExternalMetricSource{Metric: autoscalingv2.MetricIdentifier{Name: "queue"},
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: &q}}}}}
}

// fleet observes running pods at a usage and the rest pending, as in the incident.
func fleet(running, replicas int, milli int64) hpa.Observation {
	return hpa.Observation{SpecReplicas: int32(replicas), StatusReplicas: int32(replicas), Pods: []hpa.Pods{
		{
			Count: running, Phase: corev1.PodRunning, Ready: corev1.ConditionTrue, Started: -time.Hour,
			ReadySince: -time.Hour, Samples: []hpa.Sample{{Value: milli, Request: request}},
		},
		{
			Count: replicas - running, Phase: corev1.PodPending, Unstarted: true,
			Samples: []hpa.Sample{{Request: request, Missing: true}},
		}}}
}

// climb runs syncs until replicas stay, and returns each new count.
func climb(
	t *testing.T, a *hpa.Autoscaler, from time.Duration, running, replicas, syncs int, milli int64,
) (counts []int) {
	t.Helper()
	for i := range syncs {
		d, err := a.Step(from+time.Duration(i)*hpa.SyncPeriod, fleet(running, replicas, milli))
		require.NoError(t, err)
		require.NoError(t, d.Err)
		if d.Rescaled {
			replicas = int(d.Replicas)
			counts = append(counts, replicas)
		}
	}
	return counts
}

func TestCPUTargetOf80StopsAt157(t *testing.T) {
	for _, v := range []hpa.Version{hpa.V1_29, hpa.V1_37} {
		a, err := hpa.New(cpu(80, 500), hpa.Config{Version: v})
		require.NoError(t, err)
		require.Equal(t, []int{100, 157}, climb(t, a, 0, 50, 50, 100, 500))
	}
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{"cpu": resource.MustParse("200m")},
			Limits:   corev1.ResourceList{"cpu": resource.MustParse("500m")},
		},
	}}}}
	most, err := hpa.Ceiling(template, corev1.ResourceCPU, 80, 50, hpa.Config{})
	require.NoError(t, err)
	require.Equal(t, 157, most)
	most, err = hpa.Ceiling(template, corev1.ResourceCPU, 25, 50, hpa.Config{})
	require.NoError(t, err)
	require.GreaterOrEqual(t, most, 500, "the report's 500 needs a target of a quarter or less")
	_, err = hpa.Ceiling(template, corev1.ResourceMemory, 80, 50, hpa.Config{})
	require.EqualError(t, err, "hpa: Ceiling: the template's memory limit is 0 and its request 0, want both > 0")
}

func TestRatioOfTenDoublesEverySync(t *testing.T) {
	a, err := hpa.New(external("100", 500), hpa.Config{})
	require.NoError(t, err)
	replicas, counts := int32(50), []int32{}
	for i := range 5 {
		o := fleet(50, int(replicas), 0)
		o.Metrics = []hpa.Metric{{Value: 1000 * 1000}}
		d, err := a.Step(time.Duration(i)*hpa.SyncPeriod, o)
		require.NoError(t, err)
		replicas = d.Replicas
		counts = append(counts, replicas)
	}
	require.Equal(t, []int32{100, 200, 400, 500, 500}, counts)
}

// The latch: with 450 pending the count stays while the 50 that run are
// within the tolerance below the target, and drops once they are not.
func TestTheLatch(t *testing.T) {
	for _, c := range []struct {
		milli int64
		after time.Duration
		want  func(int) bool
	}{
		{milli: 190, after: 20 * time.Minute, want: func(n int) bool { return n == 500 }}, // 0.95 of a target of 100 %
		{milli: 178, after: 300 * time.Second, want: func(n int) bool { return n <= 45 }}, // 0.89
	} {
		a, err := hpa.New(cpu(100, 500), hpa.Config{})
		require.NoError(t, err)
		o := fleet(50, 500, 2000)
		_, err = a.Step(0, o) // the spike's last sync: still 500
		require.NoError(t, err)
		replicas := 500
		for now := hpa.SyncPeriod; now <= c.after+hpa.SyncPeriod; now += hpa.SyncPeriod {
			d, err := a.Step(now, fleet(50, replicas, c.milli))
			require.NoError(t, err)
			replicas = int(d.Replicas)
			if now < c.after {
				require.Equal(t, 500, replicas, "at %v", now)
			}
		}
		require.True(t, c.want(replicas), "%d replicas at usage %d", replicas, c.milli)
	}
}

func TestVersionsDisagreeOnTheEdgeOfTheTolerance(t *testing.T) {
	patch, err := kube.Parse("v1.29.4")
	require.NoError(t, err)
	for v, want := range map[hpa.Version]int32{hpa.V1_37: 50, 0: 50, hpa.V1_29: 56, patch: 56} { // |1-1.1| > 0.1 in binary
		a, err := hpa.New(cpu(100, 500), hpa.Config{Version: v})
		require.NoError(t, err)
		d, err := a.Step(0, fleet(50, 50, 220))
		require.NoError(t, err)
		require.Equal(t, want, d.Replicas)
	}
}

// Splitting a group of pods in two changes nothing.
func TestGroupsAreOnlyCounting(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		o := fleet(1+r.IntN(80), 0, r.Int64N(900))
		o.SpecReplicas, o.Pods[1].Count = int32(o.Pods[0].Count)+20, 20
		split := o
		split.Pods = append([]hpa.Pods{o.Pods[0]}, o.Pods...)
		split.Pods[0].Count = r.IntN(o.Pods[0].Count + 1)
		split.Pods[1].Count -= split.Pods[0].Count
		spec := cpu(1+r.Int32N(150), 500)
		a, err := hpa.New(spec, hpa.Config{})
		require.NoError(t, err)
		b := a.Clone()
		first, err := a.Step(0, o)
		require.NoError(t, err)
		second, err := b.Step(0, split)
		require.NoError(t, err)
		require.Equal(t, first, second)
	}
}

func TestBadInput(t *testing.T) {
	type spec = autoscalingv2.HorizontalPodAutoscalerSpec
	for want, change := range map[string]func(*spec, *hpa.Config){
		"hpa: HorizontalPodAutoscalerSpec.MaxReplicas is 0, want >= 1": func(s *spec, _ *hpa.Config) {
			s.MaxReplicas = 0
		},
		"hpa: HorizontalPodAutoscalerSpec.MinReplicas is 9, want <= MaxReplicas 5": func(s *spec, _ *hpa.Config) {
			s.MinReplicas = ptr.To[int32](9)
		},
		"hpa: Config.Tolerance is -1, want >= 0":            func(_ *spec, c *hpa.Config) { c.Tolerance = -1 },
		"hpa: Config.Version is v1.33, want v1.29 or v1.37": func(_ *spec, c *hpa.Config) { c.Version = 33 << 8 },
		`hpa: MetricSpec.Type is "", want Resource, ContainerResource, Pods, Object or External ` +
			`with the field of that name`: func(s *spec, _ *hpa.Config) { s.Metrics[0].Type = "" },
		"hpa: Behavior.ScaleUp.Policies is empty, want one policy at least": func(s *spec, _ *hpa.Config) {
			s.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: &autoscalingv2.HPAScalingRules{
				Policies: []autoscalingv2.HPAScalingPolicy{},
			}}
		},
	} {
		s, c := cpu(80, 5), hpa.Config{}
		change(&s, &c)
		_, err := hpa.New(s, c)
		require.EqualError(t, err, want)
	}
	a, err := hpa.New(cpu(80, 5), hpa.Config{})
	require.NoError(t, err)
	_, err = a.Step(time.Minute, hpa.Observation{SpecReplicas: -1})
	require.EqualError(t, err, "hpa: Observation.SpecReplicas, StatusReplicas are -1, 0, want >= 0")
	_, err = a.Step(time.Minute, hpa.Observation{SpecReplicas: 1})
	require.NoError(t, err)
	_, err = a.Step(0, hpa.Observation{SpecReplicas: 1})
	require.EqualError(t, err, "hpa: Step: now is 0s, want >= 1m0s, the step before")
}

func TestMaxReplicas(t *testing.T) {
	room := corev1.ResourceList{
		"cpu": resource.MustParse("1"), "memory": resource.MustParse("4Gi"), "pods": resource.MustParse("110"),
	}
	node := func(name string) *corev1.Node {
		return &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Capacity: room, Allocatable: room},
		}
	}
	s, err := capacity.NewSnapshot(node("a"), node("b"))
	require.NoError(t, err)
	w := capacity.Workload{Selector: labels.Everything(), Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{
		Labels: map[string]string{"app": "x"},
	},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "x", Image: "x",
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse("300m")}},
		}}}}}
	most, answer, err := hpa.MaxReplicas(context.Background(), s, w)
	require.NoError(t, err)
	require.Equal(t, 6, most)
	require.Contains(t, answer.Message, "2 Insufficient cpu")
}

func BenchmarkStep(b *testing.B) {
	a, err := hpa.New(cpu(80, 500), hpa.Config{})
	require.NoError(b, err)
	o := fleet(50, 157, 500)
	now := time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		now += hpa.SyncPeriod
		if _, err := a.Step(now, o); err != nil {
			b.Fatal(err)
		}
	}
}
