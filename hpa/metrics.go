package hpa

import (
	"errors"
	"fmt"
	"math"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// metric is one metric of the spec, reduced to what the arithmetic needs.
type metric struct {
	name        string
	target      int64 // thousandths of the unit, or percent of the request
	utilization bool  // target is percent of the request
	perPod      bool  // Resource, ContainerResource, Pods: each pod reports
	average     bool  // of an Object or External metric: target is per replica
	cpu         bool  // young pods' samples are doubted
	requests    bool  // reads the pods' requests
}

// defaultMetrics fills in the API server's default: 80 % of the cpu request
// (pkg/apis/autoscaling/types.go, DefaultCPUUtilization).
func defaultMetrics(metrics []autoscalingv2.MetricSpec) []autoscalingv2.MetricSpec {
	if len(metrics) > 0 {
		return metrics
	}
	target := autoscalingv2.MetricTarget{
		Type: autoscalingv2.UtilizationMetricType, AverageUtilization: ptr.To[int32](80),
	}
	return []autoscalingv2.MetricSpec{{
		Type:     autoscalingv2.ResourceMetricSourceType,
		Resource: &autoscalingv2.ResourceMetricSource{Name: corev1.ResourceCPU, Target: target},
	}}
}

func metricOf(s autoscalingv2.MetricSpec) (metric, error) {
	var m metric
	var t autoscalingv2.MetricTarget
	switch {
	case s.Type == autoscalingv2.ResourceMetricSourceType && s.Resource != nil:
		m, t = metric{
			name: s.Resource.Name.String() + " resource metric", perPod: true,
			cpu: s.Resource.Name == corev1.ResourceCPU,
		}, s.Resource.Target
	case s.Type == autoscalingv2.ContainerResourceMetricSourceType && s.ContainerResource != nil:
		m, t = metric{
			name: s.ContainerResource.Container + " container metric", perPod: true,
			cpu: s.ContainerResource.Name == corev1.ResourceCPU,
		}, s.ContainerResource.Target
	case s.Type == autoscalingv2.PodsMetricSourceType && s.Pods != nil:
		m, t = metric{name: "pods metric", perPod: true}, s.Pods.Target
	case s.Type == autoscalingv2.ObjectMetricSourceType && s.Object != nil:
		m, t = metric{name: "object metric"}, s.Object.Target
	case s.Type == autoscalingv2.ExternalMetricSourceType && s.External != nil:
		m, t = metric{name: s.External.Metric.Name + " external metric"}, s.External.Target
	default:
		return m, fmt.Errorf(
			"hpa: MetricSpec.Type is %q, want Resource, ContainerResource, Pods, Object or External with the field of that name",
			s.Type,
		)
	}
	resource := s.Type == autoscalingv2.ResourceMetricSourceType ||
		s.Type == autoscalingv2.ContainerResourceMetricSourceType
	switch {
	case t.AverageValue != nil:
		m.target, m.average = t.AverageValue.MilliValue(), true
	case resource && t.AverageUtilization != nil:
		m.target, m.utilization, m.requests = int64(*t.AverageUtilization), true, true
	case !m.perPod && t.Value != nil:
		m.target = t.Value.MilliValue()
	default:
		return m, fmt.Errorf("hpa: MetricTarget of the %s has no value that fits its type %q", m.name, t.Type)
	}
	if m.target <= 0 {
		return m, fmt.Errorf("hpa: MetricTarget of the %s is %d, want > 0", m.name, m.target)
	}
	return m, nil
}

// The controller's words for metrics that cannot be used.
var (
	errNoMetrics = errors.New("did not receive metrics for targeted pods (pods might be unready)")
	errNoPods    = errors.New("no pods returned by selector while calculating replica count")
	errNoMatch   = errors.New("no metrics returned matched known pods")
)

// propose returns the count that metric i alone asks for.
func (a *Autoscaler) propose(now time.Duration, i int, o Observation) (int32, error) {
	m := &a.metrics[i]
	var err error
	var replicas int32
	switch {
	case o.Metrics != nil && o.Metrics[i].Unavailable:
		err = errors.New("unable to get the metric")
	case m.perPod:
		replicas, err = a.proposePerPod(now, i, o)
	case m.average:
		return a.proposeShare(o.Metrics, i, o.StatusReplicas), nil
	default:
		replicas, err = a.proposeTotal(o, i)
	}
	if err != nil {
		return 0, fmt.Errorf("failed to get %s value: %w", m.name, err)
	}
	return replicas, nil
}

// sums adds up the pods whose samples count in one evaluation.
type sums struct{ pods, value, request int64 }

func (s *sums) add(pods int, value, request int64) {
	s.pods += int64(pods)
	s.value += int64(pods) * value
	s.request += int64(pods) * request
}

// ratio returns usage over target. Utilisation is whole percent, cut, as in
// metrics/utilization.go.
func (m *metric) ratio(s sums) (float64, error) {
	if !m.utilization {
		return float64(s.value/s.pods) / float64(m.target), nil
	}
	if s.request == 0 {
		return 0, errNoMatch
	}
	return float64(int32(s.value*100/s.request)) / float64(m.target), nil
}

// proposePerPod follows replica_calculator.go's GetResourceReplicas and calcPlainMetricReplicas.
// Unready pods count as idle on the way up. Missing ones count as idle on the way up and as busy
// on the way down.
func (a *Autoscaler) proposePerPod(now time.Duration, i int, o Observation) (int32, error) {
	m := &a.metrics[i]
	counted, idle, absent, err := a.group(now, i, o)
	if err != nil {
		return 0, err
	}
	before, err := m.ratio(counted)
	if err != nil {
		return 0, err
	}
	up := idle.pods > 0 && before > 1
	if !up && absent.pods == 0 {
		if a.within(before) {
			return o.SpecReplicas, nil
		}
		return int32(math.Ceil(before * float64(counted.pods))), nil
	}
	all := counted
	switch {
	case absent.pods == 0:
	case before < 1 && m.utilization:
		all = sums{pods: all.pods + absent.pods, value: all.value + absent.value, request: all.request + absent.request}
	case before < 1:
		all = sums{pods: all.pods + absent.pods, value: all.value + absent.pods*m.target}
	case before > 1:
		all = sums{pods: all.pods + absent.pods, value: all.value, request: all.request + absent.request}
	}
	if up {
		all = sums{pods: all.pods + idle.pods, value: all.value, request: all.request + idle.request}
	}
	return a.settle(m, before, all, o.SpecReplicas)
}

// group adds up the ready, the unready and the missing pods (replica_calculator.go, groupPods).
// Only the requests of the last two are used.
func (a *Autoscaler) group(now time.Duration, i int, o Observation) (counted, idle, absent sums, err error) {
	m := &a.metrics[i]
	pods := 0
	noRequest := false
	for g := range o.Pods {
		p := &o.Pods[g]
		if p.Count == 0 {
			continue
		}
		pods += p.Count
		var s Sample
		if p.Samples != nil {
			s = p.Samples[i]
		}
		noRequest = noRequest || s.Request < 0
		switch a.classify(now, p, i, m.cpu) {
		case ready:
			counted.add(p.Count, s.Value, s.Request)
		case unready:
			idle.add(p.Count, 0, s.Request)
		case missing:
			absent.add(p.Count, s.Request*max(100, m.target)/100, s.Request)
		}
	}
	switch {
	case pods == 0:
		err = errNoPods
	case counted.pods == 0:
		err = errNoMetrics
	case m.requests && noRequest:
		err = errors.New("missing request in a container of a pod")
	}
	return counted, idle, absent, err
}

// settle takes the second look's count, unless it would turn round.
func (a *Autoscaler) settle(m *metric, before float64, all sums, current int32) (int32, error) {
	after, err := m.ratio(all)
	if err != nil {
		return 0, err
	}
	if a.within(after) || before < 1 && after > 1 || before > 1 && after < 1 {
		return current, nil
	}
	replicas := int32(math.Ceil(after * float64(all.pods)))
	if after < 1 && replicas > current || after > 1 && replicas < current {
		return current, nil
	}
	return replicas, nil
}

// proposeTotal scales the ready pods by a total's ratio (getUsageRatioReplicaCount).
func (a *Autoscaler) proposeTotal(o Observation, i int) (int32, error) {
	ratio := float64(valueOf(o.Metrics, i)) / float64(a.metrics[i].target)
	if o.SpecReplicas == 0 {
		return int32(math.Ceil(ratio)), nil
	}
	if a.within(ratio) {
		return o.SpecReplicas, nil
	}
	pods, ready := 0, 0
	for g := range o.Pods {
		p := &o.Pods[g]
		pods += p.Count
		if p.Phase == corev1.PodRunning && p.Ready == corev1.ConditionTrue {
			ready += p.Count
		}
	}
	if pods == 0 {
		return 0, fmt.Errorf("unable to calculate ready pods: %w", errNoPods)
	}
	return ceil32(ratio * float64(ready)), nil
}

// proposeShare divides a total by the target per replica (GetObjectPerPodMetricReplicas).
func (a *Autoscaler) proposeShare(metrics []Metric, i int, replicas int32) int32 {
	usage, target := float64(valueOf(metrics, i)), float64(a.metrics[i].target)
	if a.within(usage / (target * float64(replicas))) {
		return replicas
	}
	return ceil32(usage / target)
}

func valueOf(metrics []Metric, i int) int64 {
	if metrics == nil {
		return 0
	}
	return metrics[i].Value
}

func ceil32(f float64) int32 { return int32(min(math.Ceil(f), math.MaxInt32)) }
