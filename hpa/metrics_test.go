package hpa_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/hpa"
)

// ready returns a group of ready pods of an hour's age, each with one sample.
func ready(count int, value int64) hpa.Pods {
	return hpa.Pods{
		Count: count, Phase: corev1.PodRunning, Ready: corev1.ConditionTrue, Started: -time.Hour, ReadySince: -time.Hour,
		Samples: []hpa.Sample{{Value: value, Request: request}},
	}
}

func pending(count int) hpa.Pods {
	return hpa.Pods{
		Count: count, Phase: corev1.PodPending, Unstarted: true,
		Samples: []hpa.Sample{{Request: request, Missing: true}},
	}
}

// missing returns a group of running pods that report nothing.
func missing(count int) hpa.Pods {
	p := ready(count, 0)
	p.Samples[0].Missing = true
	return p
}

func with(p hpa.Pods, change func(*hpa.Pods)) hpa.Pods {
	change(&p)
	return p
}

// asked returns what the metrics of the spec alone ask for at the first sync.
func asked(t *testing.T, spec autoscalingv2.HorizontalPodAutoscalerSpec, o hpa.Observation) hpa.Decision {
	t.Helper()
	a, err := hpa.New(spec, hpa.Config{})
	require.NoError(t, err)
	d, err := a.Step(0, o)
	require.NoError(t, err)
	return d
}

// The arithmetic of replica_calculator.go, worked by hand for a target of 100 % of 200 millicores.
func TestPodsThatCountAndPodsThatDoNot(t *testing.T) {
	failed := with(ready(10, 900), func(p *hpa.Pods) { p.Phase = corev1.PodFailed })
	terminating := with(ready(5, 900), func(p *hpa.Pods) { p.Terminating = true })
	young := with(ready(10, 900), func(p *hpa.Pods) { // its sample is older than its readiness
		p.Started, p.ReadySince = -time.Minute, -30*time.Second
		p.Samples = []hpa.Sample{{Value: 900, Request: request, At: -20 * time.Second, Window: 30 * time.Second}}
	})
	neverReady := with(ready(10, 900), func(p *hpa.Pods) {
		p.Ready, p.ReadySince = corev1.ConditionFalse, p.Started+10*time.Second
	})
	unready := with(ready(10, 300), func(p *hpa.Pods) { // once ready, hence still counted
		p.Ready, p.ReadySince = corev1.ConditionFalse, -time.Minute
	})
	noCondition := with(ready(10, 900), func(p *hpa.Pods) { p.Ready = "" })
	for name, c := range map[string]struct {
		replicas int32
		pods     []hpa.Pods
		want     int32
	}{
		"150 % of ten":                                {10, []hpa.Pods{ready(10, 300)}, 15},
		"within the tolerance":                        {10, []hpa.Pods{ready(10, 218)}, 10},
		"failed and terminating ones are ignored":     {10, []hpa.Pods{ready(10, 300), failed, terminating}, 15},
		"empty groups are, too":                       {10, []hpa.Pods{ready(10, 300), pending(0)}, 15},
		"pending ones are idle: 5000 m / 20, 125 %":   {20, []hpa.Pods{ready(10, 500), pending(10)}, 25},
		"idle ones turn it round: 75 % is no rise":    {20, []hpa.Pods{ready(10, 300), pending(10)}, 20},
		"on the way down they do not count":           {20, []hpa.Pods{ready(10, 100), pending(10)}, 5},
		"missing ones are idle on the way up":         {20, []hpa.Pods{ready(10, 500), missing(10)}, 25},
		"and full on the way down: 3000 m / 20, 75 %": {20, []hpa.Pods{ready(10, 100), missing(10)}, 15},
		"no rise to fewer than there are":             {40, []hpa.Pods{ready(10, 500), missing(10)}, 40},
		"a young pod's old sample is doubted":         {20, []hpa.Pods{ready(10, 500), young}, 25},
		"one that was never ready is idle":            {20, []hpa.Pods{ready(10, 500), neverReady}, 25},
		"one that was is counted":                     {20, []hpa.Pods{ready(10, 300), unready}, 30},
		"one without the condition is idle":           {20, []hpa.Pods{ready(10, 500), noCondition}, 25},
	} {
		o := hpa.Observation{SpecReplicas: c.replicas, StatusReplicas: c.replicas, Pods: c.pods}
		d := asked(t, cpu(100, 500), o)
		require.NoError(t, d.Err, name)
		require.Equal(t, c.want, d.Metric, name)
	}
}

