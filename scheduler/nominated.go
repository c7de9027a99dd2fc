package scheduler

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"
)

// verdicts returns the verdicts on a pod that must fit both with the pods nominated to the node and
// without them, as in RunFilterPluginsWithNominatedPods. A rejection with them comes first.
func (r *run) verdicts(ctx context.Context, p *profile, state fwk.CycleState, pod *corev1.Pod, n fwk.NodeInfo,
	filters []string) ([]Verdict, error) {
	there, full, st := r.withNominated(ctx, p, state, pod, n)
	if !st.IsSuccess() {
		return rejection(st, nil), nil
	}
	if full == nil {
		return p.ask(ctx, state, pod, n, filters)
	}
	with, err := p.ask(ctx, there, pod, full, filters)
	if err != nil {
		return nil, err
	}
	without, err := p.ask(ctx, state, pod, n, filters)
	if err != nil || passes(with) {
		return without, err
	}
	for k := range with {
		if with[k].Pass {
			with[k] = without[k]
			with[k].First = false
		} else {
			with[k].Nominated = without[k].Pass
		}
	}
	return with, nil
}

// withNominated returns the node as if the pods were there that are nominated to it and go before
// this one, and the state that belongs to it. It returns nil if there are none (addGENominatedPods
// in pkg/scheduler/framework/runtime/framework.go).
func (r *run) withNominated(ctx context.Context, p *profile, state fwk.CycleState, pod *corev1.Pod,
	n fwk.NodeInfo) (there fwk.CycleState, full fwk.NodeInfo, st *fwk.Status) {
	for _, other := range r.world.names.NominatedPodsForNode(n.Node().Name) {
		if other.GetPod().UID == pod.UID || corev1helpers.PodPriority(other.GetPod()) < corev1helpers.PodPriority(pod) {
			continue
		}
		if full == nil {
			there, full = state.Clone(), n.Snapshot()
		}
		full.AddPodInfo(other)
		if st := p.fw.RunPreFilterExtensionAddPod(ctx, there, pod, other, full); !st.IsSuccess() {
			return nil, nil, st
		}
	}
	return there, full, nil
}
