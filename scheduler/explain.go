package scheduler

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/internal/admission"
	"github.com/redline-go/redline/internal/cluster"
)

// Decision is kube-scheduler's decision about one pod, with its reasons.
type Decision struct {
	Pod     string `json:"pod"`
	Node    string `json:"node,omitempty"`    // the chosen node, or empty
	Message string `json:"message,omitempty"` // the whole reason for no node
	Refusal string `json:"refusal,omitempty"` // the API server's, if it would not create the pod
	// Feasible counts the nodes that kube-scheduler would choose among: those that it looks at and
	// finds feasible. They are fewer than those of Nodes when it samples, and when it finds the
	// pod's nominated node feasible and looks no further.
	Feasible int `json:"feasible"`
	// Skipped are the Filter plugins that have nothing to say about this pod. Filters are the
	// others, in their order.
	Filters []string      `json:"filters"`
	Skipped []string      `json:"skipped,omitempty"`
	Nodes   []NodeVerdict `json:"nodes"` // every node, in the order in which kube-scheduler meets them
}

// NodeVerdict holds the plugins' verdicts and scores of one node.
type NodeVerdict struct {
	Node     string    `json:"node"`
	Feasible bool      `json:"feasible"`
	Verdicts []Verdict `json:"verdicts"` // of every Filter plugin that has something to say, in their order
	Score    int64     `json:"score"`    // the weighted sum; 0 when nothing is scored
	Scores   []Score   `json:"scores,omitempty"`
}

// Verdict is one Filter plugin's verdict on one node. kube-scheduler stops at the first plugin that
// rejects the node. Here all are asked, so that one sees what would come next.
type Verdict struct {
	Plugin  string   `json:"plugin"`
	Pass    bool     `json:"pass"`
	Reasons []string `json:"reasons,omitempty"`
	// Hopeless is set where evicting pods would not help ("UnschedulableAndUnresolvable"), and
	// where the plugin failed.
	Hopeless bool `json:"hopeless,omitempty"`
	// First marks the plugin whose reasons stand in kube-scheduler's message.
	First bool `json:"first,omitempty"`
	// Nominated is set where the plugin would let the pod pass if the node held no places for
	// nominated pods.
	Nominated bool `json:"nominated,omitempty"`
}

// Explain returns every node's verdicts, each in its plugin's own words, and the feasible nodes'
// scores. Feasible nodes are scored even if there is only one, which kube-scheduler would choose
// without.
//
// The pod need not be in the snapshot. If one of its name is, Explain takes it off its node first,
// so that it does not meet itself. The pod is admitted as the API server would.
func (e *Engine) Explain(ctx context.Context, s *capacity.Snapshot, pod *corev1.Pod) (Decision, error) {
	switch {
	case s == nil:
		return Decision{}, errorf("Snapshot is nil, want one of capacity.NewSnapshot")
	case pod == nil:
		return Decision{}, errorf("Pod is nil, want a pod")
	case len(pod.Spec.Containers) == 0:
		return Decision{}, errorf("Pod.Spec.Containers is empty, want at least one container")
	}
	if err := cluster.CheckPodSpec("Pod", "", &pod.Spec); err != nil {
		return Decision{}, fmt.Errorf("scheduler: %w", err)
	}
	c, err := e.cluster(ctx, s)
	if err != nil {
		return Decision{}, err
	}
	r, err := e.run(ctx, c)
	if err != nil {
		return Decision{}, err
	}
	pod = pod.DeepCopy()
	if pod.Namespace == "" {
		pod.Namespace = corev1.NamespaceDefault
	}
	if pod.Name == "" {
		pod.Name = pod.GenerateName + "0"
	}
	if err := r.leave(pod); err != nil {
		return Decision{}, err
	}
	if pod.UID == "" {
		pod.UID = types.UID("explain/" + pod.Namespace + "/" + pod.Name)
	}
	pod.Spec.NodeName = ""
	d := Decision{Pod: pod.Namespace + "/" + pod.Name}
	if refusal := admission.Admit(cluster.Of(s), pod); refusal != nil {
		d.Refusal = refusal.Sentence
		return d, nil
	}
	err = r.explain(quiet(ctx), pod, &d)
	return d, err
}

// leave takes the pod of this name out of the world, if the snapshot has one. It gives the pod its
// identity, so that its nomination, claims and volumes are its own.
func (r *run) leave(pod *corev1.Pod) error {
	for _, pods := range [][]*corev1.Pod{r.world.base.pending, r.world.base.bound} {
		k := slices.IndexFunc(pods, func(p *corev1.Pod) bool {
			return p.Name == pod.Name &&
				p.Namespace == pod.Namespace
		})
		if k < 0 {
			continue
		}
		there := pods[k]
		pod.UID = there.UID
		if len(pod.Status.ResourceClaimStatuses) == 0 {
			pod.Status.ResourceClaimStatuses = there.Status.ResourceClaimStatuses
		}
		if at, ok := r.world.base.index[there.Spec.NodeName]; ok {
			return r.world.remove(at, there)
		}
	}
	return nil
}

