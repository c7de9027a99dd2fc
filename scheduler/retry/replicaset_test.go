package retry

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newReplicaSet(t testing.TB, replicas int, api ReplicaSetAPI) *ReplicaSet {
	r, err := NewReplicaSet(ReplicaSetConfig{Version: V1_37}, replicas)
	require.NoError(t, err)
	require.NoError(t, r.SetAPI(api))
	return r
}

// when advances until the count has reached n and says when that was.
func when(r *ReplicaSet, n int, count func(ReplicaSetStep) int) time.Duration {
	for count(r.Total()) < n && r.Now() < time.Hour {
		r.Advance(r.Now() + time.Millisecond)
	}
	return r.Now()
}

func creates(s ReplicaSetStep) int { return s.Creates }

// The ramp of the incident, as the real controller of v1.37.2 made it on an idle
// machine (validation/RESULTS/retry.md): when the n-th of 450 pods was in etcd.
func TestRampIsTheMeasuredOne(t *testing.T) {
	r := newReplicaSet(t, 0, ReplicaSetAPI{Latency: 6 * time.Millisecond})
	r.Scale(450)
	for _, m := range []struct {
		pods int
		at   time.Duration
	}{
		{31, 369 * time.Millisecond}, {63, 2025 * time.Millisecond}, {127, 5267 * time.Millisecond},
		{255, 11715 * time.Millisecond}, {350, 16516 * time.Millisecond}, {450, 21518 * time.Millisecond},
	} {
		assert.InDelta(
			t, m.at.Seconds(), when(r, m.pods, creates).Seconds(), max(0.15, 0.01*m.at.Seconds()), "%d pods", m.pods,
		)
	}
	r.Advance(time.Minute)
	assert.Equal(t, ReplicaSetStep{Creates: 450, StatusUpdates: 2, EventCreates: 10, EventUpdates: 15}, r.Total())
}

// A quota of 40 against 20 pods that are to be 100: eleven of the batch of sixteen are
// refused, then one at a time, ever more rarely. Times are those of the real controller.
func TestRefusalsAreTheMeasuredOnes(t *testing.T) {
	r := newReplicaSet(t, 0, ReplicaSetAPI{Latency: 5 * time.Millisecond, Quota: 40})
	r.Scale(20)
	r.Advance(30 * time.Second)
	before := r.Total()
	r.Scale(100)
	refusals := func(s ReplicaSetStep) int { return s.Refusals }
	for _, m := range []struct {
		refusal int
		at      float64
	}{{11, 0.32}, {12, 0.52}, {18, 1.27}, {19, 1.91}, {20, 3.20}, {21, 5.76}, {22, 10.88}, {23, 21.13}, {24, 41.62}} {
		assert.InDelta(t, m.at, when(r, m.refusal, refusals).Seconds()-30, max(0.4, 0.05*m.at), "refusal %d", m.refusal)
	}
	r.Advance(100 * time.Second)
	after := r.Total()
	assert.Equal(t, 20, after.Creates-before.Creates)
	assert.Equal(t, 24, after.Refusals)
	assert.Equal(t, 10, after.EventCreates-before.EventCreates, "nine refusals and their aggregate")
	assert.Equal(t, 19, after.EventUpdates-before.EventUpdates, "14 of the aggregate of refusals, 5 of the creations'")
	next, waits := r.NextRetry()
	assert.True(t, waits)
	assert.InDelta(t, 82.6, next.Seconds()-30, 2)
}

// A scale-down waits for the end of the scale-up that it takes back.
func TestScaleDownWaitsForTheRamp(t *testing.T) {
	r := newReplicaSet(t, 50, ReplicaSetAPI{Latency: 5 * time.Millisecond})
	r.Scale(500)
	r.Advance(3 * time.Second)
	r.Scale(50)
	assert.Equal(t, ReplicaSetStep{}.Deletes, r.Advance(20*time.Second).Deletes)
	r.Advance(60 * time.Second)
	assert.Equal(t, 450, r.Total().Creates)
	assert.Equal(t, 450, r.Total().Deletes)
	assert.Equal(t, 50, r.Active())
}

