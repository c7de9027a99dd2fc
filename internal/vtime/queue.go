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
//
// It has four fields, one of them a pair, because Go's compiler keeps structs of up to four in registers.
type Event struct {
	At  time.Duration
	seq uint32
	Gen uint32
	Subject
}

// Subject is what an event is about.
type Subject struct {
	Who  int32
	Kind uint16
}

// Queue holds events by the time at which they are due: those of the present slot of 17 ms sorted, those of the next 17 s on a wheel of
// slots, in no order until their slot is the present one, and those that are later, or too many for one slot, in a heap. An event costs
// about the same however many wait.
type Queue struct {
	near    [few]Event // of the present slot and before, the first last
	n       int        // of near
	slot    int64      // the present one: the wheel has later ones only
	heads   []int32    // of each slot on the wheel; 0 is none
	full    [words]uint64
	waiting []link // the events on the wheel; [0] is not used
	free    int32  // of waiting
	far     heap
	all     int
	seq     uint32
}

type link struct {
	Event
	next int32
}

const (
	few      = 32
	slotBits = 24 // 2^24 ns
	slots    = 1024
	words    = slots / 64
)

// Len is the number of events waiting.
func (q *Queue) Len() int { return q.all }

// Reset empties the queue and keeps its memory.
func (q *Queue) Reset() {
	clear(q.heads)
	*q = Queue{far: q.far[:0], heads: q.heads, waiting: q.waiting[:min(1, len(q.waiting))]}
}

// Next is when the first event is due, [Never] if there is none.
func (q *Queue) Next() time.Duration {
	if q.n == 0 {
		if q.all == 0 {
			return Never
		}
		q.turn()
	}
	at := q.near[q.n-1].At
	if len(q.far) > 0 {
		at = min(at, q.far[0].At)
	}
	return at
}

// Push adds an event.
func (q *Queue) Push(at time.Duration, kind uint16, who int32, gen uint32) {
	q.seq++
	q.all++
	e := Event{At: at, seq: q.seq, Gen: gen, Subject: Subject{who, kind}}
	switch slot := int64(at) >> slotBits; {
	case slot > q.slot && slot-q.slot < slots:
		*q.put(uint64(slot) % slots) = e
	case slot <= q.slot && q.n < few:
		*q.soon(at, q.seq) = e
	default:
		q.far.push(e)
	}
}

// soon makes room for an event in the present slot, which must not be full.
func (q *Queue) soon(at time.Duration, seq uint32) *Event {
	i := q.n
	q.n++
	for ; i > 0; i-- {
		if b := &q.near[i-1]; b.At > at || b.At == at && int32(b.seq-seq) > 0 {
			break
		}
		q.near[i] = q.near[i-1]
	}
	return &q.near[i]
}

// put adds an event, to be filled in, to a slot of the wheel.
func (q *Queue) put(at uint64) *Event {
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
	l := &q.waiting[k]
	l.next = q.heads[at]
	q.heads[at] = k
	q.full[at/64] |= 1 << (at % 64)
	return &l.Event
}

// Pop removes and returns the first event. It must not be called on an empty queue.
func (q *Queue) Pop() Event {
	if q.n == 0 {
		q.turn()
	}
	q.all--
	e := &q.near[q.n-1]
	if len(q.far) > 0 && q.far[0].before(e) {
		return q.far.pop()
	}
	q.n--
	return *e
}

// turn makes the first slot that has events the present one, once nothing is left of the one before.
func (q *Queue) turn() {
	slot := q.ahead()
	if len(q.far) > 0 {
		slot = min(slot, int64(q.far[0].At)>>slotBits)
	}
	q.slot = max(q.slot, slot)
	for q.n < few && len(q.far) > 0 && int64(q.far[0].At)>>slotBits <= q.slot {
		e := q.far.pop()
		*q.soon(e.At, e.seq) = e
	}
	at := uint64(q.slot) % slots
	if q.full[at/64]&(1<<(at%64)) == 0 {
		return
	}
	q.full[at/64] &^= 1 << (at % 64)
	k := q.heads[at]
	q.heads[at] = 0
	for k != 0 {
		l := &q.waiting[k]
		if q.n < few {
			*q.soon(l.At, l.seq) = l.Event
		} else {
			q.far.push(l.Event)
		}
		next := l.next
		l.next = q.free
		q.free, k = k, next
	}
}

// ahead is the first slot after the present one that has events on the wheel.
func (q *Queue) ahead() int64 {
	from := uint64(q.slot) + 1
	at := from % slots
	if word := q.full[at/64] >> (at % 64); word != 0 {
		return int64(from) + int64(bits.TrailingZeros64(word))
	}
	passed := int64(64 - at%64)
	for i := at/64 + 1; i <= at/64+words; i++ {
		if word := q.full[i%words]; word != 0 {
			return int64(from) + passed + int64(bits.TrailingZeros64(word))
		}
		passed += 64
	}
	return 1<<63 - 1
}
