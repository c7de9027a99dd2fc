package hpa_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/hpa"
)

// demand observes so many ready replicas and an External metric at a multiple of its target of 100.
func demand(replicas int32, multiple float64) hpa.Observation {
	o := fleet(int(replicas), int(replicas), 0)
	o.Metrics = []hpa.Metric{{Value: int64(multiple * 100_000)}}
	return o
}

func policy(kind autoscalingv2.HPAScalingPolicyType, value, period int32) autoscalingv2.HPAScalingPolicy {
	return autoscalingv2.HPAScalingPolicy{Type: kind, Value: value, PeriodSeconds: period}
}

// ruleSet returns the rules of one direction: a window in seconds and policies.
func ruleSet(window int32, policies ...autoscalingv2.HPAScalingPolicy) *autoscalingv2.HPAScalingRules {
	return &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &window, Policies: policies}
}

// paced returns an autoscaler of 1 to 500 replicas on an External metric under the rules.
func paced(t *testing.T, up, down *autoscalingv2.HPAScalingRules) *hpa.Autoscaler {
	t.Helper()
	spec := external("100", 500)
	spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: up, ScaleDown: down}
	a, err := hpa.New(spec, hpa.Config{})
	require.NoError(t, err)
	return a
}

// history runs one sync every 15 s with the metric at a multiple and returns the replicas after
// each.
func history(
	t *testing.T, a *hpa.Autoscaler, from int32, multiple float64, syncs int,
) (counts []int32, last hpa.Decision) {
	t.Helper()
	for i := range syncs {
		d, err := a.Step(time.Duration(i)*hpa.SyncPeriod, demand(from, multiple))
		require.NoError(t, err)
		require.NoError(t, d.Err)
		from, last = d.Replicas, d
		counts = append(counts, from)
	}
	return counts, last
}

func TestPoliciesPaceTheWayUp(t *testing.T) {
	pods, percent := policy(autoscalingv2.PodsScalingPolicy, 10, 60), policy(autoscalingv2.PercentScalingPolicy, 100, 15)
	least := ruleSet(0, pods, percent)
	least.SelectPolicy = ptr.To(autoscalingv2.MinChangePolicySelect)
	none := ruleSet(0, pods)
	none.SelectPolicy = ptr.To(autoscalingv2.DisabledPolicySelect)
	for name, c := range map[string]struct {
		rules *autoscalingv2.HPAScalingRules
		want  []int32
	}{
		"ten a minute":                    {ruleSet(0, pods), []int32{60, 60, 60, 60, 70, 70}},
		"the larger of two":               {ruleSet(0, pods, percent), []int32{100, 200, 400, 500, 500, 500}},
		"the smaller of two":              {least, []int32{60, 60, 60, 60, 70, 70}},
		"none":                            {none, []int32{50, 50, 50, 50, 50, 50}},
		"the default: doubles every 15 s": {nil, []int32{100, 200, 400, 500, 500, 500}},
		"30 % of what stood a minute ago": {
			ruleSet(0, policy(autoscalingv2.PercentScalingPolicy, 30, 60)), []int32{65, 65, 65, 65, 85, 85},
		},
		"the window holds a spike for 60 s": {ruleSet(60, percent), []int32{50, 50, 50, 50, 100, 200}},
	} {
		counts, _ := history(t, paced(t, c.rules, nil), 50, 10, 6)
		require.Equal(t, c.want, counts, name)
	}
	_, last := history(t, paced(t, ruleSet(0, pods), nil), 50, 10, 2)
	require.Equal(t, hpa.ScaleUpLimit, last.Limited)
	_, last = history(t, paced(t, ruleSet(60, pods), nil), 50, 10, 1)
	require.Equal(t, hpa.ScaleUpHeld, last.Held)
	_, last = history(t, paced(t, nil, nil), 50, 10, 4)
	require.Equal(t, hpa.TooManyReplicas, last.Limited)
}

func TestPoliciesPaceTheWayDown(t *testing.T) {
	tenth := policy(autoscalingv2.PercentScalingPolicy, 10, 60)
	for name, c := range map[string]struct {
		rules *autoscalingv2.HPAScalingRules
		want  []int32
	}{
		"a tenth a minute": {ruleSet(0, tenth), []int32{90, 90, 90, 90, 81, 81}},
		"five a minute": {
			ruleSet(0, policy(autoscalingv2.PodsScalingPolicy, 5, 60)), []int32{95, 95, 95, 95, 90, 90},
		},
		"each window holds 45 s": {
			ruleSet(45, policy(autoscalingv2.PercentScalingPolicy, 100, 15)), []int32{100, 100, 100, 10, 10, 10},
		},
		"the default holds 5 min": {nil, []int32{100, 100, 100, 100, 100, 100}},
	} {
		counts, _ := history(t, paced(t, nil, c.rules), 100, 0.1, 6)
		require.Equal(t, c.want, counts, name)
	}
	_, last := history(t, paced(t, nil, ruleSet(0, tenth)), 100, 0.1, 1)
	require.Equal(t, hpa.ScaleDownLimit, last.Limited)
	_, last = history(t, paced(t, nil, nil), 100, 0.1, 1)
	require.Equal(t, hpa.ScaleDownHeld, last.Held)
	_, last = history(t, paced(t, nil, ruleSet(0, policy(autoscalingv2.PercentScalingPolicy, 100, 15))), 9, 0.001, 1)
	require.Equal(t, int32(1), last.Replicas)
}