// Pods that terminate count in the quota until they are gone: a scale-up that follows a
// scale-down is refused so long.
func TestTerminatingPodsCountInTheQuota(t *testing.T) {
	r := newReplicaSet(t, 0, ReplicaSetAPI{Latency: 5 * time.Millisecond, Quota: 40})
	r.Scale(40)
	r.Advance(10 * time.Second)
	r.SetReady(40)
	r.Advance(20 * time.Second)
	r.Scale(10)
	r.Advance(25 * time.Second)
	assert.Equal(t, 30, r.Total().Deletes)
	r.Scale(40)
	s := r.Advance(35 * time.Second)
	assert.Zero(t, s.Creates, "10 run, 30 terminate")
	assert.GreaterOrEqual(t, s.Refusals, 10)
	r.Gone(20)
	s = r.Advance(45 * time.Second)
	assert.Equal(t, 20, s.Creates)
	assert.NotZero(t, s.Refusals)
	r.Gone(10)
	r.Advance(55 * time.Second)
	assert.Equal(t, 40, r.Active())
}

// A scale-down from 10 to 4 and back a second later under a quota of 10, whose six pods were
// gone 2.035 to 2.042 s after its beginning: the real controller of v1.37.2 was refused 8
// times until then, and had created the six after 2.118 s.
func TestScaleUpWhilePodsTerminateIsTheMeasuredOne(t *testing.T) {
	r := newReplicaSet(t, 10, ReplicaSetAPI{Latency: 5 * time.Millisecond, Quota: 10})
	r.SetReady(10)
	r.Advance(time.Minute)
	r.Scale(4)
	r.Advance(time.Minute + time.Second)
	r.Scale(10)
	r.Advance(time.Minute + 2035*time.Millisecond)
	assert.Zero(t, r.Total().Creates)
	assert.InDelta(t, 8, r.Total().Refusals, 1)
	for range 6 {
		r.Gone(1)
		r.Advance(r.Now() + 1400*time.Microsecond)
	}
	assert.InDelta(t, 2.118, when(r, 6, creates).Seconds()-60, 0.1)
}

// Pods that others take away leave no more ready ones than there are, so that the next
// scale-down makes at most what it deletes terminate; the quota is free of them at once
// if they are gone, and when they are gone if they terminate.
func TestLostPods(t *testing.T) {
	r := newReplicaSet(t, 10, ReplicaSetAPI{Latency: 5 * time.Millisecond, Quota: 10})
	r.SetReady(10)
	r.Advance(time.Second)
	r.Scale(5)
	r.Lose(5)
	assert.Equal(t, 5, r.Active())
	s := r.Advance(2 * time.Second)
	assert.Equal(t, ReplicaSetStep{StatusUpdates: 1, QuotaUpdates: 2}, s, "the five share two updates of the usage")
	r.Scale(3)
	assert.Equal(t, 2, r.Advance(3*time.Second).Deletes)
	r.Gone(7)
	assert.Zero(t, r.terminating)
	assert.Equal(t, 2, r.Advance(4*time.Second).QuotaUpdates, "two were terminating, not seven")
	assert.Equal(t, status{desired: 3, replicas: 3, ready: 3}, r.reported)

	r.SetReady(9) // late news of pods that are no more
	r.Scale(1)
	r.Advance(5 * time.Second)
	assert.Equal(t, 2, r.terminating)
	assert.Equal(t, 1, r.ready)

	e := newReplicaSet(t, 10, ReplicaSetAPI{Latency: 5 * time.Millisecond, Quota: 10})
	e.SetReady(10)
	e.Advance(time.Second)
	e.Terminate(1)
	s = e.Advance(2 * time.Second)
	assert.Zero(t, s.Creates+s.QuotaUpdates, "evicted, and the quota is full")
	assert.NotZero(t, s.Refusals)
	e.Gone(1)
	s = e.Advance(3 * time.Second)
	assert.Equal(t, 1, s.Creates)
	e.Terminate(-1)
	e.Lose(99)
	assert.Zero(t, e.Active())
}

func TestFailedCreationsAreTriedAgain(t *testing.T) {
	r := newReplicaSet(t, 0, ReplicaSetAPI{Latency: 5 * time.Millisecond, Errors: 0.3})
	r.Scale(60)
	r.Advance(5 * time.Minute)
	assert.Equal(t, 60, r.Active(), "%+v", r.Total())
	assert.NotZero(t, r.Total().Errors)
}

func TestReplicaSetRefusesNonsense(t *testing.T) {
	_, err := NewReplicaSet(ReplicaSetConfig{}, -1)
	assert.ErrorIs(t, err, ErrInput)
	_, err = NewReplicaSet(ReplicaSetConfig{Version: 33 << 8}, 1)
	assert.ErrorContains(t, err, "retry: Version is v1.33, want v1.29 or v1.37")
	assert.ErrorContains(
		t, newReplicaSet(t, 1, ReplicaSetAPI{}).SetAPI(ReplicaSetAPI{Errors: 2}),
		"retry: ReplicaSetAPI.Errors is 2, want 0 to 1",
	)
}
