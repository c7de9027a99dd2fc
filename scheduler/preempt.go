package scheduler

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultpreemption"
	"k8s.io/kubernetes/pkg/scheduler/framework/preemption"
)

// rescue is the PostFilter plugins' offer to a pod that fits nowhere.
type rescue struct {
	message string
	node    string        // preemption would make room there; empty for none
	victims []*corev1.Pod // the pods that would have to go
	retry   bool          // a plugin changed something: the pod is worth another cycle
}

// postFilter runs the profile's PostFilter plugins as RunPostFilterPlugins does. Only default
// preemption differs: it evicts nobody, and the order of the nodes breaks its ties instead of
// chance.
func (r *run) postFilter(ctx context.Context, p *profile, state fwk.CycleState, pod *corev1.Pod,
	m *framework.NodeToStatus) (out rescue, err error) {
	r.deallocated = false
	defer func() { out.retry = r.deallocated }()
	var reasons []string
	for _, listed := range p.listed.PostFilter.Enabled {
		var st *fwk.Status
		pl := p.plugins[listed.Name]
		if d, ok := pl.(*defaultpreemption.DefaultPreemption); ok {
			st = r.preempt(ctx, d, state, pod, m, &out)
		} else {
			_, st = pl.(fwk.PostFilterPlugin).PostFilter(ctx, state, pod, m)
		}
		if err := ctx.Err(); err != nil {
			return out, err
		}
		switch {
		case st.IsSuccess(), st.Code() == fwk.UnschedulableAndUnresolvable, !st.IsRejected():
			out.message = st.Message()
			return out, nil
		}
		reasons = append(reasons, st.Reasons()...)
	}
	out.message = strings.Join(reasons, ", ")
	return out, nil
}

// preempt does the evaluation part of default preemption.
func (r *run) preempt(ctx context.Context, d *defaultpreemption.DefaultPreemption, state fwk.CycleState,
	pod *corev1.Pod, m *framework.NodeToStatus, out *rescue) *fwk.Status {
	say := func(st *fwk.Status) *fwk.Status {
		if msg := st.Message(); msg != "" {
			return fwk.NewStatus(st.Code(), "preemption: "+msg)
		}
		return st
	}
	if ok, msg := d.PodEligibleToPreemptOthers(ctx, pod, m.Get(pod.Status.NominatedNodeName)); !ok {
		return say(fwk.NewStatus(fwk.Unschedulable, msg))
	}
	candidates, statuses, err := r.candidates(ctx, d, state, pod, m)
	if err != nil && len(candidates) == 0 {
		return say(fwk.AsStatus(err))
	}
	if len(candidates) == 0 {
		fe := &framework.FitError{Pod: pod, NumAllNodes: len(r.world.infos),
			Diagnosis: framework.Diagnosis{NodeToStatus: statuses}}
		statuses.SetAbsentNodesStatus(fwk.NewStatus(fwk.UnschedulableAndUnresolvable,
			"Preemption is not helpful for scheduling"))
		return say(fwk.NewStatus(fwk.Unschedulable, fe.Error()))
	}
	best := pick(candidates)
	out.node, out.victims = best.Name(), best.Victims().Pods
	return say(fwk.NewStatus(fwk.Success,
		fmt.Sprintf("found a potential placement for pod on node %v, preempting %d victims", out.node,
			len(out.victims))))
}

