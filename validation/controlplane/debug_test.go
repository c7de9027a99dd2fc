package controlplane

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func timelineBursts(t *testing.T, r *Result) {
	last := -time.Hour
	line := ""
	n := 0
	for _, at := range r.AllAttempts {
		if at-last > 300*time.Millisecond {
			line += fmt.Sprintf(" (%d, %v)", n, last.Round(100*time.Microsecond))
			n = 0
			line += fmt.Sprintf("\n  burst at %v", at.Round(100*time.Microsecond))
		}
		n++
		last = at
	}
	t.Log("started", r.Scheduling, line)
}

func (b *beside) timeline(t *testing.T, r *Result, from, to, step time.Duration) {
	slices.SortStableFunc(b.todo, func(x, y happening) int { return int(x.at - y.at) })
	todo := b.todo
	for at := time.Duration(0); at < to; at += step {
		for len(todo) > 0 && todo[0].at < b.zero+at+step {
			b.model.Advance(todo[0].at)
			todo[0].do()
			todo = todo[1:]
		}
		before := b.model.Queue.Total()
		b.model.Advance(b.zero + at + step)
		s := stepSince(b.model.Queue.Total(), before)
		if at >= from {
			n := r.Writes(at, at+step)
			t.Logf("%4v: attempts %d %d patches %d %d creates %d %d updates %d %d", at, r.Attempts(at, at+step), s.Attempts, n["pods/update/message"], s.PodPatches,
				n["events/create/FailedScheduling"], s.EventCreates, n["events/update/FailedScheduling"], s.EventUpdates)
		}
	}
}
