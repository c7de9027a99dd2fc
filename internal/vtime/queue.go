// Package vtime keeps virtual time for the simulations. It has an event queue, and lines of timers
// that all last equally long.
//
// Nothing here reads a clock. Events due at the same instant leave in the order in which they were
// pushed, so a run is a function of its inputs. Neither kind of queue allocates once it has grown
// to the size that a run needs.
package vtime

import (
	"math/bits"
	"time"
)

// Never is later than any event.
const Never = time.Duration(1<<63 - 1)

// Event is one thing due at a time. Kind and Who mean what the caller wants. Gen lets a caller drop
// an event lazily: it remembers the generation that it waits for and ignores others.
//
// It has four fields, one of them a pair: Go's compiler keeps structs of up to four in registers.
type Event struct {
	At  time.Duration
	seq uint32
	Gen uint32
	Subject
}

// Subject names what happens in an event, and to whom.
type Subject struct {
	Who  int32
	Kind uint16
}

// Queue holds events by the time at which they are due.
//
// Those of the next 137 s are on a wheel with slots of 17 ms. A slot is a list, which is sorted
// when no earlier slot has an event. Later events, and those that are too many for one slot, are
// in a heap. An event costs about the same however many wait.
type Queue struct {
	heads   [slots]int32  // the list of each slot on the wheel; 0 is none
	full    [words]uint64 // which slots have one
	base    uint64        // slot of the last event that left: the wheel begins here
	waiting []link        // the events on the wheel; [0] stands for none
	free    int32         // of waiting
	first   int32         // the wheel's first event; 0 is none
	at      uint64        // its slot
	far     heap
	farAt   time.Duration // when its first is due
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
	slots    = 8192
	words    = slots / 64
)

// Len returns the number of events waiting.
func (q *Queue) Len() int { return q.all }

// Next returns the time at which the first event is due, [Never] if there is none.
func (q *Queue) Next() time.Duration {
	if q.waiting == nil {
		return Never
	}
	return min(q.waiting[q.first].At, q.farAt)
}

// Push adds an event.
func (q *Queue) Push(at time.Duration, kind uint16, who int32, gen uint32) {
	if q.waiting == nil {
		q.waiting, q.farAt = make([]link, 1, 256), Never
		q.waiting[0].At = Never
	}
	q.seq++
	q.all++
	slot := max(uint64(max(at, 0))>>slotBits, q.base)
	if slot-q.base >= slots {
		q.later(Event{At: at, seq: q.seq, Gen: gen, Subject: Subject{who, kind}})
		return
	}
	k := q.take()
	l := &q.waiting[k]
	l.At, l.seq, l.Gen, l.Who, l.Kind = at, q.seq, gen, who, kind
	switch {
	case q.first == 0 || slot < q.at:
		l.next = 0
		q.first, q.at = k, slot
		q.full[slot%slots/64] |= 1 << (slot % 64)
	case slot == q.at:
		q.first = q.insert(q.first, k)
		k = q.first
	default:
		l.next = q.heads[slot%slots]
		q.full[slot%slots/64] |= 1 << (slot % 64)
	}
	q.heads[slot%slots] = k
}

// insert puts an event into a sorted list and returns the list's first. The event goes to the heap
// if too many are before it.
func (q *Queue) insert(list, k int32) int32 {
	l, before, after := &q.waiting[k], int32(0), list
	for n := 0; after != 0 && q.waiting[after].before(&l.Event); n++ {
		if n == few {
			q.later(l.Event)
			q.release(k)
			return list
		}
		before, after = after, q.waiting[after].next
	}
	l.next = after
	if before == 0 {
		return k
	}
	q.waiting[before].next = k
	return list
}

// later puts an event into the heap.
func (q *Queue) later(e Event) {
	q.far.push(e)
	q.farAt = q.far[0].At
}

// take returns a link that is free.
func (q *Queue) take() int32 {
	k := q.free
	if k != 0 {
		q.free = q.waiting[k].next
		return k
	}
	q.waiting = append(q.waiting, link{})
	return int32(len(q.waiting) - 1)
}

func (q *Queue) release(k int32) {
	q.waiting[k].next = q.free
	q.free = k
}

// Pop removes and returns the first event. It must not be called on an empty queue.
func (q *Queue) Pop() Event {
	q.all--
	k := q.first
	e := q.waiting[k].Event
	if k == 0 || q.farAt <= e.At && q.far[0].before(&e) {
		e = q.far.pop()
		q.base = max(q.base, uint64(e.At)>>slotBits)
		q.farAt = Never
		if len(q.far) > 0 {
			q.farAt = q.far[0].At
		}
		return e
	}
	q.first = q.waiting[k].next
	q.release(k)
	q.heads[q.at%slots] = q.first
	q.base = q.at
	if q.first == 0 {
		q.turn()
	}
	return e
}

// turn moves to the next slot that has a list, and sorts it. The present slot must be empty.
func (q *Queue) turn() {
	q.full[q.at%slots/64] &^= 1 << (q.at % 64)
	if q.at = q.ahead(); q.at == none {
		return
	}
	list := q.heads[q.at%slots]
	rest := q.waiting[list].next
	q.waiting[list].next = 0
	for rest != 0 {
		k := rest
		rest = q.waiting[k].next
		list = q.insert(list, k)
	}
	q.heads[q.at%slots], q.first = list, list
}

const none = ^uint64(0)

// ahead returns the first slot after the present one that has a list.
func (q *Queue) ahead() uint64 {
	at, end := q.at+1, q.at+slots
	word := q.full[at%slots/64] >> (at % 64)
	for word == 0 {
		if at = at&^63 + 64; at > end {
			return none
		}
		word = q.full[at%slots/64]
	}
	return at + uint64(bits.TrailingZeros64(word))
}
