package capacity

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/redline-go/redline/internal/admission"
)

// Fit reports how many of the workload's replicas run, how many more the cluster takes, and what
// stops the rest. Replicas that the snapshot already has, running or waiting, count as such.
//
// A workload that cannot be counted node by node gets an error that wraps [ErrNeedsScheduler],
// unless a [Fallback] answers it. Bad input is an error that names the field.
func (s *Snapshot) Fit(ctx context.Context, w Workload, opts ...Option) (Answer, error) {
	o, err := gather("Fit", opts)
	if err != nil {
		return Answer{}, err
	}
	answer, err := s.fit(ctx, &w, false, nil)
	if o.answers(err) {
		return s.fitBy(ctx, w, o.fallback)
	}
	return answer, err
}

// FitInto is like [Snapshot.Fit] but reuses answer's memory. Use it in a loop to avoid garbage.
// answer.Nodes is overwritten and must not be shared. After an error the answer is empty.
func (s *Snapshot) FitInto(ctx context.Context, w Workload, answer *Answer, opts ...Option) error {
	if answer == nil {
		return errors.New("capacity: FitInto: answer is nil, want one to overwrite")
	}
	o, err := gather("FitInto", opts)
	if err != nil {
		*answer = Answer{}
		return err
	}
	*answer, err = s.fit(ctx, &w, false, answer.Nodes)
	if o.answers(err) {
		*answer, err = s.fitBy(ctx, w, o.fallback)
	}
	return err
}

// Max is like [Snapshot.Fit] for as many replicas as there is room and quota for. Desired is the
// number that the workload could have in all. Message or Refusal says what stops one more.
func (s *Snapshot) Max(ctx context.Context, w Workload, opts ...Option) (Answer, error) {
	o, err := gather("Max", opts)
	if err != nil {
		return Answer{}, err
	}
	answer, err := s.fit(ctx, &w, true, nil)
	if o.answers(err) {
		return s.maxBy(ctx, w, o.fallback)
	}
	return answer, err
}

// fitBy asks an engine. It adds the warnings that the engine cannot know: kinds that were skipped,
// and liberties that admission took.
func (s *Snapshot) fitBy(ctx context.Context, w Workload, engine Engine) (Answer, error) {
	answer, err := engine.Fit(ctx, s, w)
	if err != nil {
		return Answer{}, err
	}
	q := s.ask(&w, false)
	defer q.done()
	answer.Warnings = append(q.warn(true), answer.Warnings...)
	return answer, nil
}

// maxBy asks an engine for more replicas than there are places for pods. If the cluster runs out of
// room first, a quota that would only have refused the surplus is not reported.
func (s *Snapshot) maxBy(ctx context.Context, w Workload, engine Engine) (Answer, error) {
	places := len(s.state.Pods) + 1
	for _, free := range s.table.free[colPods] {
		places = addRoom(places, clampInt(max(free, 0)))
	}
	w.Replicas = places
	answer, err := s.fitBy(ctx, w, engine)
	if err != nil {
		return Answer{}, err
	}
	if answer.Pending > 0 {
		answer.Refusal = ""
	}
	answer.Desired, answer.Pending, answer.Rejected, answer.Preemptible = answer.Running+answer.Fits, 0, 0, 0
	return answer, nil
}

// question holds one call of Fit or Max on its way.
type question struct {
	*Snapshot
	w        Workload
	pod      *corev1.Pod // as admitted
	refusal  *admission.Refusal
	replicas replicas
	all      bool // Max
	scratch  *scratch
}

func (s *Snapshot) fit(ctx context.Context, w *Workload, all bool, memory []NodeRoom) (Answer, error) {
	if err := check(w); err != nil {
		return Answer{}, err
	}
	if err := ctx.Err(); err != nil {
		return Answer{}, fmt.Errorf("capacity: %w", err)
	}
	q := s.ask(w, all)
	defer q.done()
	q.scratch.count.nodes = memory
	return q.answer(ctx)
}

