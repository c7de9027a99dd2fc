package retry

import (
	"math"
	"strconv"
	"time"
)

// ReplicaSetConfig is the ReplicaSet controller's. The zero value is stock
// kube-controller-manager.
type ReplicaSetConfig struct {
	Version Version
	QPS     float64 // of the controller's client, which its Events share; zero means 20
	Burst   int     // of the same; zero means 30
	Most    int     // pods that one sync creates or deletes; zero means 500
}

// ReplicaSet is the ReplicaSet controller at work on one ReplicaSet, in virtual time:
// slow start, the client's QPS, refusals, retries and Events. It is what feeds a
// [Queue]: 450 pods take 21 to 22 s, because the client gives 30 tokens at once and 20
// a second.
//
// A sync is not interrupted: who scales down during a scale-up waits for its end.
type ReplicaSet struct {
	config   ReplicaSetConfig
	now      time.Duration
	client   bucket
	recorder Correlator
	api      ReplicaSetAPI
	carry    float64

	desired, active, coming int // wanted; not terminating; asked for and not yet created
	names                   int // pods ever named: messages that name a pod all differ
	ready                   int

	status, reported status // as the present sync sees it, as the API server has it

	dirty    bool          // an event asks for a sync
	retry    time.Duration // when the work queue's rate limiter lets it have one
	failures int           // in a row
	free     time.Duration // when the present sync ends
	batch    batch
	landing  []landing // requests on their way, in order of time
	records  []record  // Events recorded and not yet sent
	sender   time.Duration
	step     ReplicaSetStep
	total    ReplicaSetStep
}

// ReplicaSetAPI is how the API server answers the controller now.
type ReplicaSetAPI struct {
	Latency time.Duration
	Errors  float64 // the share of creations that fail for another reason than the quota
	Quota   int     // the most pods that may exist; zero means no quota
}

// ReplicaSetStep is what the controller did in one step, or in all.
type ReplicaSetStep struct {
	Creates       int // pods created
	Deletes       int // pods deleted
	Refusals      int // creations that the quota refused
	Errors        int // creations that failed otherwise
	StatusUpdates int // of the ReplicaSet
	EventCreates  int
	EventUpdates  int
}

// Writes is how many writes reached etcd.
func (s ReplicaSetStep) Writes() int {
	return s.Creates + s.Deletes + s.StatusUpdates + s.EventCreates + s.EventUpdates
}

func (s *ReplicaSetStep) add(b ReplicaSetStep) {
	s.Creates += b.Creates
	s.Deletes += b.Deletes
	s.Refusals += b.Refusals
	s.Errors += b.Errors
	s.StatusUpdates += b.StatusUpdates
	s.EventCreates += b.EventCreates
	s.EventUpdates += b.EventUpdates
}

// Defaults of kube-controller-manager (--kube-api-qps, --kube-api-burst), of the
// ReplicaSet controller (pkg/controller/replicaset/replica_set.go, BurstReplicas;
// controller_utils.go, SlowStartInitialBatchSize) and of its work queue
// (client-go util/workqueue, DefaultTypedControllerRateLimiter).
const (
	DefaultControllerQPS   = 20
	DefaultControllerBurst = 30
	DefaultBurstReplicas   = 500
	slowStart              = 1
	firstRetry             = 5 * time.Millisecond
	lastRetry              = 1000 * time.Second
)

// status is what of the ReplicaSet's status decides whether it is written.
type status struct {
	desired, replicas, ready int // desired stands for the generation
	failure                  bool
}

// batch is what is left of a sync that creates pods.
type batch struct {
	left, size int
	failed     bool
	running    bool
}

type landing struct {
	at   time.Duration
	kind landingKind
}

type landingKind uint8

const (
	podCreated landingKind = iota
	podRefused
	podFailed
	podDeleted
	statusWritten
	eventCreated
	eventPatched
)

type record struct {
	at   time.Duration
	kind landingKind
	name int
}

