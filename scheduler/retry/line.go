package retry

import "time"

// cohort is n pods in the same state whose times lie evenly apart: pod i was put where it is at
// `at` + i*gap. All of a cohort's pods are handled in one go, so hours of virtual time are cheap.
type cohort struct {
	n       int
	at, gap time.Duration // last attempt (or creation) of the first pod, and from pod to pod
	due     time.Duration // its place in a sorted line
	tries   int           // attempts so far; beyond maxTries they all back off alike
	message int           // what the pod's condition says; noMessage if it has none
	by      Rejection     // who rejected them at their last attempt
	event   int           // what the Event cache holds for the pod's present resourceVersion
	wrote   time.Duration // when that Event was last written, of the first pod
	count   int           // observations in that Event's series, of the pod that has most
}

const (
	noMessage = -1

	noEvent = 0 // the next attempt creates an Event
	single  = 1 // the next attempt patches it into a series
	series  = 2 // further attempts are counted in memory
)

// last returns the time of the cohort's last pod.
func (c *cohort) last() time.Duration { return c.at + time.Duration(c.n-1)*c.gap }

// before returns the number of the cohort's pods that have a time <= t.
func (c *cohort) before(t time.Duration) int {
	switch {
	case c.at > t:
		return 0
	case c.last() <= t:
		return c.n
	}
	return int((t-c.at)/c.gap) + 1
}

// split takes the first k pods off the cohort.
func (c *cohort) split(k int) cohort {
	head := *c
	head.n = k
	c.n -= k
	c.at += time.Duration(k) * c.gap
	return head
}

// mergeError is the most by which a pod's time may be moved when cohorts are merged. It only
// shifts when that pod's backoff or its five minutes end.
const mergeError = 20 * time.Millisecond

// merge appends b to the cohort if their pods are alike and their times, taken
// together, still lie evenly apart.
func (c *cohort) merge(b *cohort) bool {
	if c.tries != b.tries || c.message != b.message || c.event != b.event || c.by != b.by {
		return false
	}
	n := c.n + b.n
	gap := (b.last() - c.at) / time.Duration(n-1)
	if gap < 0 || (c.at+time.Duration(c.n)*gap-b.at).Abs() > mergeError ||
		(c.at+time.Duration(c.n-1)*gap-c.last()).Abs() > mergeError {
		return false
	}
	c.n, c.gap, c.count = n, gap, max(c.count, b.count)
	return true
}

// line is a first-in-first-out list of cohorts that reuses its memory.
type line struct {
	cohorts []cohort // those from head on are in the line
	head    int
	pods    int
}

func (l *line) all() []cohort  { return l.cohorts[l.head:] }
func (l *line) front() *cohort { return &l.cohorts[l.head] }

// push appends a cohort.
func (l *line) push(c cohort) {
	if c.n == 0 {
		return
	}
	l.pods += c.n
	if len(l.cohorts) > l.head && l.cohorts[len(l.cohorts)-1].merge(&c) {
		return
	}
	l.room()
	l.cohorts = append(l.cohorts, c)
}

// insert puts a cohort behind all that are due no later than it.
func (l *line) insert(c cohort, due time.Duration) {
	c.due = due
	l.room()
	i := len(l.cohorts)
	for i > l.head && l.cohorts[i-1].due > due {
		i--
	}
	if i == len(l.cohorts) {
		l.push(c)
		return
	}
	l.pods += c.n
	if c.n == 0 || i > l.head && l.cohorts[i-1].merge(&c) {
		return
	}
	l.cohorts = append(l.cohorts, cohort{})
	copy(l.cohorts[i+1:], l.cohorts[i:])
	l.cohorts[i] = c
}

// take removes the first k pods of the front cohort.
func (l *line) take(k int) cohort {
	front := l.front()
	l.pods -= k
	if k < front.n {
		return front.split(k)
	}
	c := *front
	if l.head++; l.head == len(l.cohorts) {
		l.cohorts, l.head = l.cohorts[:0], 0
	}
	return c
}

// room moves the line to the start of its memory when that is full.
func (l *line) room() {
	if len(l.cohorts) == cap(l.cohorts) && l.head > 0 {
		n := copy(l.cohorts, l.cohorts[l.head:])
		l.cohorts, l.head = l.cohorts[:n], 0
	}
}
