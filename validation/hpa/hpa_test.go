package hpa_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/stretchr/testify/require"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/features"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/hpa"
)

// The default handlers wait a while since the last error, and count that from
// the process's start: decades away, seen from the bubble's clock.
func TestMain(m *testing.M) {
	utilruntime.ErrorHandlers = nil
	klog.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// cases returns the number of random histories to run. REDLINE_CASES overrides it.
func cases(t *testing.T, standard int) int {
	if s := os.Getenv("REDLINE_CASES"); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(t, err)
		return n
	}
	return standard
}

// The model and the real controller are shown the same random histories, and
// must leave the same replica count after every sync.
func TestEveryStepEqualsTheRealController(t *testing.T) {
	const steps = 60
	// The gate makes the controller wait for its own writes to come back with a
	// newer resource version, which the fake client's watch does not bring.
	featuregatetesting.SetFeatureGateDuringTest(
		t, utilfeature.DefaultFeatureGate, features.StaleControllerConsistencyHPA, false,
	)
	n, rescales, held, limited, failed := cases(t, 100), 0, 0, 0, 0
	for seed := range n {
		r := rand.New(rand.NewPCG(8829, uint64(seed)))
		w := &world{spec: randomSpec(r), metrics: nil, replicas: 1 + r.Int32N(60)}
		model, err := hpa.New(w.spec, hpa.Config{})
		require.NoError(t, err)
		var before int32
		run(t, w, steps, func(i int, now time.Duration) {
			change(r, w, i, now)
			before = w.replicas
		}, func(i int, now time.Duration, replicas int32) {
			o := w.observe()
			o.SpecReplicas = before
			d, err := model.Step(now, o)
			if err != nil {
				t.Fatal(err)
			}
			if d.Replicas != replicas {
				t.Fatalf(
					"seed %d, step %d at %v: from %d the model goes to %d (%+v), the real controller to %d\nspec %+v\nobservation %+v",
					seed, i, now, before, d.Replicas, d, replicas, w.spec, o,
				)
			}
			rescales += count(d.Rescaled)
			held += count(d.Held == hpa.ScaleUpHeld || d.Held == hpa.ScaleDownHeld)
			limited += count(d.Limited != hpa.Unlimited)
			failed += count(d.Err != nil)
		})
		if t.Failed() {
			return
		}
	}
	t.Logf(
		"hpa: %d histories x %d syncs: 0 differences; %d rescales, %d stabilised, %d limited, %d with a metric that failed",
		n, steps, rescales, held, limited, failed,
	)
	for name, some := range map[string]int{
		"rescale": rescales, "stabilised": held, "limited": limited, "failed metric": failed,
	} {
		require.Greater(t, some, n, "too few cases of: %s", name)
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func randomSpec(r *rand.Rand) autoscalingv2.HorizontalPodAutoscalerSpec {
	spec := autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 20 + r.Int32N(180)}
	if r.IntN(3) > 0 {
		spec.MinReplicas = ptr.To(1 + r.Int32N(15))
	}
	pairs := false
	for i := range 1 + r.IntN(3) {
		m := randomMetric(r, i)
		pairs = pairs || m.Object != nil || m.External != nil
		spec.Metrics = append(spec.Metrics, m)
	}
	if pairs && r.IntN(3) == 0 {
		spec.MinReplicas = ptr.To[int32](0)
	}
	if r.IntN(3) > 0 {
		spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: randomRules(r), ScaleDown: randomRules(r)}
	}
	return spec
}

// randomMetric returns a metric that its place in the spec tells apart from the others.
func randomMetric(r *rand.Rand, i int) autoscalingv2.MetricSpec {
	value := resource.NewMilliQuantity(1+r.Int64N(5000), resource.DecimalSI)
	name := autoscalingv2.MetricIdentifier{Name: fmt.Sprintf("metric-%d", i)}
	target := autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: value}
	switch r.IntN(7) {
	case 0:
		return autoscalingv2.MetricSpec{
			Type: autoscalingv2.PodsMetricSourceType,
			Pods: &autoscalingv2.PodsMetricSource{Metric: name, Target: target},
		}
	case 1, 2:
		if r.IntN(2) == 0 {
			target = autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: value}
		}
		if r.IntN(2) == 0 {
			return autoscalingv2.MetricSpec{
				Type:   autoscalingv2.ObjectMetricSourceType,
				Object: &autoscalingv2.ObjectMetricSource{Metric: name, Target: target},
			}
		}
		return autoscalingv2.MetricSpec{
			Type:     autoscalingv2.ExternalMetricSourceType,
			External: &autoscalingv2.ExternalMetricSource{Metric: name, Target: target},
		}
	}
	// A resource a place, so that the metrics client can tell them apart.
	n := []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage}[i]
	if r.IntN(3) > 0 {
		target = autoscalingv2.MetricTarget{
			Type: autoscalingv2.UtilizationMetricType, AverageUtilization: ptr.To(1 + r.Int32N(150)),
		}
	}
	if r.IntN(4) == 0 {
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ContainerResourceMetricSourceType,
			ContainerResource: &autoscalingv2.ContainerResourceMetricSource{Name: n, Container: "c", Target: target}}
	}
	return autoscalingv2.MetricSpec{
		Type:     autoscalingv2.ResourceMetricSourceType,
		Resource: &autoscalingv2.ResourceMetricSource{Name: n, Target: target},
	}
}

