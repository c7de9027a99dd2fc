package etcdmodel

import (
	"math"
	"time"
)

// This file has the processor time of ranges. It is shared: with k ranges under way at a member
// and q requests being taken in, each has C / (k + q) of C processors, and one at most. A range of
// n keys takes
//
//	C (Read + ReadIndex) + (n - 1) ReadPerKey + KiB ReadPerKiB + ReadWake / (1 + others)^0.75
//
// of one processor, ReadIndex if it is linearizable. So C at a time end a range of one key every
// Read. Wake-ups cost much where few ranges are under way and little where many share them.
// Measured on 3.6.16: 1, 10, 100 and 1,000 clients took 346, 108, 80 and 53 us of the server's
// processor time a range.

// rangeHeader is the number of bytes of a returned key beside key and value (mvccpb.KeyValue:
// three revisions of up to 5 bytes, tags and lengths).
const rangeHeader = 24

// mostWait (ns) bounds one wait, so that no sum of them overflows: eleven days.
const mostWait = 1e15

// rangeBytes returns the bytes of the answer to a range.
func (o Op) rangeBytes() float64 { return float64(o.puts()) * float64(o.Key+o.Value+rangeHeader) }

// taking returns the time (ns) for which the request keeps all processors of the member that takes
// it in. A range needs one of Cores.
func (c *CPU) taking(o Op) float64 {
	if o.Kind.ranges() {
		return max(1, c.rangeWork(o)/float64(c.Cores))
	}
	return o.accept(*c)
}

// rangeWork returns the processor time of a range in ns.
func (c *CPU) rangeWork(o Op) float64 {
	each := c.Read
	if o.Kind == Range {
		each += c.ReadIndex
	}
	return float64(c.Cores)*float64(each) + float64(o.puts()-1)*float64(c.ReadPerKey) +
		o.rangeBytes()/1024*float64(c.ReadPerKiB)
}

// wake returns the processor time of the wake-ups of a range beside so many others, in ns.
func (c *CPU) wake(others float64) float64 { return float64(c.ReadWake) / math.Pow(1+others, 0.75) }

// shareProcessors makes a class of ranges take its time of the processors that all ranges share. A
// [Server] takes in a range of one key like a write instead, so that its runs stay the same.
func (e *engine) shareProcessors(k *class) {
	k.accept, k.work = 1000, e.c.CPU.rangeWork(k.Op)
	k.sending = int64(e.c.sending(k.Op.rangeBytes()))
}

// ranges holds the ranges under way at a member.
type ranges struct {
	jobs   []job   // a heap: the first to end first
	served float64 // processor time (ns) that each job under way since the start would have had
	at     int64   // when that was
	number int64
	sent   int64 // when the network has carried the last answer
}

type job struct {
	ends   float64 // by served
	number int64   // breaks ties: the first to begin ends first
	request
}

func (a *job) before(b *job) bool {
	return a.ends < b.ends || a.ends == b.ends && a.number < b.number
}

// compute begins the processor time of a range whose member may answer it. A class without work
// is answered at once.
func (e *engine) compute(i int, q request) {
	k := &e.classes[q.class]
	if k.work == 0 {
		e.see.done(q, readDone, e.now)
		return
	}
	m := &e.members[i]
	e.shareRanges(i)
	m.ranges.number++
	work := k.work + e.c.CPU.wake(float64(len(m.ranges.jobs)))
	m.ranges.push(job{m.ranges.served + work, m.ranges.number, q})
	e.nextRange(i)
}

// shareRanges gives the ranges under way the processor time since they were last looked at.
func (e *engine) shareRanges(i int) {
	r := &e.members[i].ranges
	if len(r.jobs) > 0 {
		r.served += float64(e.now-r.at) * e.rangeShare(i)
	}
	r.at = e.now
}

// rangeShare returns the processors that one range has.
func (e *engine) rangeShare(i int) float64 {
	m := &e.members[i]
	return math.Min(1, float64(e.c.CPU.Cores)/float64(len(m.ranges.jobs)+m.accepting.n))
}

// nextRange sets the timer to the end of the range that ends first.
func (e *engine) nextRange(i int) {
	r, timer := &e.members[i].ranges, e.timer(i, timerRange)
	*timer = never
	if len(r.jobs) > 0 {
		left := math.Max(0, r.jobs[0].ends-r.served) / e.rangeShare(i)
		*timer = e.now + int64(math.Ceil(math.Min(left, mostWait)))
	}
}

// sharedAccept returns the time to take in one more request beside the ranges under way.
func (e *engine) sharedAccept(i int, accept int64) int64 {
	m := &e.members[i]
	n, q := len(m.ranges.jobs), m.accepting.n+1
	if n+q <= e.c.CPU.Cores {
		return accept
	}
	return int64(math.Min(float64(accept)*float64(n+q)/float64(q), mostWait))
}

// ranged answers the ranges that have had their processor time.
func (e *engine) ranged(i int) {
	e.shareRanges(i)
	r := &e.members[i].ranges
	for len(r.jobs) > 0 && r.jobs[0].ends <= r.served+1 {
		q := r.pop().request
		r.sent = max(r.sent, e.now) + e.classes[q.class].sending
		e.see.done(q, readDone, r.sent)
	}
	e.nextRange(i)
}

func (r *ranges) push(j job) {
	r.jobs = append(r.jobs, j)
	for at := len(r.jobs) - 1; at > 0; {
		up := (at - 1) / 2
		if !r.jobs[at].before(&r.jobs[up]) {
			return
		}
		r.jobs[at], r.jobs[up] = r.jobs[up], r.jobs[at]
		at = up
	}
}

func (r *ranges) pop() job {
	first, last := r.jobs[0], len(r.jobs)-1
	r.jobs[0] = r.jobs[last]
	r.jobs = r.jobs[:last]
	for at := 0; ; {
		least := at
		for child := 2*at + 1; child <= 2*at+2 && child < last; child++ {
			if r.jobs[child].before(&r.jobs[least]) {
				least = child
			}
		}
		if least == at {
			return first
		}
		r.jobs[at], r.jobs[least] = r.jobs[least], r.jobs[at]
		at = least
	}
}

// sending returns the time (ns) in which a member's network carries so many bytes.
func (c *Cluster) sending(bytes float64) float64 {
	if c.Network <= 0 {
		return 0
	}
	return math.Min(bytes/c.Network*1e9, float64(time.Hour))
}