func metricSpec(kind autoscalingv2.MetricSourceType, target autoscalingv2.MetricTarget) autoscalingv2.MetricSpec {
	m := autoscalingv2.MetricSpec{Type: kind}
	switch kind {
	case autoscalingv2.ContainerResourceMetricSourceType:
		m.ContainerResource = &autoscalingv2.ContainerResourceMetricSource{Name: "memory", Container: "web", Target: target}
	case autoscalingv2.PodsMetricSourceType:
		m.Pods = &autoscalingv2.PodsMetricSource{Target: target}
	case autoscalingv2.ObjectMetricSourceType:
		m.Object = &autoscalingv2.ObjectMetricSource{Target: target}
	case autoscalingv2.ExternalMetricSourceType:
		m.External = &autoscalingv2.ExternalMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: "queue"}, Target: target,
		}
	}
	return m
}

func specOf(metrics ...autoscalingv2.MetricSpec) autoscalingv2.HorizontalPodAutoscalerSpec {
	return autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 500, Metrics: metrics}
}

func average(s string) autoscalingv2.MetricTarget {
	q := resource.MustParse(s)
	return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &q}
}

func total(s string) autoscalingv2.MetricTarget {
	q := resource.MustParse(s)
	return autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: &q}
}

func TestEveryKindOfMetric(t *testing.T) {
	percent := int32(50)
	container := metricSpec(autoscalingv2.ContainerResourceMetricSourceType,
		autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent})
	noSamples := with(ready(5, 0), func(p *hpa.Pods) { p.Samples = nil })
	perPod := metricSpec(autoscalingv2.PodsMetricSourceType, average("100"))
	for name, c := range map[string]struct {
		spec  autoscalingv2.MetricSpec
		pods  []hpa.Pods
		value int64
		want  int32
	}{
		"container, 75 % for 50 %":                {container, []hpa.Pods{ready(10, 150)}, 0, 15},
		"pods, 150 for 100":                       {perPod, []hpa.Pods{ready(10, 150_000)}, 0, 15},
		"pods, missing ones at 100":               {perPod, []hpa.Pods{ready(5, 50_000), missing(5)}, 0, 8},
		"pods, those without samples are missing": {perPod, []hpa.Pods{ready(5, 50_000), noSamples}, 0, 8},
		"object, a value of 150 for 100": {
			metricSpec(autoscalingv2.ObjectMetricSourceType, total("100")), []hpa.Pods{ready(10, 0)}, 150_000, 15,
		},
		"object, 1600 for 100 a replica": {
			metricSpec(autoscalingv2.ObjectMetricSourceType, average("100")), []hpa.Pods{ready(10, 0)}, 1_600_000, 16,
		},
		"object, 1040 for 100 a replica": {
			metricSpec(autoscalingv2.ObjectMetricSourceType, average("100")), []hpa.Pods{ready(10, 0)}, 1_040_000, 10,
		},
		"external, ready pods alone": {
			metricSpec(autoscalingv2.ExternalMetricSourceType, total("100")), []hpa.Pods{ready(4, 0), pending(6)},
			300_000, 12,
		},
		"external, within the tolerance": {
			metricSpec(autoscalingv2.ExternalMetricSourceType, total("100")), []hpa.Pods{ready(10, 0)}, 105_000, 10,
		},
		"external, an average": {
			metricSpec(autoscalingv2.ExternalMetricSourceType, average("100")), []hpa.Pods{ready(10, 0)}, 2_500_000, 25,
		},
	} {
		o := hpa.Observation{SpecReplicas: 10, StatusReplicas: 10, Pods: c.pods, Metrics: []hpa.Metric{{Value: c.value}}}
		d := asked(t, specOf(c.spec), o)
		require.NoError(t, d.Err, name)
		require.Equal(t, c.want, d.Metric, name)
	}
	o := hpa.Observation{SpecReplicas: 50, StatusReplicas: 50, Pods: []hpa.Pods{ready(50, 320)}}
	require.Equal(t, int32(100), asked(t, specOf(), o).Metric, "without metrics: 80 % of the cpu request")
	d := asked(t, specOf(metricSpec(autoscalingv2.ObjectMetricSourceType, total("100"))), o)
	require.Equal(t, int32(0), d.Metric, "no value is 0")
}

