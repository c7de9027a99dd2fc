package vtime

import "time"

// Line is a first-in-first-out queue of events that come due in the order in which they are
// pushed, as timers of one fixed length do. A deadline costs a ring slot, not a heap operation.
type Line struct {
	ring []Event
	head int
	n    int
}

// Len returns the number of events waiting.
func (l *Line) Len() int { return l.n }

// Reset empties the line and keeps its memory.
func (l *Line) Reset() { l.head, l.n = 0, 0 }

// Next returns the time at which the first event is due, [Never] if there is none.
func (l *Line) Next() time.Duration {
	if l.n == 0 {
		return Never
	}
	return l.ring[l.head].At
}

// Push adds an event, which must not be due before the last one pushed.
func (l *Line) Push(at time.Duration, kind uint16, who int32, gen uint32) {
	if l.n == len(l.ring) {
		l.grow()
	}
	l.ring[(l.head+l.n)&(len(l.ring)-1)] = Event{At: at, Gen: gen, Subject: Subject{who, kind}}
	l.n++
}

// Pop removes and returns the first event. It must not be called on an empty line.
func (l *Line) Pop() Event {
	e := l.ring[l.head]
	l.head = (l.head + 1) & (len(l.ring) - 1)
	l.n--
	return e
}

// Peek returns the first event and keeps it. It must not be called on an empty line.
func (l *Line) Peek() Event { return l.ring[l.head] }

func (l *Line) grow() {
	bigger := make([]Event, max(16, 2*len(l.ring)))
	for i := range l.n {
		bigger[i] = l.ring[(l.head+i)&(len(l.ring)-1)]
	}
	l.ring, l.head = bigger, 0
}
