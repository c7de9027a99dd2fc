package hpa

import (
	"fmt"
	"math"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/utils/ptr"
)

// Limit is the reason why the replica count differs from the recommendation: the reason of the
// HPA's ScalingLimited condition.
type Limit int

const (
	Unlimited       Limit = iota
	ScaleUpLimit          // a policy's pace upward
	ScaleDownLimit        // a policy's pace downward
	TooManyReplicas       // maxReplicas
	TooFewReplicas        // minReplicas
)

// String returns the condition's reason.
func (l Limit) String() string {
	names := [...]string{"DesiredWithinRange", "ScaleUpLimit", "ScaleDownLimit", "TooManyReplicas", "TooFewReplicas"}
	if l < 0 || int(l) >= len(names) {
		return fmt.Sprintf("Limit(%d)", int(l))
	}
	return names[l]
}

// Hold is the reason why the recommendation differs from what the metrics ask for: the reason of
// the HPA's AbleToScale or ScalingActive condition.
type Hold int

const (
	Free            Hold = iota
	ScaleUpHeld          // a lower recommendation is within the window: ScaleUpStabilized
	ScaleDownHeld        // a higher recommendation is within the window: ScaleDownStabilized
	ScalingDisabled      // the target was scaled to zero by somebody else
	MetricsFailed        // no metric, or not enough of them, could be read
)

// String returns the condition's reason.
func (h Hold) String() string {
	names := [...]string{
		"ReadyForNewScale", "ScaleUpStabilized", "ScaleDownStabilized", "ScalingDisabled",
		"FailedComputeMetricsReplicas",
	}
	if h < 0 || int(h) >= len(names) {
		return fmt.Sprintf("Hold(%d)", int(h))
	}
	return names[h]
}

// rules are one direction's scaling rules with the API server's defaults
// (pkg/apis/autoscaling/v2/defaults.go).
type rules struct {
	window   time.Duration
	pick     autoscalingv2.ScalingPolicySelect
	policies []autoscalingv2.HPAScalingPolicy
	longest  time.Duration // of the policies' periods
}

type behavior struct{ up, down rules }

func newBehavior(b autoscalingv2.HorizontalPodAutoscalerBehavior, downscale time.Duration) *behavior {
	const period = 15
	return &behavior{
		up: newRules(b.ScaleUp, 0, autoscalingv2.HPAScalingPolicy{
			Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: period,
		},
			autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: period}),
		down: newRules(b.ScaleDown, downscale.Truncate(time.Second),
			autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: period}),
	}
}

// checkRules refuses what the API server would.
func checkRules(field string, r *autoscalingv2.HPAScalingRules) error {
	if r == nil {
		return nil
	}
	if w := ptr.Deref(r.StabilizationWindowSeconds, 0); w < 0 || w > 3600 {
		return fmt.Errorf("hpa: Behavior.%s.StabilizationWindowSeconds is %d, want 0 to 3600", field, w)
	}
	switch pick := ptr.Deref(r.SelectPolicy, autoscalingv2.MaxChangePolicySelect); pick {
	case autoscalingv2.MaxChangePolicySelect, autoscalingv2.MinChangePolicySelect, autoscalingv2.DisabledPolicySelect:
	default:
		return fmt.Errorf("hpa: Behavior.%s.SelectPolicy is %q, want Max, Min or Disabled", field, pick)
	}
	if r.Policies != nil && len(r.Policies) == 0 {
		return fmt.Errorf("hpa: Behavior.%s.Policies is empty, want one policy at least", field)
	}
	for i, p := range r.Policies {
		if p.Type != autoscalingv2.PodsScalingPolicy && p.Type != autoscalingv2.PercentScalingPolicy || p.Value <= 0 ||
			p.PeriodSeconds <= 0 || p.PeriodSeconds > 1800 {
			return fmt.Errorf(
				"hpa: Behavior.%s.Policies[%d] is %+v, want type Pods or Percent, a value > 0 and a period of 1 to 1800 s",
				field, i, p,
			)
		}
	}
	return nil
}

func newRules(
	given *autoscalingv2.HPAScalingRules, window time.Duration, policies ...autoscalingv2.HPAScalingPolicy,
) rules {
	r := rules{window: window, pick: autoscalingv2.MaxChangePolicySelect, policies: policies}
	if given != nil {
		if given.StabilizationWindowSeconds != nil {
			r.window = time.Duration(*given.StabilizationWindowSeconds) * time.Second
		}
		r.pick = ptr.Deref(given.SelectPolicy, r.pick)
		if given.Policies != nil {
			r.policies = given.Policies
		}
	}
	for _, p := range r.policies {
		r.longest = max(r.longest, time.Duration(p.PeriodSeconds)*time.Second)
	}
	return r
}

// recommendation is a count that the metrics asked for at a time, before any window.
type recommendation struct {
	replicas int32
	at       time.Duration
}

// change is a rescale that was written, as a positive number of replicas.
type change struct {
	replicas int32
	at       time.Duration
	outdated bool
}

