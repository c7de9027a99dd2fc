package retry

import "time"

// recorder is the scheduler's Event recorder (client-go tools/events) and its client. Writes wait
// for a token in the order in which they were recorded. A slow answer holds up nothing but itself.
//
// The cache key contains the pod's resourceVersion. So the first attempt after a pod's status was
// patched creates a new Event. The second patches it into a series, and the others are counted in
// memory. That lasts until the series has been idle for six minutes (one last patch) or is
// refreshed at the next half hour.
type recorder struct {
	client         bucket
	fresh, retried runs
	orphans        line // series of resourceVersions that are gone; only n, at, gap and wrote count
	live           expiring
}

type eventKind uint8

const (
	eventCreate eventKind = iota
	eventUpdate
)

// run is n writes recorded evenly apart.
type run struct {
	kind    eventKind
	tries   int
	n       int
	at, gap time.Duration
	wrote   time.Duration // when the Event was written before, roughly
}

// runs is a first-in-first-out list of runs that reuses its memory.
type runs struct {
	list []run
	head int
	n    int
}

func (r *runs) push(x run) {
	if x.n == 0 {
		return
	}
	r.n += x.n
	if last := len(r.list) - 1; last >= r.head {
		l := &r.list[last]
		if l.kind == x.kind && l.tries == x.tries && l.gap == x.gap && l.at+time.Duration(l.n)*l.gap == x.at {
			l.n += x.n
			return
		}
	}
	if len(r.list) == cap(r.list) && r.head > 0 {
		n := copy(r.list, r.list[r.head:])
		r.list, r.head = r.list[:n], 0
	}
	r.list = append(r.list, x)
}

func (r *runs) front() *run { return &r.list[r.head] }

// drop removes the first k writes of the first run.
func (r *runs) drop(k int) {
	r.n -= k
	f := r.front()
	if f.n -= k; f.n > 0 {
		f.at += time.Duration(k) * f.gap
		return
	}
	if r.head++; r.head == len(r.list) {
		r.list, r.head = r.list[:0], 0
	}
}

func newRecorder(c Config) recorder {
	return recorder{client: newBucket(c.EventQPS, c.EventBurst), live: expiring{ttl: c.EventTTL}}
}

func (r *recorder) backlog() int { return r.fresh.n + r.retried.n }

func (r *recorder) push(kind eventKind, n int, at, gap, wrote time.Duration) {
	r.fresh.push(run{kind: kind, n: n, at: at, gap: gap, wrote: wrote})
}

// orphan keeps the series of pods that are gone or have a new resourceVersion: each
// is patched once more when it has been idle for six minutes.
func (r *recorder) orphan(c *cohort) {
	if c.event == series {
		r.orphans.push(cohort{n: c.n, at: c.at, gap: c.gap, wrote: c.wrote})
	}
}

func (r *recorder) finishOrphans(now, old time.Duration) {
	for r.orphans.pods > 0 {
		k := r.orphans.front().before(old)
		if k == 0 {
			return
		}
		c := r.orphans.take(k)
		r.push(eventUpdate, k, now, 0, c.wrote)
	}
}

func (r *recorder) refreshOrphans(now time.Duration) {
	for i := range r.orphans.all() {
		c := &r.orphans.all()[i]
		r.push(eventUpdate, c.n, now, 0, c.wrote)
		c.wrote = now
	}
}

// forget begins a new process: Events that are recorded but not written are lost.
func (r *recorder) forget() {
	r.fresh, r.retried = runs{list: r.fresh.list[:0]}, runs{list: r.retried.list[:0]}
	r.orphans = line{cohorts: r.orphans.cohorts[:0]}
}

// write sends every Event whose token is given before `until`.
func (r *recorder) write(until time.Duration, api API, carry *[3]float64, step *Step) {
	for r.backlog() > 0 {
		from := &r.fresh
		if from.n == 0 || r.retried.n > 0 && r.retried.front().at < from.front().at {
			from = &r.retried
		}
		f := *from.front()
		n, given, gap := r.send(f, until)
		if n == 0 {
			return
		}
		from.drop(n)
		r.answer(f, n, given, gap, api, carry, step)
	}
}

// send takes the tokens of as many of the run's writes as go alike.
func (r *recorder) send(f run, until time.Duration) (n int, given, gap time.Duration) {
	given = r.client.next(f.at)
	if given >= until {
		return 0, 0, 0
	}
	if given == f.at {
		n = f.n
		if f.gap > 0 {
			n = min(n, starts(f.at, until, f.gap))
		}
		n = r.client.ready(n, f.at, f.gap)
		r.client.takeReady(n, f.at, f.gap)
		return n, given, f.gap
	}
	n = min(f.n, starts(given, until, r.client.gap))
	if f.gap > r.client.gap { // the backlog shrinks: up to the first that need not wait
		n = min(n, int((given-f.at)/(f.gap-r.client.gap))+1)
	}
	r.client.takeWaiting(n)
	return n, given, r.client.gap
}

// answer counts what became of n writes sent at `given`.
func (r *recorder) answer(f run, n int, given, gap time.Duration, api API, carry *[3]float64, step *Step) {
	rejected := take(&carry[1], api.EventRejects, n)
	lost := min(take(&carry[2], api.EventLosses, n), n-rejected)
	step.EventErrors += rejected + lost
	step.EventDrops += rejected
	if f.tries+1 >= eventTries {
		step.EventDrops += lost
	} else {
		r.retried.push(run{
			kind: f.kind, tries: f.tries + 1, n: lost, at: given + api.Latency + eventSleep, gap: gap, wrote: f.wrote,
		})
	}
	written := n - rejected - lost
	if f.kind == eventCreate {
		step.EventCreates += written
	} else {
		step.EventUpdates += written
		r.live.remove(written, f.wrote)
	}
	r.live.add(written, given)
}

// expiring counts Events by the time at which they were last written.
type expiring struct {
	ttl    time.Duration
	counts [expiringBuckets]int
	first  int // the oldest bucket's number
	total  int
}

const expiringBuckets = 128

func (e *expiring) bucket(t time.Duration) int {
	return int(t / (e.ttl/(expiringBuckets-2) + 1))
}

func (e *expiring) add(n int, t time.Duration) {
	b := e.bucket(t)
	e.expire(b)
	if b >= e.first {
		e.counts[b%expiringBuckets] += n
		e.total += n
	}
}

// remove takes out n Events last written at about time t: what is rewritten lives on.
func (e *expiring) remove(n int, t time.Duration) {
	b := max(e.bucket(t), e.first)
	for i := 0; i < expiringBuckets && n > 0; i++ {
		at := &e.counts[(b+i)%expiringBuckets]
		k := min(n, *at)
		*at -= k
		e.total -= k
		n -= k
	}
}

// expire forgets what is older than the buckets up to number b can hold.
func (e *expiring) expire(b int) {
	for ; e.first < b-(expiringBuckets-2); e.first++ {
		e.total -= e.counts[e.first%expiringBuckets]
		e.counts[e.first%expiringBuckets] = 0
	}
}

func (e *expiring) sum(now time.Duration) int {
	e.expire(e.bucket(now))
	return max(e.total, 0)
}

// clear forgets every Event that etcd holds, and says how many it were.
func (e *expiring) clear(now time.Duration) int {
	n := e.sum(now)
	clear(e.counts[:])
	e.total = 0
	return n
}
