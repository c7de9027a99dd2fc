package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/kube"
)

// A pod that crashes right after each start is started again at once, then 10 s after it exited,
// 20, 40 ... 300 s, by the source.
func TestCrashLoopBackOff(t *testing.T) {
	for _, v := range []kube.Version{kube.V1_29, kube.V1_37} {
		s := scenario.Scenario{
			Version: v, Pods: scenario.Pods{Start: time.Millisecond},
			Actions: []scenario.Action{{At: sec(10), Do: scenario.Crash, N: 1, For: time.Second}},
		}.WithDefaults()
		p, err := newCluster(&s, true)
		require.NoError(t, err)
		var waits []time.Duration
		exited, down := time.Duration(0), false
		for x := sec(9); x < sec(3000); x += 50 * time.Millisecond {
			p.end = x
			p.run()
			switch {
			case p.pods.idle == 1 && !down:
				down, exited = true, x
			case p.pods.idle == 0 && down:
				down, waits = false, append(waits, x-exited)
			}
		}
		backoff := 10 * time.Second
		require.GreaterOrEqual(t, len(waits), 8)
		require.LessOrEqual(t, waits[0], relistPeriod+100*time.Millisecond, "the first time at once")
		for _, w := range waits[1:] {
			require.GreaterOrEqual(t, w, backoff-100*time.Millisecond)
			// A relist finds the exit. Then v1.29 looks every 10 to 15 s, and v1.37 when at most half of
			// the backoff again is over.
			slack := relistPeriod + 15*time.Second
			if v == kube.V1_37 {
				slack = relistPeriod + min(backoff, resync)/2
			}
			require.LessOrEqual(t, w, backoff+slack+100*time.Millisecond, "%v", v)
			backoff = min(2*backoff, 300*time.Second)
		}
		require.LessOrEqual(t, p.rec.wroteBy[forKubeletEvent], spamBurst+3000/300+1, "the spam filter")
		require.Equal(t, p.rec.crashes, len(waits)+p.pods.idle)
	}
}

// After ten minutes without a crash a container starts again at once.
func TestBackOffIsForgottenAfterTenMinutes(t *testing.T) {
	took := func(pause time.Duration) time.Duration {
		s := scenario.Scenario{Actions: []scenario.Action{
			{At: sec(10), Do: scenario.Crash, N: 1}, {At: sec(10) + pause, Do: scenario.Crash, N: 1},
		}}.WithDefaults()
		p, err := newCluster(&s, true)
		require.NoError(t, err)
		p.end = sec(10) + pause
		p.run()
		for p.pods.idle > 0 {
			p.end += 100 * time.Millisecond
			p.run()
		}
		require.Equal(t, 2, p.rec.crashes, "the pod that has crashed before crashes again")
		require.Equal(t, 1, p.pods.crashers)
		return p.end - sec(10) - pause
	}
	require.Greater(t, took(9*time.Minute), 10*time.Second)
	require.Greater(t, took(30*time.Second), 10*time.Second)
	require.Less(t, took(11*time.Minute), 4*time.Second)
}

// Crashes change the endpoints, and kube-proxy follows. Users see errors for as long as either
// lags. Crashes are no work for the CNI plugin, and a healthy control plane does not mind.
func TestCrashesChurnTheEndpoints(t *testing.T) {
	s := scenario.Scenario{
		Length: 20 * time.Minute, Grid: time.Second,
		Pods: scenario.Pods{CNINeedsAPI: true}, Proxy: scenario.Proxy{Services: 4499},
		Actions: []scenario.Action{
			{At: sec(60), Do: scenario.Crash, N: 20, For: 30 * time.Second}, {At: sec(660), Do: scenario.Crash},
		},
	}
	r := run(t, s)
	require.Equal(t, story.Healthy, r.Verdict.State)
	require.Greater(t, r.Totals.Crashes, 60)
	require.Greater(t, r.Totals.ProxySyncs, 20)
	require.InDelta(t, r.Totals.ProxySyncs, 1200*mean(r, "EndpointSlice updates", 0, 1200), 1)
	// 20 of 50 crash within the same instant. Until the next relist, the report, the slice and the
	// rules have followed, 40 % fail.
	require.InDelta(t, 0.4, r.Totals.WorstErrors, 0.02)
	require.InDelta(t, 0.4*2, mean(r, "users' requests failing", 60, 65)*5, 0.4,
		"a relist, 1 s of the endpoints controller, a sync")
	require.Zero(t, mean(r, "users' requests failing", 1100, 1200))
	require.Zero(t, mean(r, "dead endpoints in the rules", 1100, 1200))
	s.Actions = nil
	quiet := run(t, s)
	require.Zero(t, quiet.Totals.ProxySyncs)
	require.Zero(t, quiet.Totals.ErrorSeconds)
}

