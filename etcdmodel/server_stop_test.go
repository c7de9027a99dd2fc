package etcdmodel

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// outcome sends a write to a member and returns its first end.
func outcomeOf(t *testing.T, s *Server, member int) Outcome {
	t.Helper()
	tag := uint64(s.Now()) + 1
	require.NoError(t, s.SubmitTo(member, 0, tag))
	for range 1000 {
		for _, d := range s.Step(10*time.Millisecond, nil).Done {
			if d.Tag == tag {
				return d.Outcome
			}
		}
	}
	t.Fatal("no answer")
	return 0
}

// With a follower gone writes go on; with the leader gone they wait for an election; with two gone
// they time out until one is back.
func TestMembersStopAndStart(t *testing.T) {
	for seed := range uint64(10) {
		s := newServer(t, Cluster{Seed: seed}, lease)
		s.Step(time.Second, nil)
		require.NoError(t, s.Stop(2))
		require.False(t, s.Running(2))
		require.Equal(t, Committed, outcomeOf(t, s, 0))
		require.Equal(t, Unavailable, outcomeOf(t, s, 2))
		require.Equal(t, 5, s.Step(time.Second, []float64{0}).Classes[0].Committed+5)
		require.NoError(t, s.Start(2))
		s.Step(time.Second, nil)
		behind, snapshot := s.Behind(2)
		require.Zero(t, behind)
		require.False(t, snapshot)
		require.Equal(t, Committed, outcomeOf(t, s, 2))

		leader := s.Leader()
		require.NoError(t, s.Stop(leader))
		stopped := s.Now()
		for s.Leader() < 0 {
			s.Step(5*time.Millisecond, nil)
		}
		require.InDelta(t, 1.5, (s.Now() - stopped).Seconds(), 0.6)
		next := s.Leader()
		require.ErrorIs(t, s.MoveLeader(leader), ErrInput, "it does not run")

		third := 3 - leader - next
		require.NoError(t, s.Stop(third))
		require.Equal(t, TimedOut, outcomeOf(t, s, next), "no quorum")
		require.NoError(t, s.Start(third))
		s.Step(5*time.Second, nil)
		require.Equal(t, Committed, outcomeOf(t, s, next))
		require.NoError(t, s.Start(leader))
		s.Step(5*time.Second, nil)
		for i := range 3 {
			behind, _ := s.Behind(i)
			require.Zero(t, behind, "member %d", i)
		}
	}
	require.ErrorIs(t, newServer(t, Cluster{}, lease).Stop(3), ErrInput)
}

// A member that returns late is sent the whole db: beyond 5,000 entries behind the leader's last
// cut of its log, which comes every 100 entries since 3.6, and with a snapshot in 3.5.
func TestAMemberReturnsBySnapshot(t *testing.T) {
	for _, x := range []struct {
		v        Version
		entries  int
		snapshot bool
	}{{V3_6, 4000, false}, {V3_6, 6000, true}, {V3_7, 6000, true}, {V3_5, 6000, false}, {V3_5, 106_000, true}} {
		c := Cluster{Version: x.v, Network: 10e6, Disks: []Disk{FixedDisk(100 * time.Microsecond)}}
		s := newServer(t, c, lease)
		require.NoError(t, s.Stop(2))
		for done := 0; done < x.entries; {
			done += s.Step(100*time.Millisecond, []float64{100}).Classes[0].Committed
		}
		s.Step(time.Second, nil)
		require.NoError(t, s.Start(2))
		started, sends := s.Now(), false
		for behind := 1; behind > 0; {
			s.Step(5*time.Millisecond, nil)
			more := false
			behind, more = s.Behind(2)
			sends = sends || more
			require.Less(t, s.Now()-started, time.Minute)
		}
		assert.Equal(t, x.snapshot, sends, "%v after %d", x.v, x.entries)
		if sends {
			assert.InDelta(t, float64(s.File(0))/10e6, (s.Now() - started).Seconds(), 0.3, "the file over the network")
		}
	}
}

// A single member is back after its election, with what it had saved.
func TestASingleMemberRestarts(t *testing.T) {
	s := newServer(t, Cluster{Members: 1}, lease)
	require.Equal(t, Committed, outcomeOf(t, s, 0))
	require.NoError(t, s.Stop(0))
	require.Equal(t, Unavailable, outcomeOf(t, s, 0))
	require.NoError(t, s.Start(0))
	require.Equal(t, Committed, outcomeOf(t, s, 0))
}

// Members stop and start at random under a load: every request ends, and the members agree in the
// end.
func TestMembersStopAtRandom(t *testing.T) {
	for seed := range uint64(30) {
		s := newServer(t, Cluster{Members: 5, Seed: seed, Disks: []Disk{SATASSD()}}, lease)
		r := chance(seed, "test", 0)
		var tag uint64
		ended := map[uint64]int{}
		note := func(step *Step) {
			for _, d := range step.Done {
				if d.Outcome != Wasted {
					ended[d.Tag]++
				}
			}
		}
		for range 3000 {
			tag++
			require.NoError(t, s.SubmitTo(r.IntN(5), 0, tag))
			switch r.IntN(40) {
			case 0, 1:
				require.NoError(t, s.Stop(r.IntN(5)))
			case 2, 3:
				require.NoError(t, s.Start(r.IntN(5)))
			case 4:
				_ = s.MoveLeader(r.IntN(5))
			case 5:
				require.NoError(t, s.SwapDisk(r.IntN(5), FixedDisk(time.Duration(r.IntN(300))*time.Millisecond)))
			}
			note(s.Step(time.Duration(r.IntN(60))*time.Millisecond, nil))
		}
		for i := range 5 {
			require.NoError(t, s.Start(i))
			require.NoError(t, s.SwapDisk(i, NVMe()))
		}
		note(s.Step(20*time.Second, nil))
		for i := range tag {
			require.Equal(t, 1, ended[i+1], "seed %d, request %d", seed, i+1)
		}
		for i := range 5 {
			behind, _ := s.Behind(i)
			require.Zero(t, behind, "seed %d, member %d", seed, i)
		}
	}
}