// normalize applies windows, policies and limits to what the metrics ask for.
func (a *Autoscaler) normalize(now time.Duration, current, desired int32) (int32, Hold, Limit) {
	if a.behavior == nil {
		return a.normalizePlain(now, current, desired)
	}
	steady := a.stabilize(now, current, desired)
	hold := Free
	if steady != desired {
		hold = ScaleDownHeld
		if desired >= current {
			hold = ScaleUpHeld
		}
	}
	replicas, limit := a.pace(now, current, steady)
	if replicas == steady {
		limit = Unlimited
	}
	return replicas, hold, limit
}

// normalizePlain limits an HPA without spec.behavior: it takes the highest recommendation of the
// downscale window, at most double the current count and at least 4.
func (a *Autoscaler) normalizePlain(now time.Duration, current, desired int32) (int32, Hold, Limit) {
	cutoff := now - a.config.DownscaleStabilization
	steady, old := desired, -1
	for i, r := range a.recommended {
		if r.at < cutoff {
			old = i
		} else {
			steady = max(steady, r.replicas)
		}
	}
	a.record(old, recommendation{desired, now})
	hold := Free
	if steady != desired {
		hold = ScaleDownHeld
	}
	most, limit := int32(math.Max(2*float64(current), 4)), ScaleUpLimit
	if a.max <= most {
		most, limit = a.max, TooManyReplicas
	}
	switch {
	case steady < a.min:
		return a.min, hold, TooFewReplicas
	case steady > most:
		return most, hold, limit
	}
	return steady, hold, Unlimited
}

// stabilize returns the count nearest to current between the lowest recommendation of the up
// window and the highest of the down window.
func (a *Autoscaler) stabilize(now time.Duration, current, desired int32) int32 {
	upCutoff, downCutoff := now-a.behavior.up.window, now-a.behavior.down.window
	low, high, old := desired, desired, -1
	for i, r := range a.recommended {
		if r.at > upCutoff {
			low = min(low, r.replicas)
		}
		if r.at > downCutoff {
			high = max(high, r.replicas)
		}
		if r.at < upCutoff && r.at < downCutoff {
			old = i
		}
	}
	a.record(old, recommendation{desired, now})
	return min(max(current, low), high)
}

// record keeps r in the place of an outdated recommendation, if there is one.
func (a *Autoscaler) record(old int, r recommendation) {
	if old >= 0 {
		a.recommended[old] = r
		return
	}
	a.recommended = append(a.recommended, r)
}

// pace limits desired to what the scaling policies allow in their period, and to minReplicas and
// maxReplicas.
func (a *Autoscaler) pace(now time.Duration, current, desired int32) (int32, Limit) {
	switch {
	case desired > current:
		most, limit := max(a.limit(now, current, &a.behavior.up, +1), current), ScaleUpLimit
		if a.max <= most {
			most, limit = a.max, TooManyReplicas
		}
		if desired > most {
			return most, limit
		}
	case desired < current:
		least, limit := min(a.limit(now, current, &a.behavior.down, -1), current), ScaleDownLimit
		if a.min >= least {
			least, limit = a.min, TooFewReplicas
		}
		if desired < least {
			return least, limit
		}
	}
	return desired, Unlimited
}

// limit returns the farthest count that the rules allow in a direction (+1 up, -1 down). It counts
// from where the replicas stood when each policy's period began.
func (a *Autoscaler) limit(now time.Duration, current int32, r *rules, direction int32) int32 {
	if r.pick == autoscalingv2.DisabledPolicySelect {
		return current
	}
	farthest := r.pick != autoscalingv2.MinChangePolicySelect
	best, some := int32(0), false
	for _, p := range r.policies {
		cutoff := now - time.Duration(p.PeriodSeconds)*time.Second
		start := current - since(a.ups, cutoff) + since(a.downs, cutoff)
		proposed := start + direction*p.Value
		if p.Type == autoscalingv2.PercentScalingPolicy {
			share := float64(start) * (1 + float64(direction)*float64(p.Value)/100)
			if direction > 0 {
				share = math.Ceil(share)
			}
			proposed = int32(share)
		}
		if further := (proposed-best)*direction > 0; !some || further == farthest {
			best, some = proposed, true
		}
	}
	return best
}

func since(changes []change, cutoff time.Duration) (replicas int32) {
	for _, c := range changes {
		if c.at > cutoff {
			replicas += c.replicas
		}
	}
	return replicas
}

// remember stores a rescale, in the place of one that no policy can see any more.
func (a *Autoscaler) remember(now time.Duration, from, to int32) {
	if a.behavior == nil {
		return
	}
	changes, r, size := &a.ups, &a.behavior.up, to-from
	if to < from {
		changes, r, size = &a.downs, &a.behavior.down, from-to
	}
	old := -1
	for i := range *changes {
		c := &(*changes)[i]
		c.outdated = c.outdated || c.at < now-r.longest
		if c.outdated {
			old = i
		}
	}
	event := change{replicas: size, at: now}
	if old >= 0 {
		(*changes)[old] = event
		return
	}
	*changes = append(*changes, event)
}
