package vtime

import (
	"math/rand/v2"
	"sort"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestQueueIsAStableSort compares the heap with its slow twin: sort.SliceStable by time.
func TestQueueIsAStableSort(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var q Queue
		var want []Event
		for i := range 1 + r.IntN(300) {
			at := time.Duration(r.IntN(40))
			q.Push(at, 3, int32(i), uint32(i))
			want = append(want, Event{At: at, Who: int32(i)})
		}
		sort.SliceStable(want, func(i, j int) bool { return want[i].At < want[j].At })
		for _, w := range want {
			require.Equal(t, w.At, q.Next())
			e := q.Pop()
			require.Equal(t, w.Who, e.Who)
			require.Equal(t, uint16(3), e.Kind)
		}
		require.Equal(t, Never, q.Next())
	}
}

func TestLineKeepsOrderWhileItGrows(t *testing.T) {
	var l Line
	next, out := 0, 0
	r := rand.New(rand.NewPCG(3, 4))
	for range 10000 {
		if r.IntN(5) < 3 {
			l.Push(time.Duration(next), 1, int32(next), 0)
			next++
		} else if l.Len() > 0 {
			require.Equal(t, time.Duration(out), l.Next())
			require.Equal(t, int32(out), l.Peek().Who)
			require.Equal(t, int32(out), l.Pop().Who)
			out++
		}
	}
	require.Equal(t, next-out, l.Len())
	l.Reset()
	require.Equal(t, Never, l.Next())
}

func TestNothingAllocatesOnceGrown(t *testing.T) {
	var q Queue
	var l Line
	step := func() {
		for i := range 100 {
			q.Push(time.Duration(i*7919%101), 0, 0, 0)
			l.Push(time.Duration(i), 0, 0, 0)
		}
		for q.Len() > 0 {
			q.Pop()
			l.Pop()
		}
	}
	step()
	require.Zero(t, testing.AllocsPerRun(50, step))
}

func BenchmarkQueue(b *testing.B) {
	var q Queue
	for i := range 200 {
		q.Push(time.Duration(i), 0, 0, 0)
	}
	b.ReportAllocs()
	for b.Loop() {
		e := q.Pop()
		q.Push(e.At+time.Duration(100+e.At%37), 0, 0, 0)
	}
}
