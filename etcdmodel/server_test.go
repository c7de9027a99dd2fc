package etcdmodel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestServerPace prints what a slow disk does to the incident's load; the asserts are in replay_test.go.
func TestServerPace(t *testing.T) {
	for _, members := range []int{1, 3} {
		for _, d := range []time.Duration{time.Millisecond, 50 * time.Millisecond, 200 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second} {
			s, err := NewServer(Cluster{Version: V3_5, Members: members, Disks: []Disk{FixedDisk(d)}, Seed: 1},
				[]Stream{{Name: "lease", Op: Op{Kind: TxnUpdate, Key: 60, Value: 525}, Keys: 100}})
			require.NoError(t, err)
			var fsyncs, commits, timedOut, wasted, late int
			var latency, slowest time.Duration
			for range 18000 {
				r := s.Step(10*time.Millisecond, []float64{0.11})
				fsyncs += r.Fsyncs
				late += r.BeatsLate
				commits += r.Classes[0].Committed
				timedOut += r.Classes[0].TimedOut
				wasted += r.Classes[0].Wasted
				latency += r.Classes[0].Latency
				slowest = max(slowest, r.Classes[0].Slowest)
			}
			t.Logf("%d members D=%v: commits/s %.1f fsyncs/s %.2f (x D %.2f) mean %.2f D max %.2f D timed out %d wasted %d late %d term %d db %v",
				members, d, float64(commits)/180, float64(fsyncs)/180, float64(fsyncs)/180*d.Seconds(),
				float64(latency)/float64(max(1, commits))/float64(d), float64(slowest)/float64(d), timedOut, wasted, late, s.e.term, s.DB())
		}
	}
}

func BenchmarkServerIncident(b *testing.B) {
	s, err := NewServer(Cluster{Version: V3_5, Seed: 1, Disks: []Disk{FixedDisk(50 * time.Millisecond)}},
		[]Stream{{Op: Op{Kind: TxnUpdate, Key: 60, Value: 525}, Keys: 100}, {Op: Op{Kind: TxnCreate, Key: 70, Value: 834, Lease: true}}})
	require.NoError(b, err)
	offered := []float64{0.11, 0.45} // 11 and 45 requests/s in steps of 10 ms
	b.ReportAllocs()
	for b.Loop() {
		s.Step(10*time.Millisecond, offered)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
}

// TestServerNextIsExact steps from event to event: every end is heard of at its own instant, and at no other time.
func TestServerNextIsExact(t *testing.T) {
	s, err := NewServer(Cluster{Version: V3_5, Members: 1, Disks: []Disk{FixedDisk(time.Second)}}, []Stream{{Op: Op{Kind: TxnUpdate, Key: 40, Value: 525}, Keys: 10}})
	require.NoError(t, err)
	require.NoError(t, s.Submit(0, 1))
	for range 100 {
		step := s.Step(s.Next()-s.Now(), nil)
		if len(step.Done) == 0 {
			continue
		}
		require.Equal(t, step.Now, step.Done[0].At.Truncate(time.Millisecond)+step.Now%time.Millisecond)
		require.InDelta(t, 1, step.Done[0].At.Seconds(), 0.01)
		fsyncs, _ := s.Counted()
		require.Equal(t, 1, fsyncs)
		return
	}
	t.Fatal("the write never ended")
}