func (q *question) answer(ctx context.Context) (Answer, error) {
	a := Answer{Desired: q.w.Replicas, Running: q.replicas.running, Warnings: q.warn(false)}
	created, refusal := q.create(q.missing())
	candidates := q.replicas.waiting + created
	a.Rejected = q.missing() - created
	if !q.all {
		candidates = min(candidates, max(a.Desired-a.Running, 0))
		if a.Rejected > 0 {
			a.Refusal = refusal.Sentence
		}
		if candidates == 0 {
			if err := q.needsScheduler(); err != nil {
				return a, nil // nothing is left to be placed
			}
		}
	}
	if gates := q.pod.Spec.SchedulingGates; len(gates) > 0 {
		return q.gated(a, candidates), nil
	}
	if err := q.needsScheduler(); err != nil {
		return Answer{}, err
	}
	p, v, c := &q.scratch.probe, &q.scratch.view, &q.scratch.count
	if err := p.ready(q.table, q.pod); err != nil {
		return Answer{}, err
	}
	q.see(p, v)
	if err := p.ask(ctx, q.Snapshot, v, c); err != nil {
		return Answer{}, fmt.Errorf("capacity: %w", err)
	}
	a.Nodes = c.nodes
	if q.all {
		q.fillMax(&a, c)
	} else {
		a.Fits = min(candidates, c.room)
		a.Pending = candidates - a.Fits
	}
	if a.Pending > 0 || q.all && a.Fits == c.room {
		if err := q.explain(ctx, &a, p, v, c); err != nil {
			return Answer{}, err
		}
	}
	return a, nil
}

// missing returns how many replicas a controller has to create.
func (q *question) missing() int {
	return max(q.w.Replicas-q.replicas.running-q.replicas.waiting, 0)
}

// create returns how many of n new pods the API server admits.
func (q *question) create(n int) (int, *admission.Refusal) {
	if q.refusal != nil {
		return 0, q.refusal
	}
	return admission.Creations(q.state, q.pod, n)
}

// fillMax asks for one more replica than there is room for, to hear who objects first.
func (q *question) fillMax(a *Answer, c *count) {
	more := max(c.room-q.replicas.waiting, 0)
	if more < math.MaxInt32 {
		more++
	}
	created, refusal := q.create(more)
	a.Fits = min(c.room, q.replicas.waiting+created)
	a.Desired, a.Rejected = a.Running+a.Fits, 0
	if created < more && refusal != nil {
		a.Refusal = refusal.Sentence
	}
}

// gated completes the answer for pods that wait before scheduling (P/schedulinggates:45).
func (q *question) gated(a Answer, candidates int) Answer {
	names := make([]string, 0, len(q.pod.Spec.SchedulingGates))
	for _, gate := range q.pod.Spec.SchedulingGates {
		names = append(names, gate.Name)
	}
	if a.Pending = candidates; q.all {
		a.Desired, a.Rejected, a.Pending = a.Running, 0, 0
	}
	if candidates > 0 || q.all {
		a.Message = "waiting for scheduling gates: [" + strings.Join(names, " ") + "]"
	}
	return a
}

// explain adds the reasons why the next replica finds no node.
func (q *question) explain(ctx context.Context, a *Answer, p *probe, v *view, c *count) error {
	n := len(c.nodes)
	if n == 0 {
		a.Message = noNodes
		return nil
	}
	if p.only != nil && p.only.message != "" {
		a.Message = fitError(n, p.only.message, nil, notPrefiltered)
		return nil
	}
	a.Reasons = p.histogram(&c.tally).reasons()
	e, err := q.evict(ctx, p, v, c)
	if err != nil {
		return err
	}
	a.Preemptible = min(e.more, a.Pending)
	a.Warnings = append(a.Warnings, e.warnings...)
	a.Message = fitError(n, "", a.Reasons, "preemption: "+e.sentence)
	return nil
}
