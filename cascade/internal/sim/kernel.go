package sim

import (
	"context"
	"time"

	"github.com/redline-go/redline/internal/vtime"
)

// kernel has a cluster's clock, its timers and its requests.
type kernel struct {
	cluster *cluster
	rows    *[purposes + 1]row // what each kind of request is

	now time.Duration // since the start
	end time.Duration

	queue     vtime.Queue           // of timers at any time
	lines     [lineCount]vtime.Line // of timers that come in the order in which they were set
	firstLine int                   // whose timer is the first of all lines'; negative: to be found
	firstAt   time.Duration

	deadlines     [purposes + 1]deadline
	requests      []request
	freeRequests  []int32
	proposals     []proposal
	freeProposals []int32
	lastWrite     time.Duration // latency of the last write that the cluster's own etcd answered

	quiet bool  // heartbeats are counted, not simulated: see calm
	err   error // of a part that cannot go on
}

// The lines: one for each length of a timer that requests share.
const (
	lineHeartbeat = iota // the patience of a kubelet's heartbeat client
	lineElection         // that of a leader election's client
	lineEtcd             // etcd's own limit
	lineCheck            // that of the API server's check of etcd
	lineAnswers          // answers while all is quiet
	lineReads            // the API server's deadline for a read
	lineWrites           // and for a write
	lineProbe            // the patience of the kubelet's liveness probe
	lineCount
)

// start readies the kernel of a cluster whose scenario is known.
func (kn *kernel) start(c *cluster) {
	kn.cluster, kn.rows, kn.end, kn.firstLine = c, &table, c.s.Length, -1
	for why := range kn.rows {
		kn.deadlines[why] = deadlineOf(&kn.rows[why], c.s)
	}
}

// at sets a timer.
func (kn *kernel) at(at time.Duration, kind uint16, who int32, gen uint32) {
	kn.queue.Push(at, kind, who, gen)
}

// inLine sets a request's timer in a line.
func (kn *kernel) inLine(line int, at time.Duration, kind uint16, i int32, gen uint32) {
	l := &kn.lines[line]
	if l.Len() == 0 {
		kn.firstLine = -1
	}
	l.Push(at, kind, i, gen)
}

// findLine finds the first timer of all lines. Most are of requests that have ended: it drops them.
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

// run lets virtual time pass until the end.
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
		if t.wanted == nil || t.wanted(kn.cluster, e) {
			t.due(kn.cluster, e)
		}
	}
	kn.now = kn.end
	kn.cluster.calm.count()
}

// runUntil runs in slices of ten minutes, so that a context can end it.
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

// current reports whether a timer is of a request that is still under way.
func (kn *kernel) current(e vtime.Event) bool {
	r := &kn.requests[e.Who]
	return r.gen == e.Gen && r.stage != free
}