func TestMetricsThatCannotBeRead(t *testing.T) {
	noRequest := with(ready(10, 300), func(p *hpa.Pods) { p.Samples = []hpa.Sample{{Value: 300, Request: -1}} })
	zeroRequest := with(ready(10, 300), func(p *hpa.Pods) { p.Samples = []hpa.Sample{{Value: 300}} })
	object := specOf(metricSpec(autoscalingv2.ObjectMetricSourceType, total("100")))
	for want, c := range map[string]struct {
		spec autoscalingv2.HorizontalPodAutoscalerSpec
		o    hpa.Observation
	}{
		"no pods returned by selector":            {cpu(80, 500), hpa.Observation{}},
		"did not receive metrics":                 {cpu(80, 500), hpa.Observation{Pods: []hpa.Pods{pending(10)}}},
		"missing request in a container of a pod": {cpu(80, 500), hpa.Observation{Pods: []hpa.Pods{noRequest}}},
		"no metrics returned matched known pods":  {cpu(80, 500), hpa.Observation{Pods: []hpa.Pods{zeroRequest}}},
		"unable to calculate ready pods":          {object, hpa.Observation{Metrics: []hpa.Metric{{Value: 300_000}}}},
		"unable to get the metric": {object, hpa.Observation{
			Pods: []hpa.Pods{ready(10, 0)}, Metrics: []hpa.Metric{{Unavailable: true}},
		}},
	} {
		c.o.SpecReplicas, c.o.StatusReplicas = 10, 10
		d := asked(t, c.spec, c.o)
		require.ErrorContains(t, d.Err, "invalid metrics (1 invalid out of 1), first error is: failed to get ", want)
		require.ErrorContains(t, d.Err, want)
		require.Equal(t, hpa.MetricsFailed, d.Held)
		require.Equal(t, int32(10), d.Replicas)
		require.Equal(t, int32(-1), d.Metric)
	}
}

// Where one of two metrics fails, the other may scale up but not down.
func TestOneMetricOfTwoFails(t *testing.T) {
	object := metricSpec(autoscalingv2.ObjectMetricSourceType, total("100"))
	queue := metricSpec(autoscalingv2.ExternalMetricSourceType, total("100"))
	for value, want := range map[int64]int32{150_000: 15, 50_000: -1} {
		o := hpa.Observation{SpecReplicas: 10, StatusReplicas: 10, Metrics: []hpa.Metric{{Unavailable: true}, {Value: value}}}
		o.Pods = []hpa.Pods{with(ready(10, 0), func(p *hpa.Pods) { p.Samples = append(p.Samples, hpa.Sample{}) })}
		d := asked(t, specOf(object, queue), o)
		require.ErrorContains(t, d.Err, "(1 invalid out of 2)")
		require.Equal(t, want, d.Metric)
	}
}

