package etcdmodel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// script submits requests of a class at their times to a single 3.5 member whose timer never
// commits, and returns when each ended. Class 0 is a write, 1 a revoke, 2 a read, 3 a read index.
// Tags count from one.
func script(t *testing.T, disk time.Duration, requests []struct {
	at    float64
	class int
}, change func(*Server)) []float64 {
	t.Helper()
	s, err := NewServer(Cluster{Version: V3_5, Members: 1, Disks: []Disk{FixedDisk(disk)}, BatchInterval: time.Hour},
		[]Stream{
			{Op: Op{Kind: TxnUpdate, Key: 40, Value: 525}, Keys: 10}, {Op: Op{Kind: LeaseRevoke}},
			{Op: Op{Kind: Range, Key: 40, Value: 525}}, {Op: Op{Kind: ReadIndex}},
		})
	require.NoError(t, err)
	ends := make([]float64, len(requests))
	for now, next := time.Duration(0), 0; now < 60*time.Second; now += 10 * time.Millisecond {
		for next < len(requests) && requests[next].at <= now.Seconds() {
			require.NoError(t, s.Submit(requests[next].class, uint64(next+1)))
			next++
		}
		if change != nil && now == 10*time.Second {
			change(s)
		}
		for _, d := range s.Step(10*time.Millisecond, nil).Done {
			if d.Outcome != TimedOut {
				ends[d.Tag-1] = d.At.Seconds()
			}
		}
	}
	return ends
}

type asked = []struct {
	at    float64
	class int
}

// A read is told when the batch of entries that holds its index has been applied to its end. The
// commit of a revoke behind that index is part of it (server.go, applyAll).
func TestReadsWaitForTheirBatch(t *testing.T) {
	ends := script(t, time.Second, asked{{0, 0}, {0.1, 0}, {0.15, 2}, {0.9, 1}}, nil)
	require.InDelta(t, 1, ends[0], 0.05)
	require.InDelta(t, 2, ends[1], 0.05, "the write before the revoke is applied at once")
	require.InDelta(t, 4, ends[2], 0.05, "the read waits for the two fdatasyncs that the revoke forces")
	ends = script(t, time.Second, asked{{0, 0}, {0.1, 0}, {0.15, 2}}, nil)
	require.InDelta(t, 2, ends[2], 0.05)
}

// A round of reads that has no index after 7 s fails (v3_server.go, requestCurrentIndex). Its
// clients repeat it behind those that came meanwhile, who need not wait for a write that came
// after they last asked.
func TestARoundOfReadsGivesUp(t *testing.T) {
	ends := script(t, 9*time.Second, asked{{0, 0}, {0.1, 2}, {3, 2}, {8.9, 0}}, nil)
	require.InDelta(t, 9, ends[2], 0.05)
	require.InDelta(t, 18, ends[1], 0.05)
}

// A disk is changed during a commit: the first fdatasync ends as it began, the second is the new
// disk's.
func TestADiskChangedDuringACommit(t *testing.T) {
	requests := asked{{0, 0}, {0.1, 1}, {0.2, 0}} // saved at 4 s and at 8 s, then the commit of the revoke
	require.InDelta(t, 16, script(t, 4*time.Second, requests, nil)[2], 0.05)
	mend := func(s *Server) { require.NoError(t, s.SetDisk(0, FixedDisk(time.Second))) }
	require.InDelta(t, 13, script(t, 4*time.Second, requests, mend)[2], 0.05)
}

// A read index alone wants no lock, and the next round does not wait for readers who do.
func TestAReadIndexWaitsForNoLock(t *testing.T) {
	ends := script(t, time.Second, asked{{0, 0}, {0.1, 1}, {2.3, 2}, {2.5, 3}}, nil)
	require.InDelta(t, 4, ends[2], 0.05, "the commit that the revoke forces lasts from 2 to 4 s")
	require.InDelta(t, 2.5, ends[3], 0.05)
}

// A follower's reads wait for its loop and the leader's, there and back.
func TestFollowersReadLater(t *testing.T) {
	s, err := NewServer(Cluster{Version: V3_5, Members: 3, Disks: []Disk{FixedDisk(300 * time.Millisecond)}, Seed: 1},
		[]Stream{{Op: Op{Kind: TxnUpdate, Key: 40, Value: 525}, Keys: 10}, {Op: Op{Kind: Range, Key: 40, Value: 525}}})
	require.NoError(t, err)
	s.Step(5*time.Second, nil)
	leader := s.Leader()
	var took [2]time.Duration
	for i := range 600 {
		require.NoError(t, s.Submit(0, uint64(1)))
		if i%10 == 0 {
			require.NoError(t, s.SubmitTo(leader, 1, 2))
			require.NoError(t, s.SubmitTo((leader+1)%3, 1, 3))
		}
		for _, d := range s.Step(50*time.Millisecond, nil).Done {
			if d.Outcome == Read {
				took[d.Tag-2] += d.Latency / 60
			}
		}
	}
	require.Equal(t, leader, s.Leader())
	require.Greater(t, took[1], took[0]+300*time.Millisecond, "%v at the leader, %v at a follower", took[0], took[1])
}
