package etcdmodel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// A write of 1 MB goes to two followers. On 10 MB/s that takes 0.2 s, and the next waits for it.
func TestBandwidthDelaysLargeValues(t *testing.T) {
	l := Load{Clients: 1, Op: Op{Key: 40, Value: 1_000_000}, LeaderOnly: true, For: 20 * time.Second}
	free := must(t, Predict, Cluster{}, l).Commit.P50
	bound := must(t, Predict, Cluster{Network: 1e7}, l).Commit.P50
	assert.InDelta(t, 0.2, (bound - free).Seconds(), 0.02)
	assert.Equal(t, free, must(t, Predict, Cluster{Network: 1e15}, l).Commit.P50)
}

// The network bounds what both answers sustain, and clients get no more of it.
func TestBandwidthBinds(t *testing.T) {
	c := Cluster{Network: 5e6}
	l := Load{Clients: 100, Op: Op{Key: 40, Value: 4000}, For: 4 * time.Second}
	p := must(t, Predict, c, l)
	assert.Equal(t, BoundNetwork, p.Bound)
	assert.InEpsilon(t, p.Sustainable, p.Throughput, 0.1)
	assert.InEpsilon(t, 5e6/2/4100, p.Sustainable, 0.05)
	assert.InEpsilon(t, p.Throughput, must(t, Estimate, c, l).Throughput, 0.05)
}

// An answer of 1 MB to a range takes the network's time.
func TestBandwidthDelaysRanges(t *testing.T) {
	l := Load{Clients: 1, Op: Op{Kind: SerializableRange, Key: 40, Value: 960, Puts: 1000}, For: 5 * time.Second}
	free := must(t, Predict, Cluster{}, l).Reads.P50
	assert.InDelta(t, 0.1, (must(t, Predict, Cluster{Network: 1.024e7}, l).Reads.P50 - free).Seconds(), 0.01)
}
