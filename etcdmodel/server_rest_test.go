package etcdmodel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A db that is only counted grows as a simulated one does, and as predicted: to the same plateau,
// and to its quota at the same time.
func TestRestGrowsTheDBAsTheSimulationDoes(t *testing.T) {
	event := Stream{
		Name: "event", Op: Op{Kind: TxnCreate, Key: 75, Value: 834, Lease: true}, TTL: 10 * time.Minute, Rate: 3,
	}
	node := lease
	node.Rate = 10
	c := Cluster{Version: V3_5, Members: 1, Seed: 1, Disks: []Disk{FixedDisk(time.Millisecond)}}
	simulated, counted := newServer(t, c, node, event), newServer(t, c, node, event)
	step := func(dt time.Duration) {
		offered := []float64{10 * dt.Seconds(), 3 * dt.Seconds()}
		simulated.Step(dt, offered)
		counted.Rest(dt, offered)
	}
	for i := range 240 {
		step(15 * time.Second)
		require.InEpsilon(t, simulated.DB().Total+1_000_000, counted.DB().Total+1_000_000, 0.05)
		if (i+1)%20 != 0 { // a compaction that begins is not over
			require.InEpsilon(t, simulated.DB().InUse+1_000_000, counted.DB().InUse+1_000_000, 0.05)
		}
	}
	require.Zero(t, counted.Now())
	p, err := Predict(c, Load{Streams: []Stream{node, event}})
	require.NoError(t, err)
	require.InEpsilon(t, p.DB.Plateau, counted.DB().Total, 0.05)
	// One after the other: what was counted goes on being simulated.
	for range 20 {
		counted.Step(15*time.Second, []float64{150, 45})
		simulated.Step(15*time.Second, []float64{150, 45})
	}
	require.InEpsilon(t, simulated.DB().Total, counted.DB().Total, 0.05)
}

func TestRestMeetsTheQuotaOnTime(t *testing.T) {
	event := Stream{Name: "event", Op: Op{Kind: TxnCreate, Key: 75, Value: 834, Lease: true}, TTL: time.Hour, Rate: 3}
	node := lease
	node.Rate = 10
	for _, quota := range []int64{4e6, 9e6, 14e6} {
		c := Cluster{Version: V3_5, Members: 1, Seed: 1, Quota: quota}
		p, err := Predict(c, Load{Streams: []Stream{node, event}})
		require.NoError(t, err)
		require.Positive(t, p.DB.QuotaIn)
		s, simulated := newServer(t, c, node, event), newServer(t, c, node, event)
		at := time.Duration(0)
		for ; !s.Full() && at < 2*time.Hour; at += time.Second {
			s.Rest(time.Second, []float64{10, 3})
		}
		for !simulated.Full() {
			simulated.Step(time.Second, []float64{10, 3})
		}
		t.Logf("quota %d: counted %v, simulated %v, predicted %v", quota, at, simulated.Now(), p.DB.QuotaIn)
		require.InEpsilon(t, simulated.Now().Seconds(), at.Seconds(), 0.03)
		require.GreaterOrEqual(t, at, p.DB.QuotaIn*97/100, "the prediction is of the size before a compaction")
		require.LessOrEqual(t, at, p.DB.QuotaIn*103/100+5*time.Minute, "which comes every five minutes")
		require.Error(t, s.Disarm(), "compacting alone does not shrink the file")
		s.Compact(0)
		s.Step(time.Minute, nil)
		s.Defrag()
		require.NoError(t, s.Disarm())
		require.False(t, s.Full())
	}
}

// A compaction to a revision that went while the server rested is refused, as any other. It used
// to run for ever.
func TestCompactsNothingTwiceAfterRest(t *testing.T) {
	s := newServer(t, Cluster{Version: V3_5, Members: 1, Disks: []Disk{FixedDisk(time.Millisecond)}}, lease)
	s.Rest(40*time.Minute, []float64{100_000})
	rested := s.DB()
	s.Compact(2 * time.Hour)
	s.Advance(time.Minute)
	require.Equal(t, rested.InUse, s.DB().InUse)
	s.Compact(0)
	s.Advance(time.Minute)
	require.Less(t, s.DB().InUse, rested.InUse)
}

// Writes since the last backend commit are committed when the server wakes, on whatever disk it
// has by then. The writes that come now wait for that. Earlier ones are committed already.
func TestWakesWithTheWritesOfTheLastMoment(t *testing.T) {
	const slow = time.Second
	first := map[time.Duration]int{} // how long the first write takes by when the last was before it
	for seed := range uint64(200) {
		for _, last := range []time.Duration{0, 90 * time.Millisecond, 100 * time.Millisecond} {
			s := newServer(t, Cluster{Version: V3_5, Members: 1, Seed: seed, Disks: []Disk{FixedDisk(time.Millisecond)}}, lease)
			s.Rest(10*time.Second, []float64{100})
			require.NoError(t, s.SetDisk(0, FixedDisk(slow)))
			s.Wake(last)
			require.True(t, s.Idle())
			require.NoError(t, s.Submit(0, 1))
			done := s.AdvanceTo(5 * slow).Done
			require.Len(t, done, 1)
			if done[0].Latency > 3*slow/2 {
				first[last]++
			}
		}
	}
	require.Equal(t, 200, first[0])
	require.InDelta(t, 20, first[90*time.Millisecond], 15, "a tenth of all phases of the timer")
	require.Zero(t, first[100*time.Millisecond])
}
