package sim

import (
	"context"
	"time"

	"github.com/redline-go/redline/internal/vtime"
)

// kernel has a cluster's clock, its timers and its requests.
type kernel struct {
	cluster *cluster
	rows    *[purposes + 1]row // the table of requests, by purpose

	now time.Duration // since the start
	end time.Duration // until which to run

	// Timers wait in the queue, or in a line if they come due in the order in which they are set.
	// firstLine is the line whose first timer is due first, at firstAt. It is negative while that
	// has to be found anew.
	queue     vtime.Queue
	lines     [lineCount]vtime.Line
	firstLine int
	firstAt   time.Duration

	// Requests and proposals are slots that are used again. Others name them by their index.
	deadlines     [purposes + 1]deadline // by purpose
	requests      []request
	freeRequests  []int32
	proposals     []proposal
	freeProposals []int32

	lastWrite time.Duration // latency of the last write that the cluster's own etcd answered
	quiet     bool          // heartbeats are counted instead of simulated: see calm
	err       error         // of a component that cannot go on
}

// start readies the kernel of a cluster whose scenario is known.
func (kn *kernel) start(c *cluster) {
	kn.cluster, kn.rows, kn.end, kn.firstLine = c, &table, c.s.Length, -1
	for why := range kn.rows {
		kn.deadlines[why] = deadlineOf(&kn.rows[why], c.s)
	}
}

// runUntil runs to the end in slices of ten minutes. Between two slices it ends with ctx's error
// if ctx is done.
func (kn *kernel) runUntil(ctx context.Context) error {
	end := kn.end
	for kn.end = 0; kn.end < end; {
		if err := ctx.Err(); err != nil {
			return err
		}
		kn.end = min(kn.end+10*time.Minute, end)
		kn.run()
	}
	return kn.err
}

// run lets virtual time pass until the end. Each turn takes whatever comes first: the queue's
// timer, a line's, or etcd's next event.
func (kn *kernel) run() {
	etcd := &kn.cluster.etcd
	for {
		at, line := kn.queue.Next(), -1
		if kn.firstLine < 0 {
			kn.findLine()
		}
		if kn.firstAt < at {
			at, line = kn.firstAt, kn.firstLine
		}
		if t := etcd.next(); t <= at {
			if t > kn.end {
				break
			}
			etcd.advanceTo(min(at, kn.end))
			continue
		}
		if at > kn.end {
			break
		}
		var e vtime.Event
		if line < 0 {
			e = kn.queue.Pop()
		} else {
			e = kn.lines[line].Pop()
			kn.firstLine = -1
		}
		kn.now = e.At
		t := &timers[e.Kind]
		if t.request && !kn.current(e) || t.wanted != nil && !t.wanted(kn.cluster, e) {
			continue
		}
		t.due(kn.cluster, e)
	}
	kn.now = kn.end
	kn.cluster.calm.count()
}

// at sets a timer of a kind for subject who. A component that no longer wants the timer raises its
// generation, so that gen no longer matches.
func (kn *kernel) at(at time.Duration, kind uint16, who int32, gen uint32) {
	kn.queue.Push(at, kind, who, gen)
}

// inLine sets a timer of request i in a line.
func (kn *kernel) inLine(line int, at time.Duration, kind uint16, i int32, gen uint32) {
	l := &kn.lines[line]
	if l.Len() == 0 {
		kn.firstLine = -1
	}
	l.Push(at, kind, i, gen)
}

// findLine finds the first timer of all lines. Most are of requests that have ended: it drops
// them.
func (kn *kernel) findLine() {
	kn.firstAt, kn.firstLine = vtime.Never, 0
	for i := range kn.lines {
		l := &kn.lines[i]
		for l.Len() > 0 && !kn.current(l.Peek()) {
			l.Pop()
		}
		if t := l.Next(); t < kn.firstAt {
			kn.firstAt, kn.firstLine = t, i
		}
	}
}

// current reports whether a timer's request is still under way.
func (kn *kernel) current(e vtime.Event) bool {
	r := &kn.requests[e.Who]
	return r.gen == e.Gen && r.stage != free
}
