package scheduler

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/internal/admission"
	"github.com/redline-go/redline/internal/cluster"
)

// Fit says how many of the workload's replicas fit and why not the next, for every feature that kube-scheduler has.
// Answer.Nodes is package capacity's, where a node has room of its own: in the default profile, for a template whose
// replicas do not stand in each other's way. Elsewhere it is empty, and [Engine.Place] says where replicas go; with
// [Config.Evict] it also says whom they evict.
func (e *Engine) Fit(ctx context.Context, s *capacity.Snapshot, w capacity.Workload) (capacity.Answer, error) {
	_, answers, err := e.place(ctx, s, []capacity.Workload{w}, false)
	if err != nil {
		return capacity.Answer{}, err
	}
	return answers[0], nil
}

// Place says where each replica that fits goes, in the order of placement. Pods of the snapshot that go first
// ([Config.PendingFirst]) are among the placements, with Workload -1.
func (e *Engine) Place(ctx context.Context, s *capacity.Snapshot, w capacity.Workload) ([]Placement, capacity.Answer, error) {
	placements, answers, err := e.place(ctx, s, []capacity.Workload{w}, true)
	if err != nil {
		return nil, capacity.Answer{}, err
	}
	return placements, answers[0], nil
}

// PlaceAll places several workloads in one cluster, in the order of kube-scheduler's queue: by priority, then as
// given. Each has its answer. How many of a later one fit depends on where the earlier ones, and the pods that
// [Config.PendingFirst] puts ahead, have gone; that alone gives an answer no [OrderDependence].
func (e *Engine) PlaceAll(ctx context.Context, s *capacity.Snapshot, w ...capacity.Workload) ([]Placement, []capacity.Answer, error) {
	return e.place(ctx, s, w, true)
}

