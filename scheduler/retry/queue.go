package retry

import "time"

// Queue is kube-scheduler's scheduling queue, scheduling loop and Event recorder
// for one workload of identical pods that do not fit, in virtual time. Drive it
// with [Queue.Advance]; between two steps tell it what happened. It allocates
// nothing once warm, and is not safe for concurrent use.
type Queue struct {
	config  Config
	now     time.Duration
	started time.Duration // the schedulers' timers count from here
	stopped bool

	active, backoff, pool line
	scratch               line

	busy    time.Duration // when the scheduling loop is free again
	client  bucket
	api     API
	message int
	by      Rejection
	room    int

	rec   recorder
	carry [3]float64 // what rounding has left over: failed patches, rejected and lost Events
	step  Step
	total Step
}

// API holds the answers of the API server now. The zero value answers at once.
type API struct {
	Latency      time.Duration // of one request of the scheduler, its queueing included, its client's throttling not
	PatchErrors  float64       // the share of pod patches that fail: the pod's condition stays as it was
	EventRejects float64       // the share of Event writes that fail with a status: dropped, never retried
	EventLosses  float64       // the share that fail in transport: tried again every 10 to 12.5 s, 12 times in all
}

// Step counts the events of one step, or of all so far.
type Step struct {
	Attempts     int // scheduling attempts
	Bound        int // of these, successful
	PodPatches   int // status patches sent, the failed ones included
	PatchErrors  int // of these, failed
	EventCreates int // Events created, FailedScheduling and Scheduled
	EventUpdates int // Events patched: a series begun, finished or refreshed
	EventErrors  int // Event requests that failed, each try counted
	EventDrops   int // Events given up
}

// Writes returns the number of writes of the step that reached etcd. A binding is one write.
func (s Step) Writes() int {
	return s.PodPatches - s.PatchErrors + s.Bound + s.EventCreates + s.EventUpdates
}

func (s *Step) add(b Step) {
	s.Attempts += b.Attempts
	s.Bound += b.Bound
	s.PodPatches += b.PodPatches
	s.PatchErrors += b.PatchErrors
	s.EventCreates += b.EventCreates
	s.EventUpdates += b.EventUpdates
	s.EventErrors += b.EventErrors
	s.EventDrops += b.EventDrops
}

// Status counts the pods by their place.
type Status struct {
	Active        int // to be tried next
	Backoff       int // waiting for their backoff to end
	Unschedulable int // waiting for an event that may help
	EventBacklog  int // Events recorded but not yet written
	LiveEvents    int // Events in etcd that have not expired
	Series        int // the largest count of one pod's present series in the scheduler's memory
}

// Pods returns the number of pods in the queue.
func (s Status) Pods() int { return s.Active + s.Backoff + s.Unschedulable }

