package retry

import "time"

// Workload is a ReplicaSet whose pods do not fit, and the scheduler that tries them:
// a [ReplicaSet] and a [Queue] in one virtual time. Between two steps, tell either of
// them what happened.
type Workload struct {
	ReplicaSet *ReplicaSet
	Queue      *Queue
}

// NewWorkload returns stock components of a version with no pods.
func NewWorkload(v Version) (*Workload, error) {
	r, err := NewReplicaSet(ReplicaSetConfig{Version: v}, 0)
	if err != nil {
		return nil, err
	}
	q, err := NewQueue(Config{Version: v})
	if err != nil {
		return nil, err
	}
	return &Workload{ReplicaSet: r, Queue: q}, nil
}

// tick is the time between two moments at which the two are brought together.
const tick = 20 * time.Millisecond

// Advance runs both up to the time `to`: pods that the controller creates are tried,
// those it deletes are taken out of the queue, and it sees the conditions that the
// scheduler writes.
func (w *Workload) Advance(to time.Duration) (ReplicaSetStep, Step) {
	var made ReplicaSetStep
	var tried Step
	for t := w.Queue.Now(); t < to; {
		t = min(to, t+tick)
		m := w.ReplicaSet.Advance(t)
		made.add(m)
		w.Queue.Remove(m.Deletes)
		s := w.Queue.Advance(t)
		tried.add(s)
		w.Queue.Add(m.Creates)
		if s.PodPatches+s.Bound > 0 {
			w.ReplicaSet.PodsChanged()
		}
	}
	return made, tried
}
