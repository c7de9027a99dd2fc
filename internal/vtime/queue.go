// Package vtime is virtual time for the simulations: an event heap and lines of timers that all last equally long.
//
// Nothing here reads a clock. Events due at the same instant leave in the order in which they were pushed, so a run is a
// function of its inputs. Neither kind of queue allocates once it has grown to the size a run needs.
package vtime

import "time"

// Never is later than any event.
const Never = time.Duration(1<<63 - 1)

// Event is one thing due at a time. Kind and Who mean what the caller wants; Gen lets a caller drop an event lazily: it
// remembers the generation it is waiting for and ignores others.
type Event struct {
	At   time.Duration
	seq  uint32
	Gen  uint32
	Who  int32
	Kind uint16
}

// Queue is a four-ary min-heap of events.
type Queue struct {
	h   []Event
	seq uint32
}

func (a *Event) before(b *Event) bool {
	return a.At < b.At || a.At == b.At && int32(a.seq-b.seq) < 0
}

// Len is the number of events waiting.
func (q *Queue) Len() int { return len(q.h) }

// Reset empties the queue and keeps its memory.
func (q *Queue) Reset() { q.h, q.seq = q.h[:0], 0 }

// Next is when the first event is due, [Never] if there is none.
func (q *Queue) Next() time.Duration {
	if len(q.h) == 0 {
		return Never
	}
	return q.h[0].At
}

// Push adds an event.
func (q *Queue) Push(at time.Duration, kind uint16, who int32, gen uint32) {
	q.seq++
	e := Event{At: at, seq: q.seq, Gen: gen, Who: who, Kind: kind}
	q.h = append(q.h, e)
	i := len(q.h) - 1
	for i > 0 {
		p := (i - 1) / 4
		if !e.before(&q.h[p]) {
			break
		}
		q.h[i] = q.h[p]
		i = p
	}
	q.h[i] = e
}

// Pop removes and returns the first event. It must not be called on an empty queue.
func (q *Queue) Pop() Event {
	top := q.h[0]
	n := len(q.h) - 1
	e := q.h[n]
	q.h = q.h[:n]
	if n == 0 {
		return top
	}
	i := 0
	for {
		c := 4*i + 1
		if c >= n {
			break
		}
		for k, end := c+1, min(c+4, n); k < end; k++ {
			if q.h[k].before(&q.h[c]) {
				c = k
			}
		}
		if !q.h[c].before(&e) {
			break
		}
		q.h[i] = q.h[c]
		i = c
	}
	q.h[i] = e
	return top
}
