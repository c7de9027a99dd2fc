package etcdmodel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFaults checks the order that was measured on three members at 200 ms. One slow follower
// leaves p50 alone and hits the clients that talk to it. The leader costs 2 fdatasyncs, all
// followers and all members more.
func TestFaults(t *testing.T) {
	l := Load{Clients: 50, Op: Op{Kind: Put, Key: 46, Value: 1024}, RoundRobin: true}
	faults, err := Faults(Cluster{}, l, FixedDisk(200*time.Millisecond))
	require.NoError(t, err)
	by := map[string]Prediction{}
	for _, f := range faults {
		by[f.Name] = f.Prediction
		t.Logf(
			"%-14s p50 %v p99 %v, %.0f writes/s, %.2f heartbeat intervals/s missed", f.Name, f.Commit.P50, f.Commit.P99,
			f.Throughput, f.HeartbeatsMissed,
		)
	}
	require.Len(t, by, 5)
	assert.Less(t, by["one follower"].Commit.P50, 50*time.Millisecond)
	assert.Greater(t, by["one follower"].Commit.P99, 400*time.Millisecond)
	assert.Greater(t, by["one follower"].Member[2].P50, 10*by["one follower"].Member[0].P50)
	assert.InEpsilon(t, 0.4, by["leader"].Commit.P50.Seconds(), 0.2)
	assert.Zero(t, by["all followers"].HeartbeatsMissed, "a fast leader beats on time")
	assert.Positive(t, by["leader"].HeartbeatsMissed)
	assert.Greater(t, by["all members"].Commit.P50, by["leader"].Commit.P50)

	faults, err = Faults(Cluster{Members: 1}, l, SATASSD())
	require.NoError(t, err)
	assert.Len(t, faults, 2)
	_, err = Faults(Cluster{}, l, Disk{Bandwidth: -1})
	require.ErrorIs(t, err, ErrInput)
}
