package scheduler

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// run holds one call's scheduling: a site whose world fills up pod by pod.
type run struct {
	*site
	engine  *Engine
	next    int  // start of the next search for feasible nodes (nextStartNodeIndex)
	rescues int  // number of times that an explained pod was tried again
	slow    bool // never take the incremental path: for comparison
}

// errNoNodes is kube-scheduler's sentence for an empty cluster.
var errNoNodes = errors.New("no nodes available to schedule pods")

// choice is the outcome of a scheduling cycle that found a node.
type choice struct {
	node     int
	feasible []fwk.NodeInfo
	scores   []fwk.NodePluginScores // of the feasible nodes, in their order; empty when there was only one
}

// schedule does kube-scheduler's schedulePod, step by step, over the framework itself. It is the
// slow twin of everything incremental. It returns a *framework.FitError when no node is feasible.
func (r *run) schedule(ctx context.Context, p *profile, state fwk.CycleState, pod *corev1.Pod) (choice, error) {
	if len(r.world.infos) == 0 {
		return choice{}, errNoNodes
	}
	feasible, diagnosis, err := r.feasible(ctx, p, state, pod)
	if err != nil {
		return choice{}, err
	}
	if err := ctx.Err(); err != nil {
		return choice{}, err
	}
	if len(feasible) == 0 {
		return choice{}, &framework.FitError{Pod: pod, NumAllNodes: len(r.world.infos), Diagnosis: diagnosis}
	}
	c := choice{feasible: feasible, node: r.world.base.index[feasible[0].Node().Name]}
	if len(feasible) == 1 {
		return c, nil
	}
	if c.scores, err = r.prioritize(ctx, p, state, pod, feasible); err != nil {
		return choice{}, err
	}
	order := append([]fwk.NodePluginScores(nil), c.scores...)
	c.node = r.world.base.index[framework.NewSortedScoredNodes(order).Pop().Name]
	return c, nil
}

// prioritize scores the feasible nodes. Without score plugins every node has one point.
func (r *run) prioritize(ctx context.Context, p *profile, state fwk.CycleState, pod *corev1.Pod, nodes []fwk.NodeInfo) (
	[]fwk.NodePluginScores, error) {
	if !p.fw.HasScorePlugins() {
		out := make([]fwk.NodePluginScores, len(nodes))
		for i, n := range nodes {
			out[i] = fwk.NodePluginScores{Name: n.Node().Name, TotalScore: 1}
		}
		return out, nil
	}
	if st := p.fw.RunPreScorePlugins(ctx, state, pod, nodes); !st.IsSuccess() {
		return nil, st.AsError()
	}
	scores, st := p.fw.RunScorePlugins(ctx, state, pod, nodes)
	if !st.IsSuccess() {
		return nil, st.AsError()
	}
	return scores, nil
}

// feasible does findNodesThatFitPod: PreFilter, the nominated node if there is one, then Filter on
// the nodes.
func (r *run) feasible(ctx context.Context, p *profile, state fwk.CycleState, pod *corev1.Pod) ([]fwk.NodeInfo,
	framework.Diagnosis, error) {
	diagnosis := framework.Diagnosis{NodeToStatus: framework.NewDefaultNodeToStatus()}
	result, st, unscheduled := p.fw.RunPreFilterPlugins(ctx, state, pod)
	diagnosis.UnschedulablePlugins = unscheduled
	if !st.IsSuccess() {
		if !st.IsRejected() {
			return nil, diagnosis, st.AsError()
		}
		diagnosis.NodeToStatus.SetAbsentNodesStatus(st)
		diagnosis.PreFilterMsg = st.Message()
		diagnosis.AddPluginStatus(st)
		return nil, diagnosis, nil
	}
	if name := pod.Status.NominatedNodeName; name != "" {
		if n, err := r.world.Get(name); err == nil {
			nominated, err := r.filter(ctx, p, state, pod, &diagnosis, []fwk.NodeInfo{n})
			if err == nil && len(nominated) > 0 {
				return nominated, diagnosis, nil
			}
		}
	}
	nodes := r.world.infos
	if !result.AllNodes() {
		nodes = r.named(result.NodeNames)
		diagnosis.NodeToStatus.SetAbsentNodesStatus(fwk.NewStatus(fwk.UnschedulableAndUnresolvable,
			unsatisfied(unscheduled)))
	}
	feasible, err := r.filter(ctx, p, state, pod, &diagnosis, nodes)
	r.next = (r.next + len(feasible) + diagnosis.NodeToStatus.Len()) % len(r.world.infos)
	return feasible, diagnosis, err
}

