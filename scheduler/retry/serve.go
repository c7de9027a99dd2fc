package retry

import (
	"math"
	"time"
)

// serve runs the scheduling loop: every attempt that begins before `until`.
//
// An attempt takes Config.Attempt. Then the pod is back in the pool and its Event is recorded. If
// its message has changed, the loop waits for the client's token and for the answer
// (schedule_one.go, handleSchedulingFailure -> updatePod). So changed messages hold the loop to
// min(QPS, 1/latency) attempts a second, and unchanged ones cost nothing but CPU.
func (q *Queue) serve(until time.Duration) {
	start := max(q.busy, q.now)
	for start < until {
		from := &q.active
		if from.pods == 0 && popsFromBackoff(q.config.Version) {
			from = &q.backoff
		}
		if from.pods == 0 {
			break
		}
		start = q.attempt(from, start, until)
	}
	q.busy = max(q.busy, start)
}

// attempt tries some pods of the line's first cohort, as many as go alike, and says
// when the loop is free again.
func (q *Queue) attempt(from *line, start, until time.Duration) time.Duration {
	front := from.front()
	n, gap := front.n, q.config.Attempt
	tried := start + gap
	switch {
	case q.room > 0:
		n = min(n, q.room, starts(start, until, gap))
		q.bind(from.take(n), tried, gap)
		return start + time.Duration(n)*gap
	case front.message == q.message:
		n = min(n, starts(start, until, gap))
		q.fail(from.take(n), tried, gap, 0)
		return start + time.Duration(n)*gap
	}
	free := time.Duration(0)
	if n, gap, free = q.patched(n, start, until); n == 0 {
		return until
	}
	failed := q.share(0, q.api.PatchErrors, n)
	q.step.PodPatches += n
	q.step.PatchErrors += failed
	q.fail(from.take(n), tried, gap, n-failed)
	return free
}

// patched returns how many of n attempts with a patch each begin before `until` and go alike, how
// far apart they are, and when the loop is free after them.
func (q *Queue) patched(n int, start, until time.Duration) (int, time.Duration, time.Duration) {
	each := q.config.Attempt + q.api.Latency
	ask := start + q.config.Attempt
	if ready := q.client.ready(min(n, starts(start, until, each)), ask, each); ready > 0 {
		q.client.takeReady(ready, ask, each)
		return ready, each, start + time.Duration(ready)*each
	}
	given := q.client.next(ask)
	free := given + q.api.Latency
	if each > q.client.gap || free-start != q.client.gap { // not yet paced by the tokens alone
		q.client.takeWaiting(1)
		return 1, free - start, free
	}
	n = min(n, starts(start, until, q.client.gap))
	q.client.takeWaiting(n)
	return n, q.client.gap, start + time.Duration(n)*q.client.gap
}

// starts returns the number of attempts that begin in [start, until) when they are gap apart.
func starts(start, until, gap time.Duration) int {
	return int(min((until-start+gap-1)/gap, math.MaxInt32))
}

// fail puts tried pods into the pool: the first patchedOK of them carry the new message
// and so a new resourceVersion, which makes their next Event a new one.
func (q *Queue) fail(c cohort, at, gap time.Duration, patchedOK int) {
	q.step.Attempts += c.n
	c.at, c.gap, c.by = at, gap, q.by
	c.tries = min(c.tries+1, maxTries)
	switch c.event {
	case noEvent:
		q.rec.push(eventCreate, c.n, at, gap, at)
		c.event, c.count, c.wrote = single, 1, at
	case single:
		q.rec.push(eventUpdate, c.n, at, gap, c.wrote)
		c.event, c.count, c.wrote = series, 2, at
	default:
		c.count++
	}
	if patchedOK > 0 {
		fresh := c
		if patchedOK < c.n {
			fresh = c.split(patchedOK)
		} else {
			c.n = 0
		}
		q.rec.orphan(&fresh)
		fresh.message, fresh.event, fresh.count = q.message, noEvent, 0
		q.pool.push(fresh)
	}
	q.pool.push(c)
}

// maxTries is enough for any backoff to have reached its maximum.
const maxTries = 64

// bind schedules pods: each binding takes a token without holding the loop, and is
// followed by a Scheduled Event.
func (q *Queue) bind(c cohort, at, gap time.Duration) {
	q.step.Attempts += c.n
	q.step.Bound += c.n
	q.room -= c.n
	for i := range c.n {
		q.client.take(at + time.Duration(i)*gap)
	}
	q.rec.push(eventCreate, c.n, at, gap, at)
	q.rec.orphan(&c)
}

// share returns that part of n, in whole pods. It keeps what rounding leaves over for the next
// time.
func (q *Queue) share(kind int, part float64, n int) int {
	return take(&q.carry[kind], part, n)
}

func take(carry *float64, part float64, n int) int {
	*carry += part * float64(n)
	k := min(int(*carry+1e-9), n)
	*carry -= float64(k)
	return k
}