func (e *Engine) place(ctx context.Context, s *capacity.Snapshot, ws []capacity.Workload, detail bool) ([]Placement, []capacity.Answer, error) {
	if s == nil {
		return nil, nil, errorf("Snapshot is nil, want one of capacity.NewSnapshot")
	}
	c, err := e.cluster(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	placements, answers, err := e.placeIn(ctx, s, c, ws, detail)
	if err != nil {
		return nil, nil, err
	}
	if err := e.preemptible(ctx, s, c, ws, answers); err != nil {
		return nil, nil, err
	}
	if len(ws) == 1 {
		answers[0].Nodes = e.rooms(ctx, s, ws[0])
	}
	return placements, answers, e.orders(ctx, s, c, ws, answers)
}

// rooms is how many more of the workload each node has room for, counted by package capacity; nil where it refuses to,
// and where this engine is not the scheduler that it models: another profile, other pods first, evictions.
func (e *Engine) rooms(ctx context.Context, s *capacity.Snapshot, w capacity.Workload) []capacity.NodeRoom {
	if e.config.Profile != nil || e.config.PendingFirst || e.config.Evict {
		return nil
	}
	a, err := s.Fit(ctx, w)
	if err != nil {
		return nil
	}
	return a.Nodes
}

// preemptible counts, where preemption would help, how many more would be placed by it: by placing once more with it.
func (e *Engine) preemptible(ctx context.Context, s *capacity.Snapshot, c *counted, ws []capacity.Workload, answers []capacity.Answer) error {
	helps := func(a capacity.Answer) bool { return a.Pending > 0 && a.Preemptible > 0 }
	if !slices.ContainsFunc(answers, helps) {
		return nil
	}
	evicting := &Engine{config: e.config, loaded: e.loaded}
	evicting.config.Evict = true
	_, more, err := evicting.placeIn(ctx, s, c, ws, false)
	if err != nil {
		return err
	}
	for i, a := range answers {
		if helps(a) {
			answers[i].Preemptible = max(more[i].Fits-a.Fits, 0)
		}
	}
	return nil
}

// ask is one workload on its way through admission.
type ask struct {
	lot     *lot
	answer  capacity.Answer
	refusal *admission.Refusal
}

func (e *Engine) placeIn(ctx context.Context, s *capacity.Snapshot, c *counted, ws []capacity.Workload, detail bool) ([]Placement, []capacity.Answer, error) {
	r, err := e.run(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	state := cluster.Of(s)
	asks := make([]*ask, len(ws))
	var queue []*lot
	mine := map[*corev1.Pod]bool{} // waiting replicas: they are among those to be placed
	for i, w := range ws {
		if asks[i], err = admit(state, c, i, w, mine); err != nil {
			return nil, nil, err
		}
		asks[i].lot.name = r.unclaimed(asks[i].lot.pod, asks[i].lot.name)
		queue = append(queue, asks[i].lot)
	}
	queue = append(r.pending(mine), queue...)
	for p := range mine {
		r.world.names.DeleteNominatedPodIfExists(p)
	}
	if err := r.sortQueue(queue); err != nil {
		return nil, nil, err
	}
	var placements []Placement
	for _, b := range queue {
		if err := r.place(ctx, b, func(p Placement) {
			if detail {
				placements = append(placements, p)
			}
		}); err != nil {
			return nil, nil, err
		}
	}
	answers := make([]capacity.Answer, len(asks))
	for i, a := range asks {
		answers[i] = a.finish()
	}
	return placements, answers, nil
}

// admit counts the replicas there are and asks admission for those that are missing, as package capacity does.
func admit(state *cluster.State, c *counted, i int, w capacity.Workload, mine map[*corev1.Pod]bool) (*ask, error) {
	if w.Replicas < 0 {
		return nil, errorf("Workload.Replicas is %d, want >= 0", w.Replicas)
	}
	if len(w.Template.Spec.Containers) == 0 {
		return nil, errorf("Workload.Template.Spec.Containers is empty, want at least one container")
	}
	if err := cluster.CheckPodSpec("Workload.Template", "", &w.Template.Spec); err != nil {
		return nil, fmt.Errorf("scheduler: %w", err)
	}
	pod := admission.PodOf(w.Namespace, &w.Template)
	pod.OwnerReferences = w.Template.OwnerReferences
	a := &ask{refusal: admission.Admit(state, pod)}
	pod.Status = corev1.PodStatus{Phase: corev1.PodPending}
	running, waiting := 0, 0
	if w.Selector != nil {
		running, waiting = existing(c, pod.Namespace, w.Selector, mine)
	}
	missing := max(w.Replicas-running-waiting, 0)
	created := 0
	if a.refusal == nil {
		created, a.refusal = admission.Creations(state, pod, missing)
	}
	a.answer = capacity.Answer{Desired: w.Replicas, Running: running, Rejected: missing - created}
	n := min(waiting+created, max(w.Replicas-running, 0))
	a.lot = &lot{workload: i, pod: pod, n: n, name: replicas(pod)}
	return a, nil
}

// existing counts the pods that are replicas already; the waiting ones are noted.
func existing(c *counted, namespace string, selector labels.Selector, mine map[*corev1.Pod]bool) (running, waiting int) {
	is := func(p *corev1.Pod) bool {
		return p.Namespace == namespace && p.DeletionTimestamp == nil && selector.Matches(labels.Set(p.Labels))
	}
	for _, p := range c.bound {
		if is(p) {
			running++
		}
	}
	for _, p := range c.pending {
		if is(p) && !mine[p] {
			mine[p] = true
			waiting++
		}
	}
	return running, waiting
}

// pending are the snapshot's pods that wait, as batches of one; none unless they go first.
func (r *run) pending(mine map[*corev1.Pod]bool) []*lot {
	var out []*lot
	if !r.engine.config.PendingFirst {
		return nil
	}
	for _, p := range r.world.base.pending {
		if _, served := r.engine.serves(p.Spec.SchedulerName); mine[p] || p.DeletionTimestamp != nil || !served {
			continue
		}
		out = append(out, &lot{workload: -1, pod: p, n: 1, name: func(int) string { return p.Name }})
	}
	sort.SliceStable(out, func(i, j int) bool {
		return corev1helpers.PodPriority(out[i].pod) > corev1helpers.PodPriority(out[j].pod)
	})
	return out
}

// sortQueue puts the workloads into the order of the profile's QueueSort plugin; pending pods stay first.
func (r *run) sortQueue(queue []*lot) error {
	first := slices.IndexFunc(queue, func(b *lot) bool { return b.workload >= 0 })
	if first < 0 || len(queue)-first < 2 {
		return nil
	}
	p, err := r.engine.profile(r.site, r.engine.loaded.Profiles[0].SchedulerName)
	if err != nil {
		return err
	}
	less := p.fw.QueueSortFunc()
	infos := map[*lot]*framework.QueuedPodInfo{}
	for i, b := range queue {
		pi, err := framework.NewPodInfo(b.pod)
		if err != nil {
			return errorf("workload %d: %v", b.workload, err)
		}
		infos[b] = &framework.QueuedPodInfo{PodInfo: pi, QueueingParams: framework.QueueingParams{Timestamp: time.Unix(int64(i), 0)}}
	}
	sort.SliceStable(queue[first:], func(i, j int) bool { return less(infos[queue[first+i]], infos[queue[first+j]]) })
	return nil
}

// finish turns what became of the batch into the answer.
func (a *ask) finish() capacity.Answer {
	out := a.answer
	out.Fits = a.lot.placed
	out.Pending = a.lot.n - a.lot.placed
	if out.Rejected > 0 && a.refusal != nil {
		out.Refusal = a.refusal.Sentence
	}
	if out.Pending > 0 {
		out.Message = a.lot.message
		if a.lot.preemptible {
			out.Preemptible = 1 // how many there are is counted later
		}
		out.Reasons = reasons(a.lot.fit)
		if a.lot.fault != nil {
			out.Warnings = append(out.Warnings, a.lot.fault)
		}
	}
	return out
}

// reasons are the parts of the message that come from the nodes, sorted as it sorts them.
func reasons(fe *framework.FitError) []capacity.Reason {
	if fe == nil || fe.Diagnosis.PreFilterMsg != "" {
		return nil
	}
	count := map[string]int{}
	statuses := fe.Diagnosis.NodeToStatus
	statuses.ForEachExplicitNode(func(_ string, st *fwk.Status) {
		for _, text := range st.Reasons() {
			count[text]++
		}
	})
	if rest := fe.NumAllNodes - statuses.Len(); rest > 0 {
		for _, text := range statuses.AbsentNodesStatus().Reasons() {
			count[text] += rest
		}
	}
	out := make([]capacity.Reason, 0, len(count))
	for text, n := range count {
		out = append(out, capacity.Reason{Text: text, Nodes: n})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].String() < out[j].String() })
	return out
}