// candidates dry-runs preemption. It gives the plugin only the nodes that hold a pod of lower
// priority. Of the others the plugin would say, at some cost each, that there are no victims.
func (r *run) candidates(ctx context.Context, d *defaultpreemption.DefaultPreemption, state fwk.CycleState,
	pod *corev1.Pod, m *framework.NodeToStatus) ([]preemption.Candidate, *framework.NodeToStatus, error) {
	nodes, err := m.NodesForStatusCode(r.world, fwk.Unschedulable)
	if err != nil || len(nodes) == 0 {
		return nil, framework.NewDefaultNodeToStatus(), err
	}
	at := make([]int, len(nodes))
	for i, n := range nodes {
		at[i] = r.world.base.index[n.Node().Name]
	}
	slices.Sort(at)
	for i, k := range at {
		nodes[i] = r.world.infos[k]
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	_, wanted := d.GetOffsetAndNumCandidates(int32(len(nodes)))
	var possible, hopeless []fwk.NodeInfo
	for _, n := range nodes {
		if holdsLower(n, corev1helpers.PodPriority(pod)) {
			possible = append(possible, n)
		} else {
			hopeless = append(hopeless, n)
		}
	}
	pdbs, err := d.Evaluator.PdbLister.List(labels.Everything())
	if err != nil {
		return nil, nil, err
	}
	candidates, statuses := []preemption.Candidate(nil), framework.NewDefaultNodeToStatus()
	if len(possible) > 0 {
		candidates, statuses, err = d.Evaluator.DryRunPreemption(ctx, state, pod, possible, pdbs, 0, wanted)
	}
	for _, n := range hopeless {
		statuses.Set(n.Node().Name, noVictims)
	}
	return candidates, statuses, err
}

// noVictims is SelectVictimsOnNode's status for a node without eligible victims
// (default_preemption.go).
var noVictims = fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "No preemption victims found for incoming pod")

func holdsLower(n fwk.NodeInfo, priority int32) bool {
	for _, p := range n.GetPods() {
		if corev1helpers.PodPriority(p.GetPod()) < priority {
			return true
		}
	}
	return false
}

// pick chooses as pickOneNodeForPreemption does: fewest violated budgets, lowest highest priority,
// lowest sum of priorities, fewest victims, latest start of the most important. It takes the first
// of those that tie, where kube-scheduler takes any.
func pick(candidates []preemption.Candidate) preemption.Candidate {
	for _, better := range []func(v *extenderv1.Victims) int64{
		func(v *extenderv1.Victims) int64 { return -v.NumPDBViolations },
		func(v *extenderv1.Victims) int64 { return -int64(corev1helpers.PodPriority(v.Pods[0])) },
		func(v *extenderv1.Victims) (sum int64) {
			for _, p := range v.Pods {
				sum -= int64(corev1helpers.PodPriority(p)) + math.MaxInt32 + 1
			}
			return sum
		},
		func(v *extenderv1.Victims) int64 { return -int64(len(v.Pods)) },
		earliestStart,
	} {
		most := int64(math.MinInt64)
		var best []preemption.Candidate
		for _, c := range candidates {
			score := better(c.Victims())
			if score > most {
				most, best = score, nil
			}
			if score == most {
				best = append(best, c)
			}
		}
		candidates = best
	}
	return candidates[0]
}

// earliestStart returns the start of the first among the victims of highest priority. A pod without
// a start time counts as the latest; kube-scheduler takes the clock's time for it.
func earliestStart(v *extenderv1.Victims) int64 {
	highest, earliest := int32(math.MinInt32), int64(math.MaxInt64)
	for _, p := range v.Pods {
		start := int64(math.MaxInt64)
		if t := p.Status.StartTime; t != nil {
			start = t.UnixNano()
		}
		switch priority := corev1helpers.PodPriority(p); {
		case priority > highest:
			highest, earliest = priority, start
		case priority == highest:
			earliest = min(earliest, start)
		}
	}
	return earliest
}

// evict removes the victims from the world and promises their place to the pod.
func (r *run) evict(pod *corev1.Pod, found rescue) error {
	at := r.world.base.index[found.node]
	for _, v := range found.victims {
		if err := r.world.remove(at, v); err != nil {
			return err
		}
	}
	for _, p := range slices.Clone(r.world.names[found.node]) { // of lower priority: they must look elsewhere
		if corev1helpers.PodPriority(p.GetPod()) < corev1helpers.PodPriority(pod) {
			r.world.names.DeleteNominatedPodIfExists(p.GetPod())
		}
	}
	pod.Status.NominatedNodeName = found.node
	pi, err := newPodInfo(pod)
	if err != nil {
		return err
	}
	r.world.names.AddNominatedPod(discard, pi, nil)
	return nil
}

// fitError finds kube-scheduler's own error in a chain.
func fitError(err error) *framework.FitError {
	var fe *framework.FitError
	errors.As(err, &fe)
	return fe
}