// An fdatasync under way ends with the block on a disk that is swapped, and keeps its time on one
// that is set.
func TestSwapDiskEndsABlock(t *testing.T) {
	for swap, want := range map[bool]float64{true: 1, false: 30} {
		s := newServer(t, Cluster{Members: 1, Disks: []Disk{FixedDisk(30 * time.Second)}}, lease)
		require.NoError(t, s.Submit(0, 1))
		s.Step(time.Second, nil)
		if swap {
			require.NoError(t, s.SwapDisks(NVMe()))
		} else {
			require.NoError(t, s.SetDisks(NVMe()))
		}
		for s.Saving() > 0 {
			s.Step(10*time.Millisecond, nil)
		}
		require.InDelta(t, want, s.Now().Seconds(), 0.05)
	}
	s := newServer(t, Cluster{Members: 1, Disks: []Disk{NVMe()}}, lease)
	require.NoError(t, s.Submit(0, 1))
	for s.Saving() == 0 {
		s.Step(10*time.Microsecond, nil)
	}
	require.NoError(t, s.SwapDisks(FixedDisk(4*time.Second)))
	for s.Saving() > 0 {
		s.Step(10*time.Millisecond, nil)
	}
	require.InDelta(t, 4, s.Now().Seconds(), 0.05, "a block holds what is under way")
}

// No call hangs or panics, whatever the numbers, on a zero Server neither.
func TestServerTakesHostileNumbers(t *testing.T) {
	times := []time.Duration{0, -1, math.MinInt64, 1, time.Hour, 1_000_000 * time.Hour, math.MaxInt64}
	offers := [][]float64{nil, {}, {-1}, {math.NaN()}, {math.Inf(1)}, {math.Inf(-1)}, {1e300}, {1, 2, 3}}
	servers := []*Server{{}, newServer(t, Cluster{Members: 1}, lease), newServer(t, Cluster{}, lease)}
	if racing {
		servers = servers[1:2] // hours of three members' heartbeats take minutes then
	}
	for _, s := range servers {
		for _, d := range times {
			for _, o := range offers {
				before := s.Now()
				require.GreaterOrEqual(t, s.Step(min(d, 2*time.Minute), o).Now, before)
			}
			before := s.Now()
			require.LessOrEqual(t, s.Step(d, nil).Now-before, time.Hour)
			s.Rest(min(d, time.Hour), []float64{1})
			s.Wake(d)
			s.Compact(d)
		}
		require.LessOrEqual(t, s.AdvanceTo(math.MaxInt64).Now, math.MaxInt64/2*time.Nanosecond)
		for _, i := range []int{-1, 9, math.MaxInt, math.MinInt} {
			require.ErrorIs(t, s.Stop(i), ErrInput)
			require.ErrorIs(t, s.Start(i), ErrInput)
			require.ErrorIs(t, s.SwapDisk(i, NVMe()), ErrInput)
			require.ErrorIs(t, s.SubmitTo(i, 0, 1), ErrInput)
			require.ErrorIs(t, s.MoveLeader(i), ErrInput)
			_, err := s.DefragMember(i)
			require.ErrorIs(t, err, ErrInput)
			require.Zero(t, s.File(i))
			require.False(t, s.Running(i))
		}
		require.ErrorIs(t, s.Submit(math.MaxInt, 1), ErrInput)
		require.Empty(t, s.Alarms())
		require.NoError(t, s.Disarm())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.StepContext(ctx, 1_000_000*time.Hour, nil)
		require.ErrorIs(t, err, context.Canceled)
		_, err = s.StepContext(t.Context(), math.MaxInt64, nil)
		require.ErrorIs(t, err, ErrInput)
	}
	require.Equal(t, "Outcome(77)", Outcome(77).String())
	require.Equal(t, "Compactor(-1)", Compactor(-1).String())
	require.ErrorIs(t, Cluster{Compactor: 3}.Check(), ErrInput)
}

// StepContext passes what Step would, piece by piece.
func TestStepContextIsStep(t *testing.T) {
	a, b := newServer(t, Cluster{Members: 1, Seed: 2}, lease), newServer(t, Cluster{Members: 1, Seed: 2}, lease)
	x := a.Step(30*time.Minute, []float64{30_000})
	y, err := b.StepContext(t.Context(), 30*time.Minute, []float64{30_000})
	require.NoError(t, err)
	require.InDelta(t, x.Now.Seconds(), y.Now.Seconds(), 1e-6)
	require.InDelta(t, x.Classes[0].Committed, y.Classes[0].Committed, 2)
}
