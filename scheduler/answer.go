package scheduler

import (
	"context"
	"fmt"
	"sort"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/internal/admission"
	"github.com/redline-go/redline/internal/cluster"
)

// ask is one workload on its way through admission.
type ask struct {
	batch   *batch
	answer  capacity.Answer
	refusal *admission.Refusal
}

// outcome holds the results of placing all workloads of a call once.
type outcome struct {
	placements []Placement       // empty unless they were asked for
	answers    []capacity.Answer // by workload
	// rescuable says, by workload, that the next replica fits nowhere but would by preemption.
	// Answer.Preemptible is counted from it later, by placing once more.
	rescuable []bool
}

// placeIn places the workloads once, in the order of the queue. detail keeps the placements.
func (e *Engine) placeIn(
	ctx context.Context, s *capacity.Snapshot, c *counted, ws []capacity.Workload, detail bool,
) (outcome, error) {
	r, err := e.run(ctx, c)
	if err != nil {
		return outcome{}, err
	}
	state := cluster.Of(s)
	asks := make([]*ask, len(ws))
	var queue []*batch
	mine := map[*corev1.Pod]bool{} // waiting replicas: they are among those to be placed
	for i, w := range ws {
		if asks[i], err = admit(state, c, i, w, mine); err != nil {
			return outcome{}, err
		}
		asks[i].batch.name = r.unclaimed(asks[i].batch.pod, asks[i].batch.name)
		queue = append(queue, asks[i].batch)
	}
	queue = append(r.pending(mine), queue...)
	for p := range mine {
		r.world.names.DeleteNominatedPodIfExists(p)
	}
	if err := r.sortQueue(queue); err != nil {
		return outcome{}, err
	}
	var out outcome
	for _, b := range queue {
		if err := r.place(ctx, b, func(p Placement) {
			if detail {
				out.placements = append(out.placements, p)
			}
		}); err != nil {
			return outcome{}, err
		}
	}
	out.answers, out.rescuable = make([]capacity.Answer, len(asks)), make([]bool, len(asks))
	for i, a := range asks {
		out.answers[i] = a.finish()
		out.rescuable[i] = a.batch.preemptible && out.answers[i].Pending > 0
	}
	return out, nil
}

// admit counts the replicas there are and asks admission for those that are missing, as package
// capacity does.
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
	a.batch = &batch{workload: i, pod: pod, n: n, name: replicas(pod)}
	return a, nil
}

// existing counts the pods that are replicas already. It notes the waiting ones in mine.
func existing(c *counted, namespace string, selector labels.Selector, mine map[*corev1.Pod]bool) (running,
	waiting int) {
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

// finish makes the answer from the placed batch.
func (a *ask) finish() capacity.Answer {
	out := a.answer
	out.Fits = a.batch.placed
	out.Pending = a.batch.n - a.batch.placed
	if out.Rejected > 0 && a.refusal != nil {
		out.Refusal = a.refusal.Sentence
	}
	if out.Pending > 0 {
		out.Message = a.batch.message
		out.Reasons = reasons(a.batch.fit)
		if a.batch.fault != nil {
			out.Warnings = append(out.Warnings, a.batch.fault)
		}
	}
	return out
}

// reasons returns the parts of the message that come from the nodes, sorted as in the message.
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
