package retry

import "time"

// after returns the first multiple of every, counted from the scheduler's start, that lies after
// now.
func (q *Queue) after(every time.Duration) time.Duration {
	return q.started + ((q.now-q.started)/every+1)*every
}

// nextTimer returns the time when one of the scheduler's timers has something to do next.
func (q *Queue) nextTimer() time.Duration {
	next := min(q.after(finishIdle), q.after(refreshEvery))
	if q.backoff.pods > 0 {
		next = min(next, q.after(backoffTimer(q.config.Version)))
	}
	if q.active.pods+q.backoff.pods+q.pool.pods > 0 { // those that are active now will be in the pool then
		next = min(next, q.after(flushCheck))
	}
	return next
}

// timers runs the timers that are due now.
func (q *Queue) timers() {
	elapsed := q.now - q.started
	due := func(every time.Duration) bool { return elapsed > 0 && elapsed%every == 0 }
	if due(backoffTimer(q.config.Version)) {
		q.flushBackoff()
	}
	if due(flushCheck) {
		q.flushPool()
	}
	if due(finishIdle) {
		q.finishSeries()
	}
	if due(refreshEvery) {
		q.refreshSeries()
	}
}

// flushBackoff moves pods whose backoff has ended to the active queue.
func (q *Queue) flushBackoff() {
	for q.backoff.pods > 0 {
		k := q.expired(q.backoff.front(), q.now)
		if k == 0 {
			return
		}
		c := q.backoff.take(k)
		q.active.insert(c, c.at)
	}
}

// flushPool moves pods that have waited for more than five minutes.
func (q *Queue) flushPool() {
	for q.pool.pods > 0 {
		k := q.pool.front().before(q.now - q.config.Flush - 1)
		if k == 0 {
			return
		}
		q.requeue(q.pool.take(k))
	}
}

// finishSeries ends what was last seen more than six minutes ago: a series is
// patched with its final count, a single Event is only forgotten.
func (q *Queue) finishSeries() {
	old := q.now - finishIdle - 1
	for _, l := range [...]*line{&q.active, &q.backoff, &q.pool} {
		for l.pods > 0 {
			c := l.take(l.front().n)
			if k := c.before(old); k > 0 && c.event != noEvent {
				done := c
				if k < c.n {
					done = c.split(k)
				} else {
					c.n = 0
				}
				if done.event == series {
					q.rec.push(eventUpdate, done.n, q.now, 0, done.wrote)
				}
				done.event, done.count = noEvent, 0
				q.scratch.push(done)
			}
			q.scratch.push(c)
		}
		*l, q.scratch = q.scratch, *l
	}
	q.rec.finishOrphans(q.now, old)
}

// refreshSeries patches every series, to renew its Event's time to live.
func (q *Queue) refreshSeries() {
	for _, l := range [...]*line{&q.active, &q.backoff, &q.pool} {
		for i := range l.all() {
			if c := &l.all()[i]; c.event == series {
				q.rec.push(eventUpdate, c.n, q.now, 0, c.wrote)
				c.wrote = q.now
			}
		}
	}
	q.rec.refreshOrphans(q.now)
}