func (r *run) explain(ctx context.Context, pod *corev1.Pod, d *Decision) error {
	p, err := r.engine.profile(r.site, pod.Spec.SchedulerName)
	if err != nil {
		return err
	}
	if err := r.provide(pod); err != nil {
		return err
	}
	if err := r.shelf.put(pod); err != nil {
		return err
	}
	if d.Message = r.gate(ctx, p, pod); d.Message != "" {
		return nil
	}
	if len(r.world.infos) == 0 {
		d.Message = errNoNodes.Error()
		return nil
	}
	r.world.names.DeleteNominatedPodIfExists(pod)
	state := framework.NewCycleState()
	result, st, left := p.fw.RunPreFilterPlugins(ctx, state, pod)
	d.listFilters(p, state)
	for _, n := range r.world.infos {
		if err := ctx.Err(); err != nil {
			return err
		}
		v := NodeVerdict{Node: n.Node().Name}
		switch {
		case !st.IsSuccess():
			v.Verdicts = rejection(st, left)
		case !result.AllNodes() && !result.NodeNames.Has(v.Node):
			v.Verdicts = rejection(fwk.NewStatus(fwk.UnschedulableAndUnresolvable, unsatisfied(left)), left)
		default:
			if v.Verdicts, err = r.verdicts(ctx, p, state, pod, n, d.Filters); err != nil {
				return err
			}
			v.Feasible = passes(v.Verdicts)
		}
		d.Nodes = append(d.Nodes, v)
	}
	return r.decide(ctx, p, pod, d)
}

// listFilters separates the profile's Filter plugins that PreFilter skipped from the others.
func (d *Decision) listFilters(p *profile, state fwk.CycleState) {
	skip := state.GetSkipFilterPlugins()
	for _, listed := range p.listed.Filter.Enabled {
		if skip.Has(listed.Name) {
			d.Skipped = append(d.Skipped, listed.Name)
		} else {
			d.Filters = append(d.Filters, listed.Name)
		}
	}
}

// rejection returns the verdict of a step before Filter. A status that names no plugin is of the
// plugins that left nodes out.
func rejection(st *fwk.Status, left sets.Set[string]) []Verdict {
	plugin := cmp.Or(st.Plugin(), strings.Join(sets.List(left), ", "))
	return []Verdict{{Plugin: plugin, Reasons: st.Reasons(), Hopeless: st.Code() != fwk.Unschedulable, First: true}}
}

// ask asks every plugin, also those behind the first that rejects.
func (p *profile) ask(ctx context.Context, state fwk.CycleState, pod *corev1.Pod, n fwk.NodeInfo, filters []string) (
	[]Verdict, error) {
	out := make([]Verdict, 0, len(filters))
	rejected := false
	for _, name := range filters {
		st := p.plugins[name].(fwk.FilterPlugin).Filter(ctx, state, pod, n)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v := Verdict{Plugin: name, Pass: st.IsSuccess()}
		if !v.Pass {
			v.Reasons, v.Hopeless, v.First = st.Reasons(), st.Code() != fwk.Unschedulable, !rejected
			rejected = true
		}
		out = append(out, v)
	}
	return out, nil
}

func passes(verdicts []Verdict) bool {
	for _, v := range verdicts {
		if !v.Pass {
			return false
		}
	}
	return true
}

// decide makes the choice or the message, and scores the feasible nodes.
func (r *run) decide(ctx context.Context, p *profile, pod *corev1.Pod, d *Decision) error {
	f, ok, err := r.newFast(ctx, p, pod)
	if err != nil {
		return err
	}
	if ok && f.whole() {
		place, found, err := f.choose(ctx)
		if err != nil {
			return err
		}
		if found {
			return f.tell(ctx, place, d)
		}
	}
	state := framework.NewCycleState()
	c, err := r.schedule(ctx, p, state, pod)
	if fe := fitError(err); fe != nil {
		found, err := r.postFilter(ctx, p, state, pod, fe.Diagnosis.NodeToStatus)
		if err != nil {
			return err
		}
		if found.retry && r.rescues < maxRescues { // the pod is worth another cycle, as in placeOne
			r.rescues++
			d.Filters, d.Skipped, d.Nodes = nil, nil, nil
			return r.explain(ctx, pod, d)
		}
		fe.Diagnosis.PostFilterMsg = found.message
		d.Message = fe.Error()
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil { // a plugin's error: kube-scheduler says it and lets the pod wait
		d.Message = err.Error()
		return nil
	}
	if c.scores == nil {
		if c.scores, err = r.prioritize(ctx, p, state, pod, c.feasible); err != nil {
			return err
		}
	}
	d.Node, d.Feasible = r.world.infos[c.node].Node().Name, len(c.feasible)
	for k := range c.scores {
		v := &d.Nodes[r.world.base.index[c.scores[k].Name]]
		v.Score, v.Scores = c.scores[k].TotalScore, scoresOf(p, &c.scores[k])
	}
	return nil
}

// tell writes down the scores that the incremental path knows.
func (f *fast) tell(ctx context.Context, place int, d *Decision) error {
	if len(f.list) == 1 {
		if err := f.scores.total(ctx, f); err != nil {
			return err
		}
	}
	d.Node, d.Feasible = f.world.infos[f.list[place]].Node().Name, len(f.list)
	for at, n := range f.list {
		d.Nodes[n].Score, d.Nodes[n].Scores = f.scores.score[at], f.scores.detail(at, int(n))
	}
	return nil
}

// scoresOf takes a node's scores apart. The framework has only raw and weighted ones.
func scoresOf(p *profile, n *fwk.NodePluginScores) []Score {
	out := make([]Score, 0, len(n.Scores))
	for i, s := range n.Scores {
		weight := int64(1)
		for _, listed := range p.listed.Score.Enabled {
			if listed.Name == s.Name {
				weight = max(int64(listed.Weight), 1)
			}
		}
		score := Score{Plugin: s.Name, Normalized: s.Score / weight, Weighted: s.Score}
		if i < len(n.RawScores) && n.RawScores[i].Name == s.Name {
			score.Raw = n.RawScores[i].Score
		}
		out = append(out, score)
	}
	return out
}