// unsatisfied returns kube-scheduler's words about the nodes that these plugins left out in
// PreFilter.
func unsatisfied(plugins sets.Set[string]) string {
	return fmt.Sprintf("node(s) didn't satisfy plugin(s) %v", sets.List(plugins))
}

// named keeps the nodes that PreFilter named, in the world's order. kube-scheduler's order is that
// of a map.
func (r *run) named(names sets.Set[string]) []fwk.NodeInfo {
	var out []fwk.NodeInfo
	for _, n := range r.world.infos {
		if names.Has(n.Node().Name) {
			out = append(out, n)
		}
	}
	return out
}

// filter does findNodesThatPassFilters with one worker. It stops at the first feasible node beyond
// those wanted.
func (r *run) filter(ctx context.Context, p *profile, state fwk.CycleState, pod *corev1.Pod, d *framework.Diagnosis,
	nodes []fwk.NodeInfo) ([]fwk.NodeInfo, error) {
	wanted := feasibleWanted(p.percentage, len(nodes))
	if !p.fw.HasScorePlugins() {
		wanted = 1
	}
	var out []fwk.NodeInfo
	if !p.fw.HasFilterPlugins() {
		for i := range min(wanted, len(nodes)) {
			out = append(out, nodes[(r.next+i)%len(nodes)])
		}
		return out, nil
	}
	for i := range nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := nodes[(r.next+i)%len(nodes)]
		st := p.fw.RunFilterPluginsWithNominatedPods(ctx, state, pod, n)
		switch {
		case st.Code() == fwk.Error:
			return nil, st.AsError()
		case !st.IsSuccess():
			d.NodeToStatus.Set(n.Node().Name, st)
			d.AddPluginStatus(st)
		case len(out) == wanted:
			return out, nil
		default:
			out = append(out, n)
		}
	}
	return out, nil
}

// assume places the pod. It counts the pod on the node, reserves its volumes and devices and, as
// binding would, writes its claims. If the returned status is not a success, all is undone.
func (r *run) assume(ctx context.Context, p *profile, state fwk.CycleState, pod *corev1.Pod, node int) (*corev1.Pod,
	*fwk.Status, error) {
	name := r.world.infos[node].Node().Name
	placed := *pod
	placed.Spec.NodeName = name
	pi, err := newPodInfo(&placed)
	if err != nil {
		return nil, nil, errorf("pod %s/%s: %v", pod.Namespace, pod.Name, err)
	}
	r.world.add(node, pi)
	r.world.names.DeleteNominatedPodIfExists(&placed)
	st := p.fw.RunReservePluginsReserve(ctx, state, &placed, name)
	if st.IsSuccess() {
		if _, st = p.fw.RunPermitPlugins(ctx, state, &placed, name); st.IsWait() {
			st = nil // whoever lets it go does so later
		}
	}
	if !st.IsSuccess() {
		p.fw.RunReservePluginsUnreserve(ctx, state, &placed, name)
		return nil, st, r.world.remove(node, &placed)
	}
	if err := r.bindClaims(&placed); err != nil {
		return nil, nil, err
	}
	return &placed, nil, r.shelf.put(&placed)
}

// reserveError words a refusal of Reserve or Permit as kube-scheduler does: of one node.
func reserveError(pod *corev1.Pod, node string, st *fwk.Status) error {
	if !st.IsRejected() {
		return st.AsError()
	}
	e := &framework.FitError{NumAllNodes: 1, Pod: pod,
		Diagnosis: framework.Diagnosis{NodeToStatus: framework.NewDefaultNodeToStatus()}}
	e.Diagnosis.NodeToStatus.Set(node, st)
	e.Diagnosis.AddPluginStatus(st)
	return e
}

// gate returns the words of the first PreEnqueue plugin that keeps the pod out of the queue, or "".
func (r *run) gate(ctx context.Context, p *profile, pod *corev1.Pod) string {
	for _, pl := range p.fw.PreEnqueuePlugins() {
		if st := pl.PreEnqueue(ctx, pod); !st.IsSuccess() {
			return st.Message()
		}
	}
	return ""
}
