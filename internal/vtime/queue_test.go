package vtime

import (
	"math/rand/v2"
	"sort"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestQueueIsAStableSort compares the queue with its slow twin: sort.SliceStable by time.
func TestQueueIsAStableSort(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var q Queue
		var want []Event
		for i := range 1 + r.IntN(300) {
			at := time.Duration(r.IntN(40))
			q.Push(at, 3, int32(i), uint32(i))
			want = append(want, Event{At: at, Subject: Subject{Who: int32(i)}})
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

// TestQueueWhileTimePasses pushes while it pops, as a simulation does: soon, on the wheel, beyond
// it and long ago, with rests of minutes.
func TestQueueWhileTimePasses(t *testing.T) {
	for round := range uint64(60) {
		r := rand.New(rand.NewPCG(round, 3))
		var q Queue
		var now time.Duration
		var want []Event // kept sorted
		spans := []time.Duration{1, time.Millisecond, time.Second, 20 * time.Second, 3 * time.Minute, 10 * time.Minute}
		for i := range 3000 {
			if len(want) == 0 || r.IntN(100) < 50-int(round%3) {
				at := now + time.Duration(r.Int64N(int64(spans[r.IntN(len(spans))])))
				if r.IntN(20) == 0 {
					at = max(0, now-time.Second)
				}
				k := sort.Search(len(want), func(k int) bool { return want[k].At > at })
				want = append(want[:k], append([]Event{{At: at, Subject: Subject{Who: int32(i)}}}, want[k:]...)...)
				q.Push(at, 1, int32(i), 0)
			} else {
				require.Equal(t, want[0].At, q.Next())
				e := q.Pop()
				require.Equal(t, want[0].Who, e.Who)
				now, want = max(now, e.At), want[1:]
			}
			require.Equal(t, len(want), q.Len())
		}
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
			q.Push(time.Duration(i*7919%101)<<(20+i%8), 0, 0, 0)
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

// BenchmarkQueue is heartbeats: every node's next one is due 10 to 10.4 s after the one before.
func BenchmarkQueue(b *testing.B) {
	for _, nodes := range []int{100, 5000} {
		b.Run(strconv.Itoa(nodes), func(b *testing.B) {
			var q Queue
			r := rand.New(rand.NewPCG(1, 1))
			for range nodes {
				q.Push(time.Duration(r.Int64N(10e9)), 0, 0, 0)
			}
			b.ReportAllocs()
			for b.Loop() {
				e := q.Pop()
				q.Push(e.At+10*time.Second+time.Duration(r.Int64N(4e8)), 0, 0, 0)
			}
		})
	}
}
