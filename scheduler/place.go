package scheduler

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// Placement is one pod's place.
type Placement struct {
	Workload int    `json:"workload"` // index of the workload in the call; -1: a pending pod of the snapshot
	Pod      string `json:"pod"`      // namespace/name; a replica's name is the template's and a number
	Node     string `json:"node"`
	Feasible int    `json:"feasible"` // number of nodes it could have gone to, of those looked at
	// Score is the node's total and Scores are its parts. kube-scheduler scores nothing when there
	// is one feasible node.
	Score   int64    `json:"score"`
	Scores  []Score  `json:"scores,omitempty"`
	Evicted []string `json:"evicted,omitempty"` // namespace/name of the pods preempted for it
}

// place places the batch, pod by pod, until one fits nowhere. The others are identical and would
// not fit either.
func (r *run) place(ctx context.Context, b *batch, yield func(Placement)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p, err := r.engine.profile(r.site, b.pod.Spec.SchedulerName)
	if err != nil {
		return err
	}
	ctx = quiet(ctx)
	if b.n > 0 {
		first := b.replica(0)
		if err := r.provide(first); err != nil {
			return err
		}
		if b.message = r.gate(ctx, p, first); b.message != "" {
			return nil
		}
	}
	if b.n > 1 {
		if err := r.placeFast(ctx, p, b, yield); err != nil || b.message != "" {
			return err
		}
	}
	for b.placed < b.n {
		ok, err := r.placeOne(ctx, p, b, yield)
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
	}
	return nil
}

// placeFast places the pods that the incremental path can: all, or as many as fit, or none when it
// is ruled out.
func (r *run) placeFast(ctx context.Context, p *profile, b *batch, yield func(Placement)) error {
	f, ok, err := r.newFast(ctx, p, b.replica(b.placed))
	if err != nil || !ok {
		return err
	}
	proto, err := newPodInfo(f.pod)
	if err != nil {
		return err
	}
	for b.placed < b.n {
		if err := ctx.Err(); err != nil {
			return err
		}
		place, ok, err := f.choose(ctx)
		if err != nil {
			return err
		}
		if !ok {
			return r.giveUp(ctx, p, f, b)
		}
		node := int(f.list[place])
		pod := b.replica(b.placed)
		pod.Spec.NodeName = r.world.infos[node].Node().Name
		out := Placement{Workload: b.workload, Pod: pod.Namespace + "/" + pod.Name, Node: pod.Spec.NodeName,
			Feasible: len(f.list)}
		if len(f.list) > 1 {
			out.Score, out.Scores = f.scores.score[place], f.scores.detail(place, node)
		}
		if err := f.put(ctx, place, proto.of(pod)); err != nil {
			return err
		}
		b.placed++
		yield(out)
	}
	return nil
}

// giveUp explains from the incremental path's statuses of all nodes why the next pod fits nowhere.
// Where preemption may still help it leaves the pod to whole cycles.
func (r *run) giveUp(ctx context.Context, p *profile, f *fast, b *batch) error {
	state := framework.NewCycleState()
	if _, st, _ := p.fw.RunPreFilterPlugins(ctx, state, f.pod); !st.IsSuccess() {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	fe := f.fitError()
	found, err := r.postFilter(ctx, p, state, f.pod, fe.Diagnosis.NodeToStatus)
	if err != nil || found.retry || (found.node != "" && r.engine.config.Evict) {
		return err
	}
	fe.Diagnosis.PostFilterMsg = found.message
	b.message, b.fit, b.preemptible = fe.Error(), fe, found.node != ""
	return nil
}

// maxRescues bounds the tries of one pod after PostFilter changed something for it.
const maxRescues = 16

// placeOne runs whole cycles for the next pod. It returns false when the pod fits nowhere, and puts
// the reason into b.
func (r *run) placeOne(ctx context.Context, p *profile, b *batch, yield func(Placement)) (bool, error) {
	pod := b.replica(b.placed)
	if err := r.provide(pod); err != nil {
		return false, err
	}
	if err := r.shelf.put(pod); err != nil {
		return false, err
	}
	var evicted []string
	for range maxRescues {
		state := framework.NewCycleState()
		c, err := r.schedule(ctx, p, state, pod)
		if err == nil {
			placed, st, err := r.assume(ctx, p, state, pod, c.node)
			if err != nil {
				return false, err
			}
			if st.IsSuccess() {
				yield(r.placement(p, b, c, placed, evicted))
				b.placed++
				return true, nil
			}
			b.refuse(pod, reserveError(pod, r.world.infos[c.node].Node().Name, st))
			return false, ctx.Err()
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
		fe := fitError(err)
		if fe == nil {
			b.refuse(pod, err)
			return false, nil
		}
		found, err := r.postFilter(ctx, p, state, pod, fe.Diagnosis.NodeToStatus)
		if err != nil {
			return false, err
		}
		if found.node != "" && r.engine.config.Evict {
			if err := r.evict(pod, found); err != nil {
				return false, err
			}
			for _, v := range found.victims {
				evicted = append(evicted, v.Namespace+"/"+v.Name)
			}
			continue
		}
		if found.retry {
			continue
		}
		fe.Diagnosis.PostFilterMsg = found.message
		b.message, b.fit, b.preemptible = fe.Error(), fe, found.node != ""
		return false, nil
	}
	return false, errorf("pod %s/%s: still no place after %d preemptions", pod.Namespace, pod.Name, maxRescues)
}

// placement writes down a choice with the scores of the chosen node.
func (r *run) placement(p *profile, b *batch, c choice, pod *corev1.Pod, evicted []string) Placement {
	out := Placement{Workload: b.workload, Pod: pod.Namespace + "/" + pod.Name, Node: pod.Spec.NodeName,
		Feasible: len(c.feasible), Evicted: evicted}
	for i := range c.scores {
		if c.scores[i].Name == pod.Spec.NodeName {
			out.Score, out.Scores = c.scores[i].TotalScore, scoresOf(p, &c.scores[i])
		}
	}
	return out
}
