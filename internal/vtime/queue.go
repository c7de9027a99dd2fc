// Package vtime is virtual time for the simulations: an event queue and lines of timers that all last equally long.
//
// Nothing here reads a clock. Events due at the same instant leave in the order in which they were pushed, so a run is a
// function of its inputs. Neither kind of queue allocates once it has grown to the size a run needs.
package vtime

import (
	"math/bits"
	"time"
)

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

// Queue holds events by the time at which they are due: those of the present slot of 17 ms in a heap, those of the next 17 s on a wheel of
// slots, in no order until their slot is the present one, and the few that are later in a heap of their own. An event costs about
// the same however many wait.
type Queue struct {
	near, far heap
	slot      int64         // the present one: all of it and before is in near
	heads     []int32       // of each slot on the wheel; 0 is none
	full      [words]uint64 // which slots have events
	waiting   []link        // the events on the wheel; [0] is not used
	free      int32         // of waiting
	n         int
	seq       uint32
}

type link struct {
	Event
	next int32
}

const (
	slotBits = 24 // 2^24 ns
	slots    = 1024
	words    = slots / 64
)

// Len is the number of events waiting.
func (q *Queue) Len() int { return q.n }

// Reset empties the queue and keeps its memory.
func (q *Queue) Reset() {
	clear(q.heads)
	*q = Queue{near: q.near[:0], far: q.far[:0], heads: q.heads, waiting: q.waiting[:min(1, len(q.waiting))]}
}

// Next is when the first event is due, [Never] if there is none.
func (q *Queue) Next() time.Duration {
	if len(q.near) == 0 {
		if q.n == 0 {
			return Never
		}
		q.turn()
	}
	return q.near[0].At
}

// Push adds an event.
func (q *Queue) Push(at time.Duration, kind uint16, who int32, gen uint32) {
	q.seq++
	q.n++
	e := Event{At: at, seq: q.seq, Gen: gen, Who: who, Kind: kind}
	switch slot := int64(at) >> slotBits; {
	case slot <= q.slot:
		q.near.push(e)
	case slot-q.slot < slots:
		q.put(e, int(slot%slots))
	default:
		q.far.push(e)
	}
}

// put adds an event to a slot of the wheel.
func (q *Queue) put(e Event, at int) {
	if q.heads == nil {
		q.heads, q.waiting = make([]int32, slots), make([]link, 1, 64)
	}
	k := q.free
	if k == 0 {
		q.waiting = append(q.waiting, link{})
		k = int32(len(q.waiting) - 1)
	} else {
		q.free = q.waiting[k].next
	}
	q.waiting[k] = link{Event: e, next: q.heads[at]}
	q.heads[at] = k
	q.full[at/64] |= 1 << (at % 64)
}

// Pop removes and returns the first event. It must not be called on an empty queue.
func (q *Queue) Pop() Event {
	if len(q.near) == 0 {
		q.turn()
	}
	q.n--
	return q.near.pop()
}

// turn makes the first slot that has events the present one.
func (q *Queue) turn() {
	slot := q.ahead()
	if len(q.far) > 0 {
		slot = min(slot, int64(q.far[0].At)>>slotBits)
	}
	q.slot = slot
	for len(q.far) > 0 && int64(q.far[0].At)>>slotBits == slot {
		q.near.push(q.far.pop())
	}
	at := slot % slots
	if q.full[at/64]&(1<<(at%64)) == 0 {
		return
	}
	q.full[at/64] &^= 1 << (at % 64)
	k := q.heads[at]
	q.heads[at] = 0
	for k != 0 {
		l := &q.waiting[k]
		q.near.push(l.Event)
		next := l.next
		l.next = q.free
		q.free, k = k, next
	}
}

// ahead is the first slot after the present one that has events on the wheel.
func (q *Queue) ahead() int64 {
	from := q.slot + 1
	at := int(from % slots)
	word := q.full[at/64] >> (at % 64)
	if word != 0 {
		return from + int64(bits.TrailingZeros64(word))
	}
	passed := int64(64 - at%64)
	for i := 1; i <= words; i++ {
		if word := q.full[(at/64+i)%words]; word != 0 {
			return from + passed + int64(bits.TrailingZeros64(word))
		}
		passed += 64
	}
	return 1<<63 - 1
}