// A rescale that no policy can see any more makes room for the next.
func TestOldRescalesAreForgotten(t *testing.T) {
	a := paced(t, ruleSet(0, policy(autoscalingv2.PodsScalingPolicy, 1, 15)), nil)
	counts, _ := history(t, a, 50, 10, 40)
	require.Equal(t, int32(90), counts[39], "one every sync")
	down := paced(t, nil, ruleSet(0, policy(autoscalingv2.PodsScalingPolicy, 1, 15)))
	counts, _ = history(t, down, 50, 0.01, 40)
	require.Equal(t, int32(10), counts[39])
}

func TestLimitsOfTheSpec(t *testing.T) {
	spec := external("100", 500)
	spec.MinReplicas = ptr.To[int32](20)
	for name, behavior := range map[string]*autoscalingv2.HorizontalPodAutoscalerBehavior{
		"plain":    nil,
		"behavior": {ScaleDown: ruleSet(0, policy(autoscalingv2.PercentScalingPolicy, 100, 15))},
	} {
		spec.Behavior = behavior
		for _, c := range []struct {
			now      time.Duration
			replicas int32
			multiple float64
			want     int32
			limited  hpa.Limit
		}{
			{0, 600, 1, 500, hpa.TooManyReplicas},
			{0, 2, 1, 20, hpa.TooFewReplicas},
			{0, 400, 9, 500, hpa.TooManyReplicas},
			{10 * time.Minute, 40, 0.01, 20, hpa.TooFewReplicas},
		} {
			a, err := hpa.New(spec, hpa.Config{})
			require.NoError(t, err)
			if c.now > 0 { // a window's length before, so that nothing holds the count up
				_, err = a.Step(0, demand(c.replicas, 0.01))
				require.NoError(t, err)
			}
			d, err := a.Step(c.now, demand(c.replicas, c.multiple))
			require.NoError(t, err)
			require.Equal(t, c.want, d.Replicas, "%s %+v", name, c)
			require.Equal(t, c.limited, d.Limited, "%s %+v", name, c)
			require.True(t, d.Rescaled)
		}
	}
}

// In v1.37 an HPA on an External metric scales to zero and comes back. One that somebody else
// scaled to zero stays off.
func TestScaleToZero(t *testing.T) {
	spec := external("100", 500)
	spec.MinReplicas = ptr.To[int32](0)
	a, err := hpa.New(spec, hpa.Config{Version: hpa.V1_37})
	require.NoError(t, err)
	_, err = a.Step(0, demand(3, 0))
	require.NoError(t, err)
	d, err := a.Step(6*time.Minute, demand(3, 0))
	require.NoError(t, err)
	require.Equal(t, int32(0), d.Replicas)
	require.True(t, d.Rescaled)
	d, err = a.Step(7*time.Minute, demand(0, 2.5))
	require.NoError(t, err)
	require.Equal(t, int32(3), d.Replicas, "the total over the target, rounded up")

	a, err = hpa.New(spec, hpa.Config{})
	require.NoError(t, err)
	d, err = a.Step(0, demand(0, 9))
	require.NoError(t, err)
	require.Equal(t, hpa.ScalingDisabled, d.Held)
	require.False(t, d.Rescaled)

	_, err = hpa.New(spec, hpa.Config{Version: hpa.V1_29})
	require.ErrorContains(t, err, "MinReplicas is 0, want >= 1")
	onCPU := cpu(80, 500)
	onCPU.MinReplicas = ptr.To[int32](0)
	_, err = hpa.New(onCPU, hpa.Config{})
	require.ErrorContains(t, err, "MinReplicas is 0, want >= 1 without an Object or External metric")
}

// v1.37 has a tolerance for each direction of each HPA; v1.29 knows the controller's alone.
func TestTolerancesOfOneHPA(t *testing.T) {
	spec := external("100", 500)
	spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{
		ScaleUp:   &autoscalingv2.HPAScalingRules{Tolerance: ptr.To(resource.MustParse("0.5"))},
		ScaleDown: &autoscalingv2.HPAScalingRules{Tolerance: ptr.To(resource.MustParse("0.01"))},
	}
	for _, c := range []struct {
		version  hpa.Version
		multiple float64
		metric   int32
	}{
		{hpa.V1_37, 1.4, 50}, {hpa.V1_29, 1.4, 70}, {hpa.V1_37, 0.95, 48}, {hpa.V1_29, 0.95, 50},
	} {
		a, err := hpa.New(spec, hpa.Config{Version: c.version})
		require.NoError(t, err)
		d, err := a.Step(0, demand(50, c.multiple))
		require.NoError(t, err)
		require.Equal(t, c.metric, d.Metric, "%+v", c)
	}
}

func TestWords(t *testing.T) {
	require.Equal(t, "ScaleDownLimit", hpa.ScaleDownLimit.String())
	require.Equal(t, "DesiredWithinRange", hpa.Unlimited.String())
	require.Equal(t, "Limit(9)", hpa.Limit(9).String())
	require.Equal(t, "ScaleUpStabilized", hpa.ScaleUpHeld.String())
	require.Equal(t, "FailedComputeMetricsReplicas", hpa.MetricsFailed.String())
	require.Equal(t, "Hold(-1)", hpa.Hold(-1).String())
}
