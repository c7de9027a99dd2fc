package hpa

import (
	"context"
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/resource"

	"github.com/redline-go/redline/capacity"
)

// Ceiling returns the most replicas that an HPA on a resource's utilisation can ask for while no
// new pod starts. running is the number of pods that are ready to begin with; all of them are busy
// up to their limits. A limit of 2.5 times the request, a target of 80 % and 50 running pods give
// 157, however high maxReplicas is.
//
// It returns an error if the template has no limit on that resource: then only the nodes bound the
// usage.
func Ceiling(
	template corev1.PodTemplateSpec, name corev1.ResourceName, targetPercent int32, running int, c Config,
) (int, error) {
	if running < 1 {
		return 0, fmt.Errorf("hpa: Ceiling: running is %d, want >= 1", running)
	}
	pod := &corev1.Pod{Spec: template.Spec}
	limits := resource.PodLimits(pod, resource.PodResourcesOptions{ExcludeOverhead: true})
	limit, bounded := limits[name]
	requests := resource.PodRequests(pod, resource.PodResourcesOptions{ExcludeOverhead: true})
	request, asked := requests[name]
	if !asked { // the API server's default
		request = limit
	}
	if !bounded || request.IsZero() {
		return 0, fmt.Errorf(
			"hpa: Ceiling: the template's %s limit is %s and its request %s, want both > 0", name, limit.String(),
			request.String(),
		)
	}
	spec := autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 1 << 30, Metrics: []autoscalingv2.MetricSpec{{
		Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{Name: name,
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &targetPercent}}}}}
	a, err := New(spec, c)
	if err != nil {
		return 0, err
	}
	busy := Pods{Count: running, Phase: corev1.PodRunning, Ready: corev1.ConditionTrue, Started: -time.Hour,
		ReadySince: -time.Hour,
		Samples:    []Sample{{Value: limit.MilliValue(), Request: request.MilliValue()}}}
	pending := Pods{
		Phase: corev1.PodPending, Unstarted: true, Samples: []Sample{{Request: request.MilliValue(), Missing: true}},
	}
	replicas := int32(running)
	for now := time.Duration(0); ; now += SyncPeriod {
		pending.Count = int(replicas) - running
		d, err := a.Step(now, Observation{SpecReplicas: replicas, StatusReplicas: replicas, Pods: []Pods{busy, pending}})
		if err != nil {
			return 0, err
		}
		if !d.Rescaled {
			return int(replicas), nil
		}
		replicas = d.Replicas
	}
}

// MaxReplicas returns the highest maxReplicas of an HPA that leaves no pod pending or refused: the
// running pods and those that still fit. The answer says what stops the next one. The options are
// those of [capacity.Snapshot.Max]: a [capacity.Fallback] answers for templates that cannot be
// counted node by node.
func MaxReplicas(
	ctx context.Context, s *capacity.Snapshot, w capacity.Workload, opts ...capacity.Option,
) (int, capacity.Answer, error) {
	answer, err := s.Max(ctx, w, opts...)
	if err != nil {
		return 0, answer, fmt.Errorf("hpa: MaxReplicas: %w", err)
	}
	return answer.Running + answer.Fits, answer, nil
}
