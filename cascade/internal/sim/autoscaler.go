package sim

import (
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/hpa"
)

// autoscaler is the workload's HorizontalPodAutoscaler.
type autoscaler struct {
	*cluster
	spec       *scenario.Autoscaler // nil: none
	controller *hpa.Autoscaler
	demand     float64 // millicores that users ask for
}

// start makes the controller, if the workload has an autoscaler. Users ask for as much as keeps
// the pods that run at the target.
func (hp *autoscaler) start(c *cluster) error {
	hp.cluster = c
	if hp.s.Workload.HPA == nil {
		return nil
	}
	h := hp.s.Workload.HPA.WithDefaults()
	hp.spec = &h
	cpu := autoscalingv2.ResourceMetricSource{
		Name: corev1.ResourceCPU,
		Target: autoscalingv2.MetricTarget{
			Type: autoscalingv2.UtilizationMetricType, AverageUtilization: ptr.To(int32(h.Target)),
		},
	}
	var err error
	hp.controller, err = hpa.New(autoscalingv2.HorizontalPodAutoscalerSpec{
		MinReplicas: ptr.To(int32(h.Min)),
		MaxReplicas: int32(h.Max),
		Metrics:     []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &cpu}},
	}, hpa.Config{Version: hp.s.Version})
	hp.demand = float64(hp.pods.running*h.Request*h.Target) / 100
	hp.at(hpa.SyncPeriod, evAutoscale, 0, 0)
	return err
}

// sync makes one sync of the autoscaler, and plans the next. It does nothing while no controller
// manager works or no API server listens.
func (hp *autoscaler) sync() error {
	hp.at(hp.now+hpa.SyncPeriod, evAutoscale, 0, 0)
	if !hp.electors.list[controllers].working || hp.servers.none() {
		return nil
	}
	d, err := hp.controller.Step(hp.now, hpa.Observation{
		SpecReplicas: int32(hp.replicas.want), StatusReplicas: int32(hp.replicas.have), Pods: hp.observe(),
	})
	if err != nil {
		return err
	}
	if d.Rescaled {
		hp.rescale(int(d.Replicas))
	}
	return nil
}

// observe returns the workload's pods as the autoscaler sees them. A pod that serves uses its
// share of what the users' clients ask for, up to its limit. The others use nothing.
func (hp *autoscaler) observe() []hpa.Pods {
	hp.users.changed()
	alive := hp.users.meets.alive
	_, used := hp.users.meets.errors()
	down := hp.pods.crashed()
	request := int64(hp.spec.Request)
	missing := []hpa.Sample{{Request: request, Missing: true}}
	pods := make([]hpa.Pods, 0, 4)
	if alive > 0 {
		pods = append(pods, hpa.Pods{
			Count: alive, Phase: corev1.PodRunning, Ready: corev1.ConditionTrue,
			Started: -time.Hour, ReadySince: -time.Hour,
			Samples: []hpa.Sample{{Value: int64(used), Request: request, At: hp.now, Window: 30 * time.Second}},
		})
	}
	if starting := hp.pods.pending + hp.pods.idle - down; starting != 0 {
		pods = append(pods, hpa.Pods{Count: starting, Phase: corev1.PodPending, Unstarted: true, Samples: missing})
	}
	if down > 0 {
		pods = append(pods, hpa.Pods{
			Count: down, Phase: corev1.PodRunning, Ready: corev1.ConditionFalse,
			Started: -time.Hour, ReadySince: hp.now, Samples: missing,
		})
	}
	if idle := hp.pods.running - hp.pods.idle - alive; idle > 0 { // drained or not listed yet: no requests
		pods = append(pods, hpa.Pods{
			Count: idle, Phase: corev1.PodRunning, Ready: corev1.ConditionFalse,
			Started: -time.Hour, ReadySince: hp.now,
			Samples: []hpa.Sample{{Request: request, At: hp.now, Window: 30 * time.Second}},
		})
	}
	return pods
}

// rescale sets the workload's replicas.
func (hp *autoscaler) rescale(replicas int) {
	cause := story.ByLoad
	if replicas > hp.pods.running && hp.pods.pending > 0 {
		cause = story.L7
	}
	hp.note(story.Scaled, itoa(replicas), cause)
	hp.bulk(forReplicaSet, 1)
	hp.replicas.want = replicas
	hp.replicas.sync()
}

// load sets the users' demand, in percent of what keeps the pods of the start at the target.
func (hp *autoscaler) load(percent int) {
	hp.demand = float64(hp.s.Workload.Start()*hp.spec.Request*hp.spec.Target) / 100 * float64(percent) / 100
	hp.users.changed()
}