// NewReplicaSet is a ReplicaSet that has `replicas` pods and wants as many.
func NewReplicaSet(c ReplicaSetConfig, replicas int) (*ReplicaSet, error) {
	if err := c.Version.check(); err != nil {
		return nil, err
	}
	for _, err := range []error{atLeastZero("ReplicaSetConfig.QPS", c.QPS), atLeastZero("ReplicaSetConfig.Burst", c.Burst),
		atLeastZero("ReplicaSetConfig.Most", c.Most), atLeastZero("replicas", replicas)} {
		if err != nil {
			return nil, err
		}
	}
	if c.QPS == 0 {
		c.QPS = DefaultControllerQPS
	}
	if c.Burst == 0 {
		c.Burst = DefaultControllerBurst
	}
	if c.Most == 0 {
		c.Most = DefaultBurstReplicas
	}
	return &ReplicaSet{config: c, client: newBucket(c.QPS, c.Burst), recorder: Correlator{Version: c.Version},
		desired: replicas, active: replicas, retry: math.MaxInt64, reported: status{desired: replicas, replicas: replicas}}, nil
}

// Scale sets the replicas wanted.
func (r *ReplicaSet) Scale(replicas int) {
	r.desired, r.dirty = max(replicas, 0), true
}

// SetAPI says how the API server answers from now on.
func (r *ReplicaSet) SetAPI(a ReplicaSetAPI) error {
	for _, err := range []error{atLeastZero("ReplicaSetAPI.Latency", a.Latency), ratio("ReplicaSetAPI.Errors", a.Errors), atLeastZero("ReplicaSetAPI.Quota", a.Quota)} {
		if err != nil {
			return err
		}
	}
	r.api = a
	return nil
}

// Lose says that n pods are gone or terminating: evicted, deleted, failed.
func (r *ReplicaSet) Lose(n int) {
	r.active, r.dirty = max(r.active-n, 0), true
}

// PodsChanged says that the controller saw a change of some of its pods, such as a new
// condition: it syncs, and if pods are missing it tries again, whatever the work
// queue's rate limiter says.
func (r *ReplicaSet) PodsChanged() { r.dirty = true }

// SetReady says how many of its pods are ready: each change is written to its status.
func (r *ReplicaSet) SetReady(n int) {
	if n != r.ready {
		r.ready, r.dirty = max(n, 0), true
	}
}

// Active is how many pods exist and are not terminating.
func (r *ReplicaSet) Active() int { return r.active }

// Now is the virtual time.
func (r *ReplicaSet) Now() time.Duration { return r.now }

// Total is everything since the beginning.
func (r *ReplicaSet) Total() ReplicaSetStep { return r.total }

// NextRetry is when the controller tries again by itself after a failure; it is false
// if it does not wait for that.
func (r *ReplicaSet) NextRetry() (time.Duration, bool) { return r.retry, r.retry < math.MaxInt64 }

// Advance runs the controller up to the time `to` and says what it did.
func (r *ReplicaSet) Advance(to time.Duration) ReplicaSetStep {
	r.step = ReplicaSetStep{}
	for {
		next, act := to, (func())(nil)
		consider := func(at time.Duration, f func()) {
			if at = max(at, r.now); at < next {
				next, act = at, f
			}
		}
		if len(r.landing) > 0 {
			consider(r.landing[0].at, r.land)
		}
		if len(r.records) > 0 {
			consider(max(r.records[0].at, r.sender), r.send)
		}
		if r.batch.running {
			consider(r.free, r.nextBatch)
		} else if r.dirty {
			consider(r.free, r.sync)
		} else if r.retry < math.MaxInt64 {
			consider(max(r.free, r.retry), r.sync)
		}
		r.now = max(r.now, next)
		if act == nil {
			break
		}
		act()
	}
	r.total.add(r.step)
	return r.step
}