func TestSpecsThatTheAPIServerRefuses(t *testing.T) {
	percent := int32(50)
	utilization := autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent}
	behavior := func(up, down *autoscalingv2.HPAScalingRules) autoscalingv2.HorizontalPodAutoscalerSpec {
		s := specOf()
		s.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: up, ScaleDown: down}
		return s
	}
	negative := specOf()
	negative.MinReplicas = new(int32)
	*negative.MinReplicas = -1
	unknown := autoscalingv2.ScalingPolicySelect("Most")
	for want, spec := range map[string]autoscalingv2.HorizontalPodAutoscalerSpec{
		`hpa: MetricTarget of the pods metric has no value that fits its type "Utilization"`: specOf(
			metricSpec(autoscalingv2.PodsMetricSourceType, utilization)),
		"hpa: MetricTarget of the queue external metric is 0, want > 0": specOf(
			metricSpec(autoscalingv2.ExternalMetricSourceType, total("0"))),
		"hpa: HorizontalPodAutoscalerSpec.MinReplicas is -1, want >= 0": negative,
		"hpa: Behavior.ScaleDown.StabilizationWindowSeconds is 3601, want 0 to 3600": behavior(nil,
			ruleSet(3601, policy(autoscalingv2.PodsScalingPolicy, 1, 15))),
		`hpa: Behavior.ScaleUp.SelectPolicy is "Most", want Max, Min or Disabled`: behavior(
			&autoscalingv2.HPAScalingRules{SelectPolicy: &unknown}, nil),
		"hpa: Behavior.ScaleUp.Policies[0] is {Type:Pods Value:0 PeriodSeconds:15}, " +
			"want type Pods or Percent, a value > 0 and a period of 1 to 1800 s": behavior(
			ruleSet(0, policy(autoscalingv2.PodsScalingPolicy, 0, 15)), nil),
	} {
		_, err := hpa.New(spec, hpa.Config{})
		require.EqualError(t, err, want)
	}
	_, err := hpa.New(specOf(), hpa.Config{CPUInitialization: -1})
	require.ErrorContains(t, err, "hpa: Config has a negative duration")
}

func TestObservationsThatCannotBe(t *testing.T) {
	a, err := hpa.New(cpu(80, 500), hpa.Config{})
	require.NoError(t, err)
	for want, o := range map[string]hpa.Observation{
		"hpa: Observation.Metrics has 2 entries, want 1, one for each metric of the spec": {Metrics: make([]hpa.Metric, 2)},
		"hpa: Observation.Pods[0].Count is -1, want >= 0":                                 {Pods: []hpa.Pods{{Count: -1}}},
		"hpa: Observation.Pods[0].Samples has 2 entries, want 1, one for each metric of the spec": {
			Pods: []hpa.Pods{{Samples: make([]hpa.Sample, 2)}},
		},
	} {
		_, err := a.Step(0, o)
		require.EqualError(t, err, want)
	}
}

func TestCeilingOfOtherTemplates(t *testing.T) {
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"cpu": resource.MustParse("500m")}},
	}}}}
	most, err := hpa.Ceiling(template, corev1.ResourceCPU, 80, 50, hpa.Config{})
	require.NoError(t, err)
	require.Equal(t, 63, most, "the request is the limit: 100 % of 50 for a target of 80 %")
	_, err = hpa.Ceiling(template, corev1.ResourceCPU, 80, 0, hpa.Config{})
	require.EqualError(t, err, "hpa: Ceiling: running is 0, want >= 1")
	_, err = hpa.Ceiling(template, corev1.ResourceCPU, 0, 50, hpa.Config{})
	require.ErrorContains(t, err, "want > 0")
}

func TestMaxReplicasOfWhatNeedsTheScheduler(t *testing.T) {
	s, err := capacity.NewSnapshot(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}})
	require.NoError(t, err)
	w := capacity.Workload{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "x", Image: "x"}},
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: "zone", WhenUnsatisfiable: corev1.DoNotSchedule,
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "x"}},
		}},
	}}}
	w.Template.Labels = map[string]string{"app": "x"}
	_, _, err = hpa.MaxReplicas(context.Background(), s, w)
	require.ErrorIs(t, err, capacity.ErrNeedsScheduler)
	require.ErrorContains(t, err, "hpa: MaxReplicas: ")
}
