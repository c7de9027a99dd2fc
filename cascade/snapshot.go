package cascade

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/cascade/scenario"
)

// FromSnapshot returns a scenario of a real cluster, as capacity has read it: its nodes, its
// Services, and the pods beside the workload's. It takes from [capacity.Snapshot.Fit] how many
// replicas run, how many there is room for, and what a quota admits.
//
// The scenario asks for the workload's replicas 30 s in. Add what goes wrong to its Actions. The
// options are those of Fit: [capacity.Fallback] names an engine for what it refuses.
func FromSnapshot(
	ctx context.Context, snapshot *capacity.Snapshot, w capacity.Workload, opts ...capacity.Option,
) (Scenario, error) {
	answer, err := snapshot.Fit(ctx, w, opts...)
	if err != nil {
		return Scenario{}, fmt.Errorf("cascade: FromSnapshot: %w", err)
	}
	s := Scenario{Name: w.Namespace, Actions: []scenario.Action{{At: 30 * time.Second, Do: scenario.Scale, N: w.Replicas}}}
	pods, services, endpoints := 0, 0, 0
	for _, o := range snapshot.Objects() {
		switch o := o.(type) {
		case *corev1.Node:
			s.Nodes++
		case *corev1.Pod:
			if o.Spec.NodeName != "" && o.Status.Phase != corev1.PodSucceeded && o.Status.Phase != corev1.PodFailed {
				pods++
			}
		case *corev1.Service:
			if o.Spec.ClusterIP != corev1.ClusterIPNone {
				services += len(o.Spec.Ports)
			}
		case *discoveryv1.EndpointSlice:
			endpoints += len(o.Endpoints)
		}
	}
	if s.Nodes == 0 {
		return Scenario{}, bad("the snapshot's number of nodes", 0, "at least 1")
	}
	s.OtherPods = max(0, pods-answer.Running) / s.Nodes
	s.Workload = scenario.Workload{Replicas: new(answer.Running), Room: answer.Running + answer.Fits}
	if answer.Rejected > 0 {
		s.Workload.Quota = new(answer.Running + answer.Fits + answer.Pending)
	}
	s.Proxy.Services = max(1, services)
	s.Proxy.Endpoints = max(1, endpoints/max(1, services))
	return s, s.Check()
}
