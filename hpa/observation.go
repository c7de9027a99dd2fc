package hpa

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Observation holds the values that the controller reads at one sync.
type Observation struct {
	SpecReplicas   int32    // of the scale subresource: what was asked for last
	StatusReplicas int32    // of the scale subresource: pods that exist
	Pods           []Pods   // what the target's selector selects
	Metrics        []Metric // one for each metric of the spec, in its order; may be nil if all are per pod and readable
}

// Pods is a group of pods that are alike in all the controller looks at.
type Pods struct {
	Count       int
	Phase       corev1.PodPhase
	Terminating bool                   // has a deletion timestamp
	Started     time.Duration          // status.startTime
	Unstarted   bool                   // has no status.startTime
	Ready       corev1.ConditionStatus // of the Ready condition; empty: the pod has none
	ReadySince  time.Duration          // that condition's last transition
	Samples     []Sample               // one for each metric of the spec, in its order; nil: no metrics of these pods
}

// Sample is one pod's report for one per-pod metric (Resource, ContainerResource, Pods).
type Sample struct {
	Value int64 // in thousandths of the metric's unit: millicores for cpu
	// of the same resource, in thousandths; negative: a container states none, which fails the metric
	Request int64
	At      time.Duration // when it was taken
	Window  time.Duration // over which it was averaged
	Missing bool          // this pod reports nothing, but its Request is known
}

// Metric is the state of one metric of the spec as a whole.
type Metric struct {
	Value       int64 // of an Object metric, or the sum of an External one, in thousandths
	Unavailable bool  // the metrics API fails for it
}

func (o Observation) check(metrics int) error {
	if o.SpecReplicas < 0 || o.StatusReplicas < 0 {
		return fmt.Errorf(
			"hpa: Observation.SpecReplicas, StatusReplicas are %d, %d, want >= 0", o.SpecReplicas, o.StatusReplicas,
		)
	}
	if o.Metrics != nil && len(o.Metrics) != metrics {
		return fmt.Errorf(
			"hpa: Observation.Metrics has %d entries, want %d, one for each metric of the spec", len(o.Metrics), metrics,
		)
	}
	for i := range o.Pods {
		p := &o.Pods[i]
		if p.Count < 0 {
			return fmt.Errorf("hpa: Observation.Pods[%d].Count is %d, want >= 0", i, p.Count)
		}
		if p.Samples != nil && len(p.Samples) != metrics {
			return fmt.Errorf(
				"hpa: Observation.Pods[%d].Samples has %d entries, want %d, one for each metric of the spec", i,
				len(p.Samples), metrics,
			)
		}
	}
	return nil
}

// class is the way in which a pod counts (replica_calculator.go, groupPods).
type class int

const (
	ignored class = iota // deleted or failed
	unready              // pending, or its cpu sample cannot be trusted yet
	missing              // reports nothing
	ready
)

// classify returns the class of a group for metric i. cpu is true for a metric of cpu, for which a
// young pod's samples are doubted.
func (a *Autoscaler) classify(now time.Duration, p *Pods, i int, cpu bool) class {
	switch {
	case p.Terminating || p.Phase == corev1.PodFailed:
		return ignored
	case p.Phase == corev1.PodPending:
		return unready
	case p.Samples == nil || p.Samples[i].Missing:
		return missing
	case !cpu:
		return ready
	case p.Ready == "" || p.Unstarted:
		return unready
	}
	never := p.Ready == corev1.ConditionFalse
	if p.Started+a.config.CPUInitialization > now {
		s := &p.Samples[i]
		never = never || s.At < p.ReadySince+s.Window
	} else {
		never = never && p.Started+a.config.InitialReadinessDelay > p.ReadySince
	}
	if never {
		return unready
	}
	return ready
}