// sync is syncReplicaSet: create what is missing, delete what is too many.
func (r *ReplicaSet) sync() {
	if r.retry <= r.now {
		r.retry = math.MaxInt64
	}
	r.dirty = false
	r.status = status{desired: r.desired, replicas: r.active, ready: r.ready, failure: r.reported.failure}
	switch diff := r.desired - r.active - r.coming; {
	case r.coming > 0: // expectations are not yet met
		r.dirty = true
		r.free = r.landing[len(r.landing)-1].at
	case diff > 0:
		r.batch = batch{left: min(diff, r.config.Most), size: slowStart, running: true}
		r.nextBatch()
	case diff < 0:
		r.deletePods(min(-diff, r.config.Most))
	default:
		r.endSync(false)
	}
}

// nextBatch is one turn of slowStartBatch: twice as many as the last time, and the end
// of the sync at the first failure.
func (r *ReplicaSet) nextBatch() {
	b := &r.batch
	if b.failed || b.left == 0 {
		b.running = false
		r.endSync(b.failed)
		return
	}
	n := min(b.size, b.left)
	b.left -= n
	b.size *= 2
	for range n {
		at := r.client.take(r.now) + r.api.Latency
		kind := podCreated
		switch {
		case r.api.Quota > 0 && r.active+r.coming >= r.api.Quota:
			kind, b.failed = podRefused, true
		case take(&r.carry, r.api.Errors, 1) > 0:
			kind, b.failed = podFailed, true
		default:
			r.coming++
		}
		r.push(landing{at, kind})
		r.free = at
	}
}

// endSync writes the status if it has changed - with the pods counted at the sync's
// beginning - and asks for another try if creations failed.
func (r *ReplicaSet) endSync(failed bool) {
	r.free = max(r.free, r.now)
	r.status.failure = failed
	if r.status != r.reported {
		r.reported = r.status
		r.free = r.client.take(r.now) + r.api.Latency
		r.push(landing{r.free, statusWritten})
	}
	if !failed {
		r.failures = 0
		return
	}
	delay := lastRetry
	if r.failures < 18 {
		delay = min(delay, firstRetry<<r.failures)
	}
	r.failures++
	r.retry = min(r.retry, r.free+delay)
}

func (r *ReplicaSet) deletePods(n int) {
	r.active -= n
	for range n {
		r.push(landing{r.client.take(r.now) + r.api.Latency, podDeleted})
	}
	r.free = r.landing[len(r.landing)-1].at
	r.batch = batch{running: true} // the status is next
}

// push keeps the requests in order of time.
func (r *ReplicaSet) push(l landing) {
	i := len(r.landing)
	for i > 0 && r.landing[i-1].at > l.at {
		i--
	}
	r.landing = append(r.landing, landing{})
	copy(r.landing[i+1:], r.landing[i:])
	r.landing[i] = l
}

// land is the first request's answer.
func (r *ReplicaSet) land() {
	l := r.landing[0]
	r.landing = r.landing[:copy(r.landing, r.landing[1:])]
	switch l.kind {
	case podCreated:
		r.step.Creates++
		r.active++
		r.coming--
		r.dirty = true // the informer shows the new pod
	case podRefused:
		r.step.Refusals++
	case podFailed:
		r.step.Errors++
	case podDeleted:
		r.step.Deletes++
		r.dirty = true
	case statusWritten:
		r.step.StatusUpdates++
		return
	case eventCreated:
		r.step.EventCreates++
		return
	case eventPatched:
		r.step.EventUpdates++
		return
	}
	r.names++
	r.records = append(r.records, record{l.at, l.kind, r.names})
}

// send is the recorder's one goroutine: it correlates the next Event and writes it with
// a token of the controller's own client, and waits for the answer.
func (r *ReplicaSet) send() {
	x := r.records[0]
	r.records = r.records[:copy(r.records, r.records[1:])]
	warning := x.kind == podRefused || x.kind == podFailed
	reason := "SuccessfulCreate"
	if warning {
		reason = "FailedCreate"
	} else if x.kind == podDeleted {
		reason = "SuccessfulDelete"
	}
	kind := eventCreated
	switch r.recorder.Record(r.now, warning, reason, strconv.Itoa(x.name)) {
	case Dropped:
		return
	case Patched:
		kind = eventPatched
	}
	r.sender = r.client.take(r.now) + r.api.Latency
	r.push(landing{r.sender, kind})
}