// NewQueue returns an empty queue at time zero whose pods are rejected by ByFit.
func NewQueue(c Config) (*Queue, error) {
	version, err := resolve(c.Version)
	if err != nil {
		return nil, err
	}
	c.Version = version
	if err := c.check(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	return &Queue{config: c, client: newBucket(c.QPS, c.Burst), by: ByFit, rec: newRecorder(c)}, nil
}

// Now returns the virtual time.
func (q *Queue) Now() time.Duration { return q.now }

// Total returns the counts since the beginning.
func (q *Queue) Total() Step { return q.total }

// Status returns where the pods are now.
func (q *Queue) Status() Status {
	s := Status{Active: q.active.pods, Backoff: q.backoff.pods, Unschedulable: q.pool.pods,
		EventBacklog: q.rec.backlog(), LiveEvents: q.rec.live.sum(q.now)}
	for _, l := range []*line{&q.active, &q.backoff, &q.pool} {
		for i := range l.all() {
			if c := &l.all()[i]; c.event == series {
				s.Series = max(s.Series, c.count)
			}
		}
	}
	return s
}

// Add puts n new pods into the queue, as long as it holds no more than a billion.
func (q *Queue) Add(n int) {
	if n = min(n, mostPods-q.Status().Pods()); n > 0 {
		q.active.insert(cohort{n: n, at: q.now, message: noMessage}, q.now)
	}
}

// Remove takes up to n pods out, first those that wait for an event, and returns how many it
// found. Their Events stay until they expire.
func (q *Queue) Remove(n int) int {
	removed := 0
	for _, l := range []*line{&q.pool, &q.backoff, &q.active} {
		for removed < n && l.pods > 0 {
			c := l.take(min(l.front().n, n-removed))
			q.rec.orphan(&c)
			removed += c.n
		}
	}
	return removed
}

// Wake takes every pod out of the unschedulable pool. Use it for an event that all of them wait
// for, such as the deletion of a bound pod.
func (q *Queue) Wake() { q.wake(func(Rejection) bool { return true }) }

// Event takes those pods out of the pool that the event wakes in this version.
func (q *Queue) Event(e ClusterEvent) {
	q.wake(func(by Rejection) bool { return wakes(q.config.Version, e, by) })
}

// SetMessage sets the scheduler's present message about a pod. message is any number >= 0 that
// stands for the text; by is the set of plugins that reject the pod. A pod whose condition has
// another text is patched at its next attempt.
func (q *Queue) SetMessage(message int, by Rejection) {
	q.message, q.by = max(message, 0), by
}

// ClearEvents deletes all of the workload's Events, as an operator does, and returns how many
// there were. The recorder does not know of it: what it patches next it has to create anew, which
// is one write all the same.
func (q *Queue) ClearEvents() int { return q.rec.live.clear(q.now) }

// SetRoom sets how many more pods fit. Attempts bind until the room is used up.
func (q *Queue) SetRoom(n int) { q.room = max(n, 0) }

// SetAPI sets how the API server answers from now on.
func (q *Queue) SetAPI(a API) error {
	for _, err := range []error{
		within("API.Latency", a.Latency, 0, mostTime), ratio("API.PatchErrors", a.PatchErrors),
		ratio("API.EventRejects", a.EventRejects), ratio("API.EventLosses", a.EventLosses),
		ratio("API.EventRejects+EventLosses", a.EventRejects+a.EventLosses),
	} {
		if err != nil {
			return err
		}
	}
	q.api = a
	return nil
}

// Stop ends the scheduler's process, as a lost leader lease does. Nothing is tried until Start.
func (q *Queue) Stop() {
	q.stopped = true
	q.rec.forget()
}

// Start begins a new scheduler process. It lists the pods and tries each at once. It has forgotten
// backoffs and Events, but not the conditions, which the pods carry.
func (q *Queue) Start() {
	q.stopped, q.started, q.busy = false, q.now, q.now
	q.client, q.rec.client = newBucket(q.config.QPS, q.config.Burst), newBucket(q.config.EventQPS, q.config.EventBurst)
	q.client.full, q.rec.client.full = q.now, q.now
	for _, l := range []*line{&q.active, &q.backoff, &q.pool} {
		for l.pods > 0 {
			c := l.take(l.front().n)
			q.scratch.push(cohort{n: c.n, at: q.now, message: c.message})
		}
	}
	q.active, q.scratch = q.scratch, q.active
	q.rec.forget()
}

// Advance runs the queue up to the time `to` and returns what happened since the last step.
func (q *Queue) Advance(to time.Duration) Step {
	if q.stopped {
		q.now = max(q.now, to)
		return Step{}
	}
	q.step = Step{}
	for q.now < to {
		next := min(to, q.nextTimer())
		q.serve(next)
		q.rec.write(next, q.api, &q.carry, &q.step)
		q.now = next
		q.timers()
	}
	q.total.add(q.step)
	return q.step
}

// expired returns how many of the cohort's pods have ended their backoff by time t. With
// popFromBackoff both sides are cut to whole seconds and must differ (backoff_queue.go,
// isEntityBackingoff).
func (q *Queue) expired(c *cohort, t time.Duration) int {
	if c.tries == 0 {
		return c.n
	}
	if popsFromBackoff(q.config.Version) {
		t = t.Truncate(backoffTick) - 1
	}
	return c.before(t - q.config.backoff(c.tries))
}

// wake moves the pool's pods whose rejection the event is about to the active queue,
// or to the backoff queue if they are still backing off.
func (q *Queue) wake(about func(Rejection) bool) {
	if q.stopped {
		return
	}
	for q.pool.pods > 0 {
		c := q.pool.take(q.pool.front().n)
		if about(c.by) {
			q.requeue(c)
		} else {
			q.scratch.push(c)
		}
	}
	q.pool, q.scratch = q.scratch, q.pool
}

func (q *Queue) requeue(c cohort) {
	if k := q.expired(&c, q.now); k == c.n {
		q.active.insert(c, c.at)
		return
	} else if k > 0 {
		q.active.insert(c.split(k), c.at)
	}
	q.backoff.insert(c, c.at+q.config.backoff(c.tries))
}
