package retry

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/kube"
)

// simulated runs the queue under the pressure for an hour after a half hour's warm-up.
func simulated(t testing.TB, v Version, p Pressure) Load {
	q := newQueue(t, Config{
		Version: v, Attempt: p.Attempt, QPS: p.QPS, Burst: p.Burst, EventQPS: p.EventQPS, EventBurst: p.EventBurst,
	})
	require.NoError(t, q.SetAPI(API{Latency: p.Latency}))
	q.Add(p.Pods)
	every := func(rate float64) time.Duration {
		if rate == 0 {
			return math.MaxInt64
		}
		return time.Duration(float64(time.Second) / rate)
	}
	wake, change := every(p.Wakes), every(p.MessageChanges)
	nextWake, nextChange := wake, change
	const warm, end = 30 * time.Minute, 90 * time.Minute
	var before Step
	backlog := 0
	for message := 1; q.Now() < end; {
		to := min(nextWake, nextChange, end)
		if q.Now() < warm {
			to = min(to, warm)
		}
		q.Advance(to)
		if to == warm {
			before, backlog = q.Total(), q.Status().EventBacklog
		}
		if to == nextChange {
			q.SetMessage(message, ByFit|ByTaint)
			nextChange += change
			message++
		}
		if to == nextWake {
			q.Wake()
			nextWake += wake
		}
	}
	after := q.Total()
	rate := func(a, b int) float64 { return float64(b-a) / (end - warm).Seconds() }
	return Load{
		Attempts: rate(before.Attempts, after.Attempts), PodPatches: rate(before.PodPatches, after.PodPatches),
		EventCreates: rate(
			before.EventCreates, after.EventCreates,
		), EventUpdates: rate(before.EventUpdates, after.EventUpdates),
		EventBacklog: rate(backlog, q.Status().EventBacklog), LiveEvents: float64(q.Status().LiveEvents),
	}
}

// TestPredictIsTheQueueInTheLongRun walks the range that Predict claims. The periods have
// no common measure, so that wakes and changes are independent.
func TestPredictIsTheQueueInTheLongRun(t *testing.T) {
	worst := map[string]float64{}
	tight := true
	near := func(what string, want, got, rel, abs float64, in string) {
		off := math.Abs(got - want)
		if !tight {
			rel = 0.35
		}
		assert.LessOrEqual(t, off, rel*want+abs, "%s: queue %.3f, Predict %.3f: %s", what, want, got, in)
		if want > 1 && tight {
			worst[what] = max(worst[what], off/want)
		}
	}
	for _, v := range []Version{V1_29, V1_37} {
		for _, pods := range []int{20, 450, 2000} {
			for _, wake := range []float64{0, 0.011, 0.0503, 0.263, 1.07} {
				for _, change := range []float64{0, 0.0031, 0.0203, 0.11, 0.31} {
					for _, latency := range []time.Duration{0, 8 * time.Millisecond, 120 * time.Millisecond} {
						p := Pressure{Pods: pods, Wakes: wake, MessageChanges: change, Latency: latency}
						want := simulated(t, v, p)
						got, err := Predict(v, p)
						require.NoError(t, err)
						in := fmt.Sprintf("%v %+v %s", v, p, got.Bound)
						filled := float64(pods) * change * max(1/50.0, (DefaultAttempt+latency).Seconds())
						tight = filled < 0.7 || filled > 1
						near("attempts", want.Attempts, got.Attempts, 0.05, 0.05, in)
						near("patches", want.PodPatches, got.PodPatches, 0.10, 0.05, in)
						near("event creates", want.EventCreates, got.EventCreates, 0.10, 0.05, in)
						near("event updates", want.EventUpdates, got.EventUpdates, 0.10, 0.05, in)
					}
				}
			}
		}
	}
	t.Logf("worst relative error where the queue does more than 1/s: %v", worst)
}

// Zero is the newest modelled version, and a patch release behaves as its minor.
func TestVersions(t *testing.T) {
	patch, err := kube.Parse("v1.29.4")
	require.NoError(t, err)
	p := Pressure{Pods: 450, Wakes: 0.25, MessageChanges: 0.1}
	loads := map[Version]Load{}
	for _, v := range []Version{0, V1_29, patch, V1_37} {
		loads[v], err = Predict(v, p)
		require.NoError(t, err)
	}
	assert.Equal(t, loads[V1_37], loads[0])
	assert.Equal(t, loads[V1_29], loads[patch])
	assert.NotEqual(t, loads[V1_29], loads[V1_37])
	for _, v := range []Version{V1_29, patch} { // a full node that loses its taint wakes nobody in v1.29
		wakes, err := Wakes(v, ClusterEvent{Kind: NodeTaintRemoved}, ByTaint)
		require.NoError(t, err)
		assert.False(t, wakes)
	}
	wakes, err := Wakes(0, ClusterEvent{Kind: NodeTaintRemoved}, ByTaint)
	require.NoError(t, err)
	assert.True(t, wakes)
	_, err = Wakes(33<<8, ClusterEvent{}, ByTaint)
	require.ErrorIs(t, err, ErrInput)
	_, err = NewWorkload(33 << 8)
	require.ErrorIs(t, err, ErrInput)
}

func TestPredictRefusesNonsense(t *testing.T) {
	for _, p := range []Pressure{
		{Pods: -1}, {Pods: 1, Wakes: math.NaN()}, {Pods: 1, Latency: -1}, {Pods: 1, QPS: math.Inf(1)},
	} {
		l, err := Predict(V1_37, p)
		assert.ErrorIs(t, err, ErrInput)
		assert.Zero(t, l)
	}
	_, err := Predict(33<<8, Pressure{})
	require.ErrorIs(t, err, ErrInput)
	require.ErrorContains(t, err, "retry: Version is v1.33, want v1.29 or v1.37")
}
