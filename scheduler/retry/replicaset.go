package retry

import (
	"math"
	"time"
)

// ReplicaSetConfig holds the ReplicaSet controller's settings. The zero value is stock
// kube-controller-manager of the newest modelled version.
type ReplicaSetConfig struct {
	Version Version
	QPS     float64 // of the controller's client, which its Events share; zero means 20
	Burst   int     // of the same; zero means 30
	Most    int     // pods that one sync creates or deletes; zero means 500
}

// ReplicaSet is the ReplicaSet controller at work on one ReplicaSet, in virtual time: slow start,
// the client's QPS, refusals, retries and Events. It feeds a [Queue]. 450 pods take 21 to 22 s,
// because the client gives 30 tokens at once and 20 a second.
//
// A sync is not interrupted: a scale-down during a scale-up waits for its end.
type ReplicaSet struct {
	config   ReplicaSetConfig
	now      time.Duration
	client   bucket
	recorder Correlator
	api      ReplicaSetAPI
	carry    float64

	desired, active, coming int // wanted; not terminating; asked for and not yet created
	names                   int // pods ever named: messages that name a pod all differ
	ready, terminating      int

	admitted, freed usage // the two writers of the quota's status

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

// ReplicaSetAPI holds the answers of the API server to the controller now.
type ReplicaSetAPI struct {
	Latency time.Duration
	Errors  float64 // the share of creations that fail for another reason than the quota
	Quota   int     // the most pods that may exist, terminating ones included; zero means no quota
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

// status is the part of the ReplicaSet's status that decides whether it is written.
type status struct {
	desired, replicas, ready int // desired stands for the generation
	terminating              int // v1.37 alone: DeploymentReplicaSetTerminatingReplicas
	failure                  bool
}

// batch is the rest of a sync that creates pods.
type batch struct {
	left, size int
	failed     bool
	running    bool
}

// NewReplicaSet returns a ReplicaSet that has `replicas` pods and wants as many.
func NewReplicaSet(c ReplicaSetConfig, replicas int) (*ReplicaSet, error) {
	version, err := resolve(c.Version)
	if err != nil {
		return nil, err
	}
	c.Version = version
	for _, err := range []error{
		within("ReplicaSetConfig.QPS", c.QPS, leastRate, mostRate), within("ReplicaSetConfig.Burst", c.Burst, 1, mostRate),
		within("ReplicaSetConfig.Most", c.Most, 1, mostRate), within("replicas", replicas, 0, mostPods),
	} {
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
	return &ReplicaSet{config: c, client: newBucket(c.QPS, c.Burst), recorder: Correlator{version: c.Version},
		desired: replicas, active: replicas, retry: math.MaxInt64, reported: status{
			desired: replicas, replicas: replicas,
		}}, nil
}

// Scale sets the replicas wanted.
func (r *ReplicaSet) Scale(replicas int) {
	r.desired, r.dirty = min(max(replicas, 0), mostPods), true
}

// SetAPI sets how the API server answers from now on.
func (r *ReplicaSet) SetAPI(a ReplicaSetAPI) error {
	for _, err := range []error{
		within("ReplicaSetAPI.Latency", a.Latency, 0, mostTime), ratio("ReplicaSetAPI.Errors", a.Errors),
		within("ReplicaSetAPI.Quota", a.Quota, 1, mostPods),
	} {
		if err != nil {
			return err
		}
	}
	r.api = a
	return nil
}

// Lose takes away n pods that are gone or have failed: a quota counts them no more. Those that
// were not ready go first; where others went, tell it by SetReady.
func (r *ReplicaSet) Lose(n int) {
	r.freeQuota(r.lose(n))
}

// Terminate marks n pods as terminating: evicted, or deleted by somebody else. They are replaced
// at once, and a quota counts them until they are Gone.
func (r *ReplicaSet) Terminate(n int) {
	r.terminating += r.lose(n)
}

// lose takes up to n pods out of the active ones and returns how many.
func (r *ReplicaSet) lose(n int) int {
	n = min(max(n, 0), r.active)
	r.active, r.dirty = r.active-n, true
	r.ready = min(r.ready, r.active)
	return n
}

// PodsChanged tells the controller of a change of some of its pods, such as a new condition. It
// syncs, and if pods are missing it tries again, whatever the work queue's rate limiter says.
func (r *ReplicaSet) PodsChanged() { r.dirty = true }

// SetReady sets how many of its pods are ready. Each change is written to its status.
func (r *ReplicaSet) SetReady(n int) {
	if n != r.ready {
		r.ready, r.dirty = max(n, 0), true
	}
}

// Gone takes away n of the pods that were terminating: they are gone, or have ended, or are past
// twice their grace period. A quota counts them until then (QuotaV1Pod,
// pkg/quota/v1/evaluator/core/pods.go). A scale-down makes ready pods terminate once no other is
// left to delete.
func (r *ReplicaSet) Gone(n int) {
	n = min(max(n, 0), r.terminating)
	r.freeQuota(n)
	r.terminating, r.dirty = r.terminating-n, true
}

// Active returns the number of pods that exist and are not terminating.
func (r *ReplicaSet) Active() int { return r.active }

// Now returns the virtual time.
func (r *ReplicaSet) Now() time.Duration { return r.now }

// Total returns the counts since the beginning.
func (r *ReplicaSet) Total() ReplicaSetStep { return r.total }

// NextRetry returns the time when the controller tries again by itself after a failure. It returns
// false if it does not wait for that.
func (r *ReplicaSet) NextRetry() (time.Duration, bool) { return r.retry, r.retry < math.MaxInt64 }

// Advance runs the controller up to the time `to` and returns what it did.
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

// sync does syncReplicaSet: it creates missing pods and deletes surplus ones.
func (r *ReplicaSet) sync() {
	if r.retry <= r.now {
		r.retry = math.MaxInt64
	}
	r.dirty = false
	r.status = status{desired: r.desired, replicas: r.active, ready: r.ready, failure: r.reported.failure}
	if r.config.Version != V1_29 {
		r.status.terminating = r.terminating
	}
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

// nextBatch makes one turn of slowStartBatch: twice as many as the last time, and the end of the
// sync at the first failure.
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
		case r.api.Quota > 0 && r.active+r.coming+r.terminating >= r.api.Quota:
			kind, b.failed = podRefused, true
		case take(&r.carry, r.api.Errors, 1) > 0:
			kind, b.failed = podFailed, true
		default:
			r.coming++
			r.admit(at)
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

// deletePods deletes pods without a node first (controller_utils.go, ActivePods.Less):
// they are gone at once. The others terminate, and are ready no more.
func (r *ReplicaSet) deletePods(n int) {
	ready := min(r.ready, r.active)
	running := max(n-(r.active-ready), 0)
	r.terminating += running
	r.ready = ready - running
	r.active -= n
	for i := range n {
		kind := podDeleted
		if i >= n-running {
			kind = podTerminating
		}
		r.push(landing{r.client.take(r.now) + r.api.Latency, kind})
	}
	r.free = r.landing[len(r.landing)-1].at
	r.batch = batch{running: true} // the status is next
}
