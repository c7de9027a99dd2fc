package capacity

import (
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/redline-go/redline/internal/admission"
)

// scratch is the memory of one question. Later questions use it again, so of the usual question
// only the answer is allocated. Nothing in an answer may point here.
type scratch struct {
	q     question
	pod   corev1.Pod
	probe probe
	view  view
	count count
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// ask prepares the question about a workload.
func (s *Snapshot) ask(w *Workload, all bool) *question {
	m := scratches.Get().(*scratch)
	q := &m.q
	*q = question{Snapshot: s, w: *w, all: all, scratch: m}
	if admission.AdmitAsIs(s.state, w.Namespace, &q.w.Template, &m.pod) {
		q.pod = &m.pod
	} else {
		q.pod = admission.PodOf(w.Namespace, &w.Template)
		q.refusal = admission.Admit(s.state, q.pod)
	}
	q.replicas = s.replicasOf(q.pod.Namespace, w.Selector)
	return q
}

// done gives the question's memory back, without anything that it held on to.
func (q *question) done() {
	m, names, needs := q.scratch, q.scratch.probe.names, q.scratch.probe.needs
	blocked, entries, tolerations := m.probe.blocked, m.count.tally.entries, m.pod.Spec.Tolerations
	clear(names[:cap(names)])
	clear(needs[:cap(needs)])
	clear(entries[:cap(entries)])
	clear(tolerations[:cap(tolerations)])
	*m = scratch{}
	m.probe.names, m.probe.needs, m.probe.blocked = names[:0], needs[:0], blocked[:0]
	m.count.tally.entries, m.pod.Spec.Tolerations = entries[:0], tolerations[:0]
	scratches.Put(m)
}
