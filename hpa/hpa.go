// Package hpa answers what a HorizontalPodAutoscaler would ask for, sync by sync: how fast it
// climbs, where it stops, what holds it up there, and when it lets go.
//
//	a, err := hpa.New(spec, hpa.Config{})
//	d, err := a.Step(now, hpa.Observation{SpecReplicas: 50, Pods: pods})
//	fmt.Println(d.Replicas, d.Limited)
//
// It is the algorithm of kube-controller-manager (autoscaling/v2): metrics with unready, missing
// and ignored pods, tolerance, stabilisation windows, behaviour policies, scale to zero. Pods come
// in groups of equals, so a step costs the same for fifty replicas and for fifty thousand. The
// sums are integers in the real controller too, so nothing is lost by grouping. validation/hpa
// runs it beside the real controller over random histories, with no difference in any step.
package hpa

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
)

// SyncPeriod is the time between two syncs of an HPA (--horizontal-pod-autoscaler-sync-period,
// pkg/controller/podautoscaler/config/v1alpha1/defaults.go).
const SyncPeriod = 15 * time.Second

// Config holds the controller's own flags. Zero values are its defaults, from
// pkg/controller/podautoscaler/config/v1alpha1/defaults.go.
type Config struct {
	Version                Version       // of kube-controller-manager; zero means the newest modelled
	Tolerance              float64       // of the usage ratio, around 1; zero means 0.1
	DownscaleStabilization time.Duration // zero means 5 m
	CPUInitialization      time.Duration // samples of a pod younger than this count only while it is ready; zero means 5 m
	InitialReadinessDelay  time.Duration // a pod unready since this soon after its start was never ready; zero means 30 s
}

func (c Config) withDefaults() Config {
	c.Tolerance = cmp.Or(c.Tolerance, 0.1)
	c.DownscaleStabilization = cmp.Or(c.DownscaleStabilization, 5*time.Minute)
	c.CPUInitialization = cmp.Or(c.CPUInitialization, 5*time.Minute)
	c.InitialReadinessDelay = cmp.Or(c.InitialReadinessDelay, 30*time.Second)
	return c
}

// Autoscaler is the controller's memory of one HPA. It is not safe for
// concurrent use.
type Autoscaler struct {
	config       Config
	metrics      []metric
	min, max     int32
	behavior     *behavior // nil: the limits from before behaviours existed
	up, down     tolerance
	toZero       bool // it was this HPA that scaled to zero
	recommended  []recommendation
	ups, downs   []change
	lastStep     time.Duration
	stepped      bool
	fromZeroable bool // an Object or External metric can be read without pods
}

// Decision is the outcome of one sync.
type Decision struct {
	Replicas int32 // what the scale subresource holds afterwards
	Rescaled bool  // whether it was written
	Metric   int32 // what the metrics alone asked for, before windows and limits; -1 if they could not be read
	Limited  Limit // what kept Replicas from the stabilised recommendation
	Held     Hold  // what kept the recommendation from Metric
	Err      error // why a metric could not be used, in the controller's words; scaling up may go on with the others
}

// New returns the controller's view of an HPA that it has just seen for the first time. Fields
// left out get the API server's defaults.
func New(spec autoscalingv2.HorizontalPodAutoscalerSpec, c Config) (*Autoscaler, error) {
	version, err := c.Version.In("hpa: Config.Version", Modelled())
	if err != nil {
		return nil, err
	}
	c.Version = version
	if err := check(spec, c); err != nil {
		return nil, err
	}
	spec = *spec.DeepCopy()
	a := &Autoscaler{config: c.withDefaults(), min: ptr.Deref(spec.MinReplicas, 1), max: spec.MaxReplicas}
	for _, m := range defaultMetrics(spec.Metrics) {
		known, err := metricOf(m)
		if err != nil {
			return nil, err
		}
		a.metrics = append(a.metrics, known)
		a.fromZeroable = a.fromZeroable || !known.perPod
	}
	if a.min == 0 && (!a.fromZeroable || c.Version == V1_29) {
		return nil, fmt.Errorf(
			"hpa: HorizontalPodAutoscalerSpec.MinReplicas is 0, want >= 1 without an Object or External metric, " +
				"and in v1.29 (HPAScaleToZero is off)",
		)
	}
	a.up, a.down = a.tolerances(spec.Behavior)
	if spec.Behavior != nil {
		a.behavior = newBehavior(*spec.Behavior, a.config.DownscaleStabilization)
	}
	return a, nil
}

