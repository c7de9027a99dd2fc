package etcdmodel

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// One slow follower holds up its own clients only. Simulation and closed form agree on how long,
// and so on whether the load holds.
func TestEstimateOfALaggingFollower(t *testing.T) {
	fast := FixedDisk(time.Millisecond)
	var miss []float64
	for _, slow := range []time.Duration{ms(20), ms(100), ms(300), time.Second, 2 * time.Second} {
		for _, rate := range []float64{5, 20, 100} {
			c := Cluster{Disks: []Disk{fast, FixedDisk(slow), fast}}
			p, e := must(t, Predict, c, streams(update, rate)), must(t, Estimate, c, streams(update, rate))
			miss = append(miss, math.Abs(math.Log(e.Commit.P99.Seconds()/p.Commit.P99.Seconds())))
			assert.Less(t, e.Commit.P50, 10*time.Millisecond, "others do not wait: %v, %v/s", slow, rate)
			assert.Equal(t, p.Holds, e.Holds, "%v, %v/s: p99 %v and %v", slow, rate, p.Commit.P99, e.Commit.P99)
		}
	}
	t.Logf("p99: median distance %.0f %%", 100*median(miss))
	assert.Less(t, median(miss), 0.15)

	c := Cluster{Disks: []Disk{fast, FixedDisk(2 * time.Second), fast}}
	only := streams(update, 20)
	only.LeaderOnly = true
	assert.True(t, must(t, Estimate, c, only).Holds, "nobody talks to it")
}

// Closed clients of a lagging follower send fewer requests, unless they change the member.
func TestEstimateOfClientsOfALaggingFollower(t *testing.T) {
	c := Cluster{
		Disks: []Disk{FixedDisk(ms(10)), FixedDisk(time.Second), FixedDisk(ms(10))}, CompactEvery: NoCompaction,
	}
	for _, robin := range []bool{false, true} {
		l := Load{Clients: 30, Op: update, Keys: 100, RoundRobin: robin}
		p, e := must(t, Predict, c, l), must(t, Estimate, c, l)
		t.Logf("round robin %v: %.1f/s simulated, %.1f/s estimated; p50 %v, %v",
			robin, p.Throughput, e.Throughput, p.Commit.P50, e.Commit.P50)
		assert.InEpsilon(t, p.Throughput, e.Throughput, 0.6, "%v", robin)
	}
}

// Both answers take off what etcd's own timeout answers first.
func TestEstimateOfTimeouts(t *testing.T) {
	for _, d := range []time.Duration{2 * time.Second, 2500 * time.Millisecond, 7450 * time.Millisecond} {
		c := Cluster{Disks: []Disk{FixedDisk(d)}}
		p, e := must(t, Predict, c, streams(update, 0.6)), must(t, Estimate, c, streams(update, 0.6))
		assert.InDelta(t, p.TimedOut, e.TimedOut, 0.2, "%v", d)
		assert.InDelta(t, p.Writes, e.Writes, 0.2, "%v", d)
		assert.InDelta(t, 0.6, e.Writes+e.TimedOut, 1e-9)
		assert.Contains(t, checksOf(e), CheckTimeouts, "%v", d)
		if !e.Commit.Empty() {
			assert.LessOrEqual(t, e.Commit.Max, c.WithDefaults().requestTimeout())
		}
	}
}

// A db that begins at its quota refuses what puts, in both answers, and goes on with the rest.
func TestEstimateAtTheQuota(t *testing.T) {
	c := Cluster{State: State{Total: 3 << 30, InUse: 1 << 30, Keys: 1000}}
	read, remove := Op{Kind: Range, Key: 60, Value: 525}, Op{Kind: TxnDelete, Key: 60}
	for name, l := range map[string]Load{
		"updates": streams(update, 100),
		"beside reads and deletes": {Streams: []Stream{
			{Op: update, Rate: 100, Keys: 100}, {Op: read, Rate: 200}, {Op: remove, Rate: 50},
		}},
	} {
		p, e := must(t, Predict, c, l), must(t, Estimate, c, l)
		assert.InEpsilon(t, 100, e.Refused, 1e-9, name)
		assert.InEpsilon(t, p.Refused, e.Refused, 0.1, name)
		assert.InDelta(t, p.Writes, e.Writes, 10, name)
		assert.InDelta(t, p.Throughput, e.Throughput, 30, name)
		assert.Equal(t, p.Commit.Empty(), e.Commit.Empty(), name)
		assert.Zero(t, e.DB.QuotaIn, name)
		assert.Contains(t, checksOf(e), CheckRefusals, name)
		if p.Writes == 0 {
			assert.Zero(t, e.WALBytes+e.Fsyncs, name)
		}
	}
}
