package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/kube"
)

// kubectl without a --timeout says "scaled" when the PATCH has landed. With one it says so when
// the replicas are there: 450 deletes at 20/s.
func TestScaleIsAcknowledged(t *testing.T) {
	s := scenario.Scenario{Length: 10 * time.Minute, Actions: []scenario.Action{scale(30, 500), scale(120, 50)}}
	r := run(t, s)
	require.Less(t, r.Totals.ScaleAcked, time.Second)
	s.Actions[1].For = 10 * time.Minute
	r = run(t, s)
	require.InDelta(t, 420.0/20, r.Totals.ScaleAcked.Seconds(), 2, "30 of burst, the others at 20/s, a poll every second")
	require.Zero(t, r.Totals.ScaleFailed)
	// It waits no longer than it was told to.
	s.Actions[1].For = 10 * time.Second
	r = run(t, s)
	require.Equal(t, 1, r.Totals.ScaleFailed, "timed out waiting")
	require.Less(t, r.Totals.ScaleTook, time.Second, "the replicas are set all the same")
	// Another number of replicas in between ends the wait.
	s.Actions[1].For = 10 * time.Minute
	s.Actions = append(s.Actions, scale(125, 60))
	r = run(t, s)
	require.Less(t, r.Totals.ScaleAcked, 10*time.Second, "something else has set the scale")
}

// On a disk of 4 s one command after the other fails, and none waits.
func TestScaleFailsWithoutAnAPIServer(t *testing.T) {
	s := scenario.Scenario{Length: time.Hour, Actions: []scenario.Action{
		scale(30, 500), slow(60, 4), {At: sec(600), Do: scenario.Scale, N: 50, For: 10 * time.Minute}, fast(1800),
	}}
	r := run(t, s)
	require.Greater(t, r.Totals.ScaleFailed, 100)
	require.Greater(t, r.Totals.ScaleAcked, 20*time.Minute)
	require.Greater(t, r.Totals.ScaleAcked, r.Totals.ScaleTook)
}

// A scheduler that is restarted has given its lease back. The next controller manager waits until
// the lease of the old one runs out.
func TestRestartOfAComponent(t *testing.T) {
	for _, v := range []kube.Version{kube.V1_29, kube.V1_37} {
		back := func(what string, n int) (time.Duration, *story.Result) {
			r := run(t, scenario.Scenario{
				Version: v, Length: 10 * time.Minute, Grid: time.Second, Servers: 3, Etcd: scenario.Etcd{Members: 3},
				Actions: []scenario.Action{scale(30, 500), {At: sec(120), Do: scenario.Restart, What: what, N: n}},
			})
			for _, e := range r.Timeline {
				if e.Kind == story.LeaderAcquired || e.Kind == story.ServerReady {
					return e.At - sec(120), r
				}
			}
			return 0, r
		}
		at, r := back("kube-scheduler", 0)
		require.InDelta(t, 1, at.Seconds(), 0.2)
		require.GreaterOrEqual(t, r.Totals.Attempts, 900, "every pending pod again")
		at, _ = back("kube-controller-manager", 0)
		require.InDelta(t, 16, at.Seconds(), 5, "the lease's 15 s, and a retry")
		at, _ = back("kube-apiserver", 2)
		require.InDelta(t, 5, at.Seconds(), 1)
		_, r = back("etcd", 0)
		require.Equal(t, 1, r.Totals.Term, "another member leads")
		require.Equal(t, story.Degraded == r.Verdict.State, r.Verdict.State != story.Healthy)
	}
}

// Events that were cleared are gone: a second look finds those written since.
func TestClearedEventsAreGone(t *testing.T) {
	r := run(t, scenario.Scenario{Length: time.Hour, Actions: []scenario.Action{
		scale(30, 500), {At: sec(60), Do: scenario.Clear}, {At: sec(90), Do: scenario.Clear},
		{At: sec(3000), Do: scenario.Clear},
	}})
	var who []string
	for _, e := range r.Timeline {
		if e.Kind == story.EventsCleared {
			who = append(who, e.Who)
		}
	}
	require.Equal(t, []string{"450", "0"}, who[:2])
	require.Greater(t, who[2], "0")
}

// More room is used at once, by the pods that wait.
func TestRoomIsFilled(t *testing.T) {
	r := run(t, scenario.Scenario{
		Length: 10 * time.Minute, Grid: time.Second,
		Actions: []scenario.Action{scale(30, 500), {At: sec(120), Do: scenario.Room, N: 150}},
	})
	require.Equal(t, 100, r.Totals.Bound)
	require.Equal(t, 350.0, r.Values("pods pending")[200])
	require.Equal(t, 150.0, r.Values("endpoints ready")[200])
}
