package retry

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A restarted scheduler tries every pod once and writes a new Event for each, and no
// condition: the pods carry those (measured: 450 attempts, 450 Events).
func TestRestart(t *testing.T) {
	q := newQueue(t, Config{Version: V1_37})
	surge(q)
	q.Stop()
	assert.Zero(t, q.Advance(q.Now()+15*time.Second))
	q.Start()
	assert.Equal(t, Step{Attempts: 450, EventCreates: 450}, q.Advance(q.Now()+time.Minute))
}

// A slow API server slows the loop to one attempt per answer.
func TestLatencyBoundsTheLoop(t *testing.T) {
	q := newQueue(t, Config{Version: V1_37})
	require.NoError(t, q.SetAPI(API{Latency: 2 * time.Second}))
	q.Add(450)
	s := q.Advance(100 * time.Second)
	assert.InDelta(t, 50, s.PodPatches, 1)
	assert.Equal(t, s.Attempts, s.PodPatches)
}

// A patch that fails leaves the condition as it was: the next attempt tries again, with
// the same resourceVersion and so with the same Event.
func TestFailedPatches(t *testing.T) {
	q := newQueue(t, Config{Version: V1_37})
	require.NoError(t, q.SetAPI(API{PatchErrors: 1}))
	q.Add(100)
	assert.Equal(t, Step{Attempts: 100, PodPatches: 100, PatchErrors: 100, EventCreates: 100}, q.Advance(20*time.Second))
	q.Wake()
	assert.Equal(t, Step{Attempts: 100, PodPatches: 100, PatchErrors: 100, EventUpdates: 100}, q.Advance(40*time.Second))
	require.NoError(t, q.SetAPI(API{}))
	q.Wake()
	assert.Equal(t, Step{Attempts: 100, PodPatches: 100}, q.Advance(60*time.Second))
	q.Wake()
	assert.Equal(t, Step{Attempts: 100, EventCreates: 100}, q.Advance(80*time.Second))
}

// Events lost in transport are tried twelve times, 11.25 s apart on average; those that
// the API server rejects are not tried again.
func TestLostEvents(t *testing.T) {
	q := newQueue(t, Config{Version: V1_29})
	require.NoError(t, q.SetAPI(API{EventLosses: 1}))
	q.Add(50)
	q.Advance(4 * time.Minute)
	total := q.Total()
	assert.Equal(t, 50*12, total.EventErrors, "each tried twelve times")
	assert.Equal(t, 50, total.EventDrops)
	assert.Zero(t, total.EventCreates)

	q = newQueue(t, Config{Version: V1_29})
	require.NoError(t, q.SetAPI(API{EventRejects: 0.5}))
	q.Add(50)
	q.Advance(4 * time.Minute)
	assert.Equal(t, 25, q.Total().EventDrops)
	require.NoError(t, q.SetAPI(API{EventLosses: 1}))
	q.Start()
	q.Advance(q.Now() + 5*time.Second)
	require.NoError(t, q.SetAPI(API{}))
	q.Advance(q.Now() + 15*time.Second)
	assert.Zero(t, q.Status().EventBacklog, "written when the API server is back")
}

// Pods that fit are bound, each with a Scheduled Event, and leave.
func TestRoomAppears(t *testing.T) {
	q := newQueue(t, Config{Version: V1_37})
	surge(q)
	q.SetRoom(30)
	q.Event(ClusterEvent{Kind: NodeAdded, Fits: true})
	s := q.Advance(q.Now() + 20*time.Second)
	assert.Equal(t, 30, s.Bound)
	assert.Equal(t, 450, s.Attempts)
	assert.Equal(t, 450, s.EventCreates, "30 Scheduled, 420 FailedScheduling")
	assert.Equal(t, 420, q.Status().Pods())
}

// Events live for an hour after their last write; a series that goes on is refreshed
// every half hour and stays.
func TestEventsExpire(t *testing.T) {
	q := newQueue(t, Config{Version: V1_37})
	surge(q)
	assert.Equal(t, 450, q.Status().LiveEvents)
	assert.Equal(t, 450, q.Remove(1000))
	q.Advance(2 * time.Hour)
	assert.Zero(t, q.Status().LiveEvents)

	q = newQueue(t, Config{Version: V1_37})
	q.Add(100)
	for q.Now() < 4*time.Hour {
		q.Wake()
		q.Advance(q.Now() + time.Minute)
	}
	assert.Equal(t, 100, q.Status().LiveEvents, "one series a pod")
	assert.GreaterOrEqual(t, q.Status().Series, 230, "about one attempt a minute")
}

// Whatever happens, no pod is lost or invented, steps add up, and nothing runs
// backwards.
func TestQueueConserves(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		q := newQueue(t, Config{Version: Modelled()[seed%2]})
		var sum Step
		pods := 0
		for range 300 {
			switch r.IntN(8) {
			case 0:
				n := r.IntN(50)
				q.Add(n)
				pods += n
			case 1:
				pods -= q.Remove(r.IntN(20))
			case 2:
				q.Wake()
			case 3:
				q.SetMessage(r.IntN(3), ByFit)
			case 4:
				require.NoError(
					t,
					q.SetAPI(API{
						Latency: time.Duration(r.IntN(300)) * time.Millisecond, PatchErrors: r.Float64(), EventRejects: 0.1,
						EventLosses: r.Float64() / 2,
					}),
				)
			case 5:
				q.SetRoom(r.IntN(10))
			case 6:
				q.Stop()
			default:
				q.Start()
			}
			s := q.Advance(q.Now() + time.Duration(r.IntN(90_000))*time.Millisecond)
			pods -= s.Bound
			sum.add(s)
			require.Equal(t, pods, q.Status().Pods(), "seed %d", seed)
			require.LessOrEqual(t, s.PatchErrors, s.PodPatches)
			require.LessOrEqual(t, s.PodPatches+s.Bound, s.Attempts)
			require.Equal(t, sum, q.Total())
		}
	}
}

// Stepping allocates nothing once the queue is warm, and the size of the step does not
// change what happens.
func TestStepping(t *testing.T) {
	q, one := newQueue(t, Config{Version: V1_37}), newQueue(t, Config{Version: V1_37})
	q.Add(450)
	one.Add(450)
	message := 0
	minute := func() {
		for range 15 {
			message++
			q.SetMessage(message, ByFit|ByTaint)
			q.Wake()
			one.SetMessage(message, ByFit|ByTaint)
			one.Wake()
			for range 16 {
				q.Advance(q.Now() + 250*time.Millisecond)
			}
			one.Advance(one.Now() + 4*time.Second)
		}
	}
	for range 60 {
		minute()
	}
	assert.Zero(t, testing.AllocsPerRun(10, minute))
	assert.InEpsilon(t, one.Total().Attempts, q.Total().Attempts, 0.001)
	assert.InEpsilon(t, one.Total().Writes(), q.Total().Writes(), 0.001)
}

func TestQueueRefusesNonsense(t *testing.T) {
	_, err := NewQueue(Config{QPS: -1})
	assert.ErrorContains(t, err, "retry: Config.QPS is -1, want 0 (the default) or 0.001 to 1000000")
	assert.ErrorIs(t, err, ErrInput)
	q := newQueue(t, Config{Version: V1_29})
	assert.ErrorContains(t, q.SetAPI(API{PatchErrors: 1.5}), "retry: API.PatchErrors is 1.5, want 0 to 1")
	assert.Error(t, q.SetAPI(API{EventRejects: 0.7, EventLosses: 0.7}))
	assert.Zero(t, q.Advance(-time.Hour))
}
