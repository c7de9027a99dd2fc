package controlplane

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/validation/etcd/slowdisk"
)

// slowDisk slows etcd's disk while the cluster runs: Lease renewals wait for it, and
// no longer.
func slowDisk(t *testing.T) {
	if err := slowdisk.Supported(); err != nil {
		t.Skip(err)
	}
	s := Scenario{Nodes: 10, SlowDisk: true}
	if long() {
		s.Members = 3
	}
	const delay = 500 * time.Millisecond
	slow, fast := 12*time.Second, 28*time.Second
	s.Length = 40 * time.Second
	s.Actions = []Action{At(slow, SetDisk(-1, delay)), At(fast, SetDisk(-1, 0))}
	r := Run(t, s)
	p50 := func(from, to time.Duration) time.Duration {
		d, n := r.Latency(from, to, 0.5, "heartbeat", "PUT", "leases")
		require.GreaterOrEqual(t, n, 5, "renewals between %v and %v", from, to)
		return d
	}
	before, during, after := p50(0, slow), p50(slow, fast-2*time.Second), p50(fast+2*time.Second, s.Length)
	t.Logf("Lease PUT p50: %v, with fsyncs of %v %v, afterwards %v", before, delay, during, after)
	assert.Less(t, before, delay/2)
	assert.Greater(t, during, delay)
	assert.Less(t, during, 6*delay)
	assert.Less(t, after, delay/2)
	between := func(from, to time.Duration) float64 { return r.At(to).Fsyncs - r.At(from).Fsyncs }
	assert.LessOrEqual(
		t, between(slow+time.Second, fast), (fast-slow).Seconds()/delay.Seconds(), "one fsync after the other",
	)
}
