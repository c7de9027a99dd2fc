package cascade

import (
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/hpa"
	"github.com/redline-go/redline/scheduler/retry"
)

// Autoscaler is a HorizontalPodAutoscaler on the workload's CPU, with the default behaviour (package hpa).
type Autoscaler struct {
	Target  int `yaml:"target,omitempty"`  // averageUtilization in percent of the request; zero: 80
	Min     int `yaml:"min,omitempty"`     // minReplicas; zero: 1
	Max     int `yaml:"max"`               // maxReplicas
	Request int `yaml:"request,omitempty"` // of each pod, in millicores; zero: 200, the incident's
	Limit   int `yaml:"limit,omitempty"`   // zero: 500, the incident's
}

func (a Autoscaler) withDefaults() Autoscaler {
	a.Target, a.Min = or(a.Target, 80), or(a.Min, 1)
	a.Request, a.Limit = or(a.Request, 200), or(a.Limit, 500)
	return a
}

func (a Autoscaler) check() error {
	a = a.withDefaults()
	switch {
	case a.Target < 1 || a.Target > 10_000:
		return bad("HPA.Target", a.Target, "1 to 10000 %")
	case a.Min < 1 || a.Max < a.Min || a.Max > 150_000:
		return bad("HPA.Max", a.Max, fmt.Sprintf("Min (%d) to 150000", a.Min))
	case a.Request < 1 || a.Limit < a.Request:
		return bad("HPA.Limit", a.Limit, fmt.Sprintf("at least Request (%d)", a.Request))
	}
	return nil
}

func (p *plane) startAutoscaler() error {
	if p.s.Workload.HPA == nil {
		return nil
	}
	h := p.s.Workload.HPA.withDefaults()
	p.hpa = &h
	version := hpa.V1_29
	if p.s.Version != retry.V1_29 {
		version = hpa.V1_37
	}
	var err error
	p.autoscaler, err = hpa.New(autoscalingv2.HorizontalPodAutoscalerSpec{
		MinReplicas: ptr.To(int32(h.Min)), MaxReplicas: int32(h.Max),
		Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: ptr.To(int32(h.Target))},
		}}},
	}, hpa.Config{Version: version})
	p.demand = float64(p.running*h.Request*h.Target) / 100
	p.queue.Push(hpa.SyncPeriod, evAutoscale, 0, 0)
	return err
}

// autoscale is one sync of the HPA: every pod that serves uses its share of what the users' clients ask for, up to its limit, the others nothing.
func (p *plane) autoscale() error {
	p.queue.Push(p.now+hpa.SyncPeriod, evAutoscale, 0, 0)
	if !p.electors[controllers].working || p.noServer() {
		return nil
	}
	h := p.hpa
	p.usersChanged()
	users := p.users.now
	_, used := users.errors()
	usage := int64(used)
	down := p.crashed()
	pods := []hpa.Pods{
		{Count: users.alive, Phase: corev1.PodRunning, Ready: corev1.ConditionTrue, Started: -time.Hour, ReadySince: -time.Hour,
			Samples: []hpa.Sample{{Value: usage, Request: int64(h.Request), At: p.now, Window: 30 * time.Second}}},
		{Count: p.pending + p.idle - down, Phase: corev1.PodPending, Unstarted: true, Samples: []hpa.Sample{{Request: int64(h.Request), Missing: true}}},
	}
	if pods[1].Count == 0 {
		pods = pods[:1]
	}
	if down > 0 {
		pods = append(pods, hpa.Pods{Count: down, Phase: corev1.PodRunning, Ready: corev1.ConditionFalse, Started: -time.Hour, ReadySince: p.now,
			Samples: []hpa.Sample{{Request: int64(h.Request), Missing: true}}})
	}
	if idle := p.running - p.idle - users.alive; idle > 0 { // drained, or not listed yet: they run and get no requests
		pods = append(pods, hpa.Pods{Count: idle, Phase: corev1.PodRunning, Ready: corev1.ConditionFalse, Started: -time.Hour, ReadySince: p.now,
			Samples: []hpa.Sample{{Request: int64(h.Request), At: p.now, Window: 30 * time.Second}}})
	}
	if users.alive == 0 {
		pods = pods[1:]
	}
	d, err := p.autoscaler.Step(p.now, hpa.Observation{SpecReplicas: int32(p.rs.want), StatusReplicas: int32(p.rs.have), Pods: pods})
	if err != nil {
		return err
	}
	if d.Rescaled {
		cause := ByLoad
		if int(d.Replicas) > p.running && p.pending > 0 {
			cause = L7
		}
		p.note(Scaled, itoa(int(d.Replicas)), cause)
		p.bulk(forReplicaSet, 1)
		p.rs.want = int(d.Replicas)
		p.syncReplicas()
	}
	return nil
}
