package sim

import (
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/hpa"
	"github.com/redline-go/redline/kube"
)

// autoscaler is the HorizontalPodAutoscaler.
type autoscaler struct {
	*cluster
	spec       *scenario.Autoscaler // nil: none
	controller *hpa.Autoscaler
	demand     float64 // millicores that users ask for
}

func (hp *autoscaler) start(c *cluster) error {
	hp.cluster = c
	if hp.s.Workload.HPA == nil {
		return nil
	}
	h := hp.s.Workload.HPA.WithDefaults()
	hp.spec = &h
	version := hpa.V1_29
	if hp.s.Version != kube.V1_29 {
		version = hpa.V1_37
	}
	var err error
	hp.controller, err = hpa.New(autoscalingv2.HorizontalPodAutoscalerSpec{
		MinReplicas: ptr.To(int32(h.Min)), MaxReplicas: int32(h.Max),
		Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: ptr.To(int32(h.Target))},
		}}},
	}, hpa.Config{Version: version})
	hp.demand = float64(hp.pods.running*h.Request*h.Target) / 100
	hp.at(hpa.SyncPeriod, evAutoscale, 0, 0)
	return err
}

// autoscale is one sync of the HPA: every pod that serves uses its share of what the users' clients ask for, up to its limit, the others nothing.
func (hp *autoscaler) sync() error {
	hp.at(hp.now+hpa.SyncPeriod, evAutoscale, 0, 0)
	if !hp.electors.list[controllers].working || hp.servers.none() {
		return nil
	}
	h := hp.spec
	hp.users.changed()
	users := hp.users.meets
	_, used := users.errors()
	usage := int64(used)
	down := hp.pods.crashed()
	pods := []hpa.Pods{
		{Count: users.alive, Phase: corev1.PodRunning, Ready: corev1.ConditionTrue, Started: -time.Hour, ReadySince: -time.Hour,
			Samples: []hpa.Sample{{Value: usage, Request: int64(h.Request), At: hp.now, Window: 30 * time.Second}}},
		{Count: hp.pods.pending + hp.pods.idle - down, Phase: corev1.PodPending, Unstarted: true, Samples: []hpa.Sample{{Request: int64(h.Request), Missing: true}}},
	}
	if pods[1].Count == 0 {
		pods = pods[:1]
	}
	if down > 0 {
		pods = append(pods, hpa.Pods{Count: down, Phase: corev1.PodRunning, Ready: corev1.ConditionFalse, Started: -time.Hour, ReadySince: hp.now,
			Samples: []hpa.Sample{{Request: int64(h.Request), Missing: true}}})
	}
	if idle := hp.pods.running - hp.pods.idle - users.alive; idle > 0 { // drained, or not listed yet: they run and get no requests
		pods = append(pods, hpa.Pods{Count: idle, Phase: corev1.PodRunning, Ready: corev1.ConditionFalse, Started: -time.Hour, ReadySince: hp.now,
			Samples: []hpa.Sample{{Request: int64(h.Request), At: hp.now, Window: 30 * time.Second}}})
	}
	if users.alive == 0 {
		pods = pods[1:]
	}
	d, err := hp.controller.Step(hp.now, hpa.Observation{SpecReplicas: int32(hp.replicas.want), StatusReplicas: int32(hp.replicas.have), Pods: pods})
	if err != nil {
		return err
	}
	if d.Rescaled {
		cause := story.ByLoad
		if int(d.Replicas) > hp.pods.running && hp.pods.pending > 0 {
			cause = story.L7
		}
		hp.note(story.Scaled, itoa(int(d.Replicas)), cause)
		hp.bulk(forReplicaSet, 1)
		hp.replicas.want = int(d.Replicas)
		hp.replicas.sync()
	}
	return nil
}

// load sets the users' demand to that percentage of what keeps the pods of the start at the target.
func (hp *autoscaler) load(percent int) {
	hp.demand = float64(hp.s.Workload.Start()*hp.spec.Request*hp.spec.Target) / 100 * float64(percent) / 100
	hp.users.changed()
}