func randomRules(r *rand.Rand) *autoscalingv2.HPAScalingRules {
	if r.IntN(3) == 0 {
		return nil
	}
	rules := &autoscalingv2.HPAScalingRules{}
	if r.IntN(2) == 0 {
		rules.StabilizationWindowSeconds = ptr.To(15 * r.Int32N(25))
	}
	if r.IntN(2) == 0 {
		rules.SelectPolicy = ptr.To(
			[]autoscalingv2.ScalingPolicySelect{
				autoscalingv2.MaxChangePolicySelect, autoscalingv2.MinChangePolicySelect,
				autoscalingv2.DisabledPolicySelect,
			}[r.IntN(9)%4%3],
		)
	}
	if r.IntN(3) == 0 {
		rules.Tolerance = resource.NewMilliQuantity(r.Int64N(300), resource.DecimalSI)
	}
	for range r.IntN(4) {
		p := autoscalingv2.HPAScalingPolicy{
			Type: autoscalingv2.PodsScalingPolicy, Value: 1 + r.Int32N(20), PeriodSeconds: 1 + r.Int32N(120),
		}
		if r.IntN(2) == 0 {
			p.Type, p.Value = autoscalingv2.PercentScalingPolicy, 1+r.Int32N(120)
		}
		rules.Policies = append(rules.Policies, p)
	}
	return rules
}

// change moves the world between two syncs: pods follow the scale, start, fail; load moves around
// the targets; now and then somebody scales by hand.
func change(r *rand.Rand, w *world, i int, now time.Duration) {
	if i > 0 && r.IntN(40) == 0 {
		w.replicas = r.Int32N(2 * w.spec.MaxReplicas)
	}
	w.status = max(0, w.replicas-r.Int32N(3))
	load := []float64{0.2, 0.9, 0.9001, 1, 1.1, 1.0999, 1.5, 4}[r.IntN(8)]
	if r.IntN(2) == 0 {
		load = 0.05 + 2*r.Float64()
	}
	w.metrics = w.metrics[:0]
	for _, m := range w.spec.Metrics {
		w.metrics = append(w.metrics, hpa.Metric{Value: int64(load * total(m, w.replicas)), Unavailable: r.IntN(25) == 0})
	}
	w.pods = w.pods[:0]
	for left := int(w.status); left > 0; {
		n := 1 + r.IntN(left)
		left -= n
		w.pods = append(w.pods, group(r, w, n, load, now))
	}
}

// total returns about the value that an Object or External metric must show for a ratio of 1.
func total(m autoscalingv2.MetricSpec, replicas int32) float64 {
	var t autoscalingv2.MetricTarget
	switch {
	case m.Object != nil:
		t = m.Object.Target
	case m.External != nil:
		t = m.External.Target
	default:
		return 0
	}
	if t.AverageValue != nil {
		return float64(t.AverageValue.MilliValue()) * float64(max(replicas, 1))
	}
	return float64(t.Value.MilliValue())
}

func group(r *rand.Rand, w *world, n int, load float64, now time.Duration) hpa.Pods {
	second := func(within time.Duration) time.Duration { // before now, in whole seconds as the API has them
		return (now - time.Duration(r.Int64N(int64(within)+1))).Truncate(time.Second)
	}
	p := hpa.Pods{Count: n, Phase: corev1.PodRunning, Terminating: r.IntN(12) == 0, Unstarted: r.IntN(15) == 0,
		Ready: corev1.ConditionTrue, Started: second(12 * time.Minute), ReadySince: second(6 * time.Minute)}
	switch r.IntN(8) {
	case 0:
		p.Phase = corev1.PodPending
	case 1:
		p.Phase = []corev1.PodPhase{corev1.PodFailed, corev1.PodSucceeded}[r.IntN(2)]
	case 2, 3:
		p.Ready = corev1.ConditionFalse
	case 4:
		p.Ready = []corev1.ConditionStatus{"", corev1.ConditionUnknown}[r.IntN(2)]
	}
	for _, m := range w.spec.Metrics {
		request := 100 + r.Int64N(1000)
		if r.IntN(60) == 0 {
			request = -1
		}
		p.Samples = append(p.Samples, hpa.Sample{Value: int64(load * perPod(m, request)), Request: request,
			At: second(2 * time.Minute), Window: time.Duration(r.IntN(60)) * time.Second, Missing: r.IntN(8) == 0})
	}
	return p
}

// perPod returns about the value that a pod must report for a ratio of 1.
func perPod(m autoscalingv2.MetricSpec, request int64) float64 {
	var t autoscalingv2.MetricTarget
	switch {
	case m.Pods != nil:
		t = m.Pods.Target
	case m.Resource != nil:
		t = m.Resource.Target
	case m.ContainerResource != nil:
		t = m.ContainerResource.Target
	default:
		return 0
	}
	if t.AverageValue != nil {
		return float64(t.AverageValue.MilliValue())
	}
	return float64(request) * float64(*t.AverageUtilization) / 100
}
