package retry

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newQueue(t testing.TB, c Config) *Queue {
	q, err := NewQueue(c)
	require.NoError(t, err)
	return q
}

// surge adds 450 pods at the 20 a second that the ReplicaSet controller's client allows.
func surge(q *Queue) Step {
	var sum Step
	end := q.Now() + 60*time.Second
	for i := 0; i < 450; {
		n := min(20, 450-i)
		q.Add(n)
		i += n
		sum.add(q.Advance(q.Now() + time.Second))
	}
	sum.add(q.Advance(end))
	return sum
}

// The three phases of the incident's control plane, as they were measured on real
// components (validation/RESULTS/retry.md; validation/controlplane measures them again).
func TestThreePhases(t *testing.T) {
	q := newQueue(t, Config{Version: V1_37})
	p1 := surge(q)
	assert.Equal(t, Step{Attempts: 450, PodPatches: 450, EventCreates: 450}, p1, "none fits")

	var p2, p3 Step
	for range 15 {
		q.Wake()
		p2.add(q.Advance(q.Now() + 4*time.Second))
	}
	assert.Equal(t, Step{Attempts: 6750, EventCreates: 450, EventUpdates: 450}, p2, "woken every 4 s")

	for i := range 15 {
		q.SetMessage(i+1, ByFit|ByTaint)
		q.Wake()
		p3.add(q.Advance(q.Now() + 4*time.Second))
	}
	assert.InEpsilon(t, 3104, p3.Attempts, 0.03, "woken, and the message changes")
	assert.InEpsilon(t, 3104, p3.PodPatches, 0.03)
	assert.InEpsilon(t, 2653, p3.EventCreates, 0.03)
	assert.Zero(t, p3.EventUpdates)
}
