package controlplane

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodeaffinity"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodeports"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/noderesources"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodeunschedulable"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/tainttoleration"

	"github.com/redline-go/redline/scheduler/retry"
)

// rejecting returns the real plugins by retry's name of their rejection.
func rejecting(t *testing.T) map[retry.Rejection]fwk.EnqueueExtensions {
	made := func(p fwk.Plugin, err error) fwk.EnqueueExtensions {
		require.NoError(t, err)
		return p.(fwk.EnqueueExtensions)
	}
	ctx, none := t.Context(), feature.Features{}
	fit := &schedulerconfig.NodeResourcesFitArgs{ScoringStrategy: &schedulerconfig.ScoringStrategy{
		Type: schedulerconfig.LeastAllocated, Resources: []schedulerconfig.ResourceSpec{{Name: "cpu", Weight: 1}}}}
	return map[retry.Rejection]fwk.EnqueueExtensions{
		retry.ByFit:           made(noderesources.NewFit(ctx, fit, nil, none)),
		retry.ByTaint:         made(tainttoleration.New(ctx, nil, nil, none)),
		retry.ByUnschedulable: made(nodeunschedulable.New(ctx, nil, nil, none)),
		retry.ByNodeAffinity:  made(nodeaffinity.New(ctx, &schedulerconfig.NodeAffinityArgs{}, nil, none)),
		retry.ByPorts:         made(nodeports.New(ctx, nil, nil, none)),
	}
}

// TestWakesAreThePluginsHints asks the real plugins of v1.37.2 what retry.Wakes says of
// them, for every kind of event, on a node with and without room and taint.
func TestWakesAreThePluginsHints(t *testing.T) {
	asked := 0
	for by, plugin := range rejecting(t) {
		for kind := retry.BoundPodDeleted; kind <= retry.NodeGone; kind++ {
			for _, fits := range []bool{false, true} {
				for _, tainted := range []bool{false, true} {
					e := retry.ClusterEvent{Kind: kind, Fits: fits, Tainted: tainted}
					events, old, new, possible := happens(e)
					if !possible {
						continue
					}
					asked++
					wakes, err := retry.Wakes(retry.V1_37, e, by)
					require.NoError(t, err)
					require.Equal(t, queues(t, plugin, events, old, new), wakes, "%v, rejected by %v", e, by)
				}
			}
		}
	}
	t.Logf("%d questions", asked)
}

// queues reports whether the plugin would have the pod queued for one of the events.
func queues(t *testing.T, plugin fwk.EnqueueExtensions, events []fwk.ClusterEvent, old, new any) bool {
	registered, err := plugin.EventsToRegister(t.Context())
	require.NoError(t, err)
	for _, e := range events {
		for _, r := range registered {
			if !matches(r.Event, e) {
				continue
			}
			if r.QueueingHintFn == nil {
				return true
			}
			hint, err := r.QueueingHintFn(klog.Background(), waiting(), old, new)
			require.NoError(t, err)
			if hint == fwk.Queue {
				return true
			}
		}
	}
	return false
}

func matches(registered, e fwk.ClusterEvent) bool {
	if registered.Resource != fwk.Pod {
		return framework.MatchClusterEvents(registered, e)
	}
	for _, r := range framework.UnrollPodEvent(registered) {
		if framework.MatchClusterEvents(r, e) {
			return true
		}
	}
	return false
}

// waiting returns a pod that asks for a cpu, a zone and a host port.
func waiting() *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "waiting", UID: "waiting"}, Spec: corev1.PodSpec{
		NodeSelector: map[string]string{"zone": "a"},
		Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			"cpu": resource.MustParse("1"),
		}},
			Ports: []corev1.ContainerPort{{HostPort: 80}}}}}}
}

// happens returns the scheduler's event or events with the objects before and after. Fits means,
// as in retry.ClusterEvent, room, labels and ports that suit the pod.
func happens(e retry.ClusterEvent) (events []fwk.ClusterEvent, old, new any, possible bool) {
	after := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: map[string]string{"zone": "b"}}}
	after.Status.Allocatable = corev1.ResourceList{"cpu": resource.MustParse("500m"), "pods": resource.MustParse("10")}
	if e.Fits {
		after.Labels["zone"] = "a"
		after.Status.Allocatable["cpu"] = resource.MustParse("4")
	}
	taint := []corev1.Taint{{Key: "k", Effect: corev1.TaintEffectNoSchedule}}
	if e.Tainted {
		after.Spec.Taints = taint
	}
	before := after.DeepCopy()
	changed := func(action fwk.ActionType) ([]fwk.ClusterEvent, any, any, bool) {
		return framework.NodeSchedulingPropertiesChange(after, before), before, after, action != 0
	}
	bound := &corev1.Pod{Spec: corev1.PodSpec{NodeName: "n", Containers: []corev1.Container{{}}}}
	if e.Fits {
		bound.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 80}}
	}
	one := func(r fwk.EventResource, a fwk.ActionType, old, new runtime.Object) ([]fwk.ClusterEvent, any, any, bool) {
		return []fwk.ClusterEvent{{Resource: r, ActionType: a}}, old, new, true
	}
	switch e.Kind {
	case retry.BoundPodDeleted:
		return one(fwk.AssignedPod, fwk.Delete, bound, nil)
	case retry.BoundPodAdded:
		return []fwk.ClusterEvent{{Resource: fwk.AssignedPod, ActionType: fwk.Add}}, nil, bound, true
	case retry.NodeAdded:
		return []fwk.ClusterEvent{{Resource: fwk.Node, ActionType: fwk.Add}}, nil, after, true
	case retry.NodeGone:
		return one(fwk.Node, fwk.Delete, after, nil)
	case retry.NodeAllocatable:
		before.Status.Allocatable["cpu"] = resource.MustParse("250m")
	case retry.NodeTaintAdded:
		after.Spec.Taints = taint
		before.Spec.Taints = nil
	case retry.NodeTaintRemoved:
		before.Spec.Taints = append(taint, corev1.Taint{Key: "other", Effect: corev1.TaintEffectNoExecute})
	case retry.NodeUncordoned:
		before.Spec.Unschedulable = true
	case retry.NodeLabels:
		before.Labels = map[string]string{"zone": "c"}
	case retry.NodeCondition:
		after.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	case retry.NodeHeartbeat:
		after.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, LastHeartbeatTime: metav1.Unix(2, 0)}}
		before.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, LastHeartbeatTime: metav1.Unix(1, 0)}}
	default:
		return nil, nil, nil, false // pods that are not bound move nobody but themselves
	}
	return changed(fwk.Update)
}