func check(spec autoscalingv2.HorizontalPodAutoscalerSpec, c Config) error {
	switch {
	case spec.MaxReplicas < 1:
		return fmt.Errorf("hpa: HorizontalPodAutoscalerSpec.MaxReplicas is %d, want >= 1", spec.MaxReplicas)
	case ptr.Deref(spec.MinReplicas, 1) < 0:
		return fmt.Errorf("hpa: HorizontalPodAutoscalerSpec.MinReplicas is %d, want >= 0", *spec.MinReplicas)
	case ptr.Deref(spec.MinReplicas, 1) > spec.MaxReplicas:
		return fmt.Errorf(
			"hpa: HorizontalPodAutoscalerSpec.MinReplicas is %d, want <= MaxReplicas %d", ptr.Deref(spec.MinReplicas, 1),
			spec.MaxReplicas,
		)
	case !(c.Tolerance >= 0) || math.IsInf(c.Tolerance, 0):
		return fmt.Errorf("hpa: Config.Tolerance is %v, want >= 0", c.Tolerance)
	case c.DownscaleStabilization < 0 || c.CPUInitialization < 0 || c.InitialReadinessDelay < 0:
		return fmt.Errorf("hpa: Config has a negative duration in %+v, want >= 0", c)
	}
	if b := spec.Behavior; b != nil {
		if err := checkRules("ScaleUp", b.ScaleUp); err != nil {
			return err
		}
		return checkRules("ScaleDown", b.ScaleDown)
	}
	return nil
}

// tolerance says how far the usage ratio may be from 1, up or down, before the autoscaler acts. The
// version decides how it is compared.
type tolerance float64

func (a *Autoscaler) tolerances(b *autoscalingv2.HorizontalPodAutoscalerBehavior) (up, down tolerance) {
	up, down = tolerance(a.config.Tolerance), tolerance(a.config.Tolerance)
	if b == nil || a.config.Version == V1_29 {
		return up, down
	}
	of := func(r *autoscalingv2.HPAScalingRules, into *tolerance) {
		if r != nil && r.Tolerance != nil {
			*into = tolerance((*resource.Quantity)(r.Tolerance).AsApproximateFloat64())
		}
	}
	of(b.ScaleUp, &up)
	of(b.ScaleDown, &down)
	return up, down
}

// within reports whether a usage ratio is too near 1 to act on.
func (a *Autoscaler) within(ratio float64) bool {
	if a.config.Version == V1_29 {
		return math.Abs(1-ratio) <= float64(a.up)
	}
	return 1-float64(a.down) <= ratio && ratio <= 1+float64(a.up)
}

// Step makes one sync at time now. Time must not run backwards. It returns an error for bad input;
// metrics that cannot be read are part of the Decision.
func (a *Autoscaler) Step(now time.Duration, o Observation) (Decision, error) {
	if a.stepped && now < a.lastStep {
		return Decision{}, fmt.Errorf("hpa: Step: now is %v, want >= %v, the step before", now, a.lastStep)
	}
	if err := o.check(len(a.metrics)); err != nil {
		return Decision{}, err
	}
	a.lastStep, a.stepped = now, true
	current := o.SpecReplicas
	if a.recommended == nil { // horizontal.go, recordInitialRecommendation
		a.recommended = append(make([]recommendation, 0, 64), recommendation{current, now})
	}
	d := Decision{Replicas: current, Metric: -1}
	switch {
	case current == 0 && !(a.toZero && (a.min != 0 || a.fromZeroable)):
		d.Held = ScalingDisabled // somebody else scaled to zero: that switches the HPA off
		return d, nil
	case current > a.max && current != 0:
		d.Replicas, d.Limited = a.max, TooManyReplicas
	case current < a.min && current != 0:
		d.Replicas, d.Limited = a.min, TooFewReplicas
	default:
		d.Metric, d.Err = a.desired(now, o)
		if d.Metric < 0 {
			d.Held = MetricsFailed
			return d, nil
		}
		d.Replicas, d.Held, d.Limited = a.normalize(now, current, d.Metric)
		if current == 0 && d.Replicas < a.min {
			d.Replicas = a.min
		}
	}
	d.Rescaled = d.Replicas != current
	if d.Rescaled {
		a.remember(now, current, d.Replicas)
		a.toZero = d.Replicas == 0 && a.min == 0 && a.fromZeroable
	}
	return d, nil
}

// desired returns the largest of the metrics' proposals (horizontal.go,
// computeReplicasForMetrics). It returns -1 if none can be read, or if one cannot and the others
// would scale down.
func (a *Autoscaler) desired(now time.Duration, o Observation) (int32, error) {
	var most int32
	var first error
	invalid := 0
	for i := range a.metrics {
		proposal, err := a.propose(now, i, o)
		if err != nil {
			if first == nil {
				first = err
			}
			invalid++
			continue
		}
		if most == 0 || proposal > most {
			most = proposal
		}
	}
	if first != nil {
		first = fmt.Errorf("invalid metrics (%d invalid out of %d), first error is: %w", invalid, len(a.metrics), first)
	}
	if invalid >= len(a.metrics) || invalid > 0 && most < o.SpecReplicas {
		return -1, first
	}
	return most, first
}

// Clone returns an independent copy with the same memory, for a what-if from here.
func (a *Autoscaler) Clone() *Autoscaler {
	c := *a
	c.recommended, c.ups, c.downs = slices.Clone(a.recommended), slices.Clone(a.ups), slices.Clone(a.downs)
	return &c
}