// A node without power is found out by its Lease. Its pods stay listed until they are marked.
func TestDeadPodsStayListedUntilTheyAreMarked(t *testing.T) {
	s := replayed(1, 600, scenario.Action{At: sec(60), Do: scenario.Down, N: 10, For: 5 * time.Minute})
	s.Pods.CNINeedsAPI = true
	r := run(t, s)
	require.Equal(t, 10, r.Totals.PeakNotReady)
	fails := r.Values("users' requests failing")
	require.InDelta(t, 0.2, mean(r, "users' requests failing", 62, 90), 1e-3, "10 of 50 pods were there")
	require.Zero(t, fails[200], "drained")
	require.Zero(t, fails[500])
	require.Equal(t, 50.0, r.Values("endpoints ready")[500])
	require.Positive(t, r.Totals.Creating)
}

// A liveness probe turns the loss of some pods into the loss of all. Those that are left are at
// their limits, fail their probes and are killed one after the other. Those that come back find
// all the load. Without a probe the pods serve what they can until the others are back.
func TestLivenessProbesKillPodsUnderOverload(t *testing.T) {
	for _, x := range []struct {
		crash    int
		liveness bool
		all      bool
	}{
		{crash: 20, liveness: true, all: false},
		{crash: 40, liveness: false, all: false},
		{crash: 40, liveness: true, all: true},
	} {
		r := run(t, scenario.Scenario{
			Length: time.Hour, Grid: time.Second, Workload: scenario.Workload{Retries: 2},
			Pods: scenario.Pods{Liveness: x.liveness, Start: 30 * time.Second},
			Actions: []scenario.Action{
				{At: sec(60), Do: scenario.Crash, N: x.crash, For: 5 * time.Second}, {At: sec(300), Do: scenario.Crash},
			},
		})
		t.Logf("%+v: %d crashes, worst %.2f, %.0f s of errors",
			x, r.Totals.Crashes, r.Totals.WorstErrors, r.Totals.ErrorSeconds)
		killed := 0
		for _, e := range r.Timeline {
			if e.Kind == story.PodsCrash && e.Cause == story.ByOverload {
				killed += e.N
			}
		}
		require.Equal(t, x.all, killed >= 10, "%d killed", killed)
		require.Equal(t, x.all, r.Totals.WorstErrors == 1)
		require.Equal(t, story.Healthy, r.Verdict.State, "the control plane is none the worse")
	}
}

// Load spikes, an autoscaler asks for pods, and those take half a minute to start. A liveness
// probe kills the old pods before the new ones are there. The autoscaler counts pods that start as
// pods that do nothing yet, and does not run away.
func TestSpikeWithSlowStarts(t *testing.T) {
	spike := func(liveness bool) *story.Result {
		return run(t, scenario.Scenario{
			Length:   30 * time.Minute,
			Workload: scenario.Workload{HPA: &scenario.Autoscaler{Max: 500}, Room: 300, Retries: 1},
			Pods:     scenario.Pods{Start: 30 * time.Second, Liveness: liveness},
			Actions:  []scenario.Action{{At: time.Minute, Do: scenario.Load, N: 400}},
		})
	}
	calm, killed := spike(false), spike(true)
	require.Zero(t, calm.Totals.Crashes)
	require.Greater(t, killed.Totals.Crashes, 50)
	require.Greater(t, killed.Totals.ErrorSeconds, 2*calm.Totals.ErrorSeconds)
	for _, r := range []*story.Result{calm, killed} {
		require.Equal(t, story.Healthy, r.Verdict.State)
		require.Zero(t, mean(r, "users' requests failing", 150, 180), "in the end there are pods enough")
		last := r.Values("endpoints ready")[179]
		require.True(t, last >= 199 && last <= 221,
			"50 pods at 4 times the load are 200 at the target, within the tolerance of a tenth: %v", last)
	}
}
