package cascade

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/util/flowcontrol"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/redline-go/redline/cascade"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/kube"
)

// TestCrashLoopBackOffIsTheKubelets compares the restarts of a container that crashes at random
// times with client-go's own Backoff, asked as the kubelet asks it (kuberuntime_manager.go,
// doBackOff). No restart comes while that is in backoff, and each comes within the kubelet's next
// look.
func TestCrashLoopBackOffIsTheKubelets(t *testing.T) {
	for _, version := range cascade.Modelled() {
		for seed := uint64(1); seed <= 4; seed++ {
			s := cascade.Scenario{
				Seed: seed, Version: version, Length: 8 * time.Hour, Grid: 100 * time.Millisecond, Nodes: 1,
				Workload: scenario.Workload{Replicas: new(1)}, Pods: scenario.Pods{Start: startTime},
			}
			draw := rand.New(rand.NewPCG(seed, 1))
			for at := time.Minute; at < s.Length; at += time.Duration(float64(40*time.Minute) * draw.Float64()) {
				after := time.Duration(draw.ExpFloat64() * draw.Float64() * float64(8*time.Minute))
				s.Actions = append(s.Actions, scenario.Action{At: at, Do: scenario.Crash, N: 1, For: time.Second + after})
			}
			r, err := cascade.Run(context.Background(), s)
			require.NoError(t, err)
			restarts, forgotten := against(t, version, r)
			require.Greater(t, restarts, 30)
			t.Logf("%v, seed %d: %d restarts, %d of them at once", version, seed, restarts, forgotten)
		}
	}
}

// startTime makes each outage longer than a step of the series.
const startTime = 300 * time.Millisecond

// against walks through the pod's exits and starts, and counts the starts, and those that came at
// once.
func against(t *testing.T, version kube.Version, r *cascade.Result) (restarts, atOnce int) {
	const key, most, relist = "pod", 300 * time.Second, time.Second
	zero := time.Unix(0, 0)
	clock := clocktesting.NewFakeClock(zero)
	backoff := flowcontrol.NewFakeBackOff(10*time.Second, most, clock)
	idle, exited := r.Values("pods bound and not serving"), time.Duration(0)
	for i := 1; i < len(idle); i++ {
		now := time.Duration(i) * r.Grid
		switch {
		case idle[i] > idle[i-1]:
			exited = now
		case idle[i] < idle[i-1]:
			restarts++
			now -= startTime
			ts := zero.Add(exited)
			clock.SetTime(zero.Add(now + r.Grid)) // the series shows times up to a step late
			require.False(t, backoff.IsInBackOffSince(key, ts),
				"started %v after it exited, in a backoff of %v", now-exited, backoff.Get(key))
			wait := backoff.Get(key)
			clock.SetTime(ts)
			if !backoff.IsInBackOffSince(key, ts) {
				wait = 0
				atOnce++
			}
			late := relist + 15*time.Second
			if version != kube.V1_29 {
				late = relist + min(wait, time.Minute)/2
			}
			if wait == 0 {
				late = relist
			}
			require.LessOrEqual(t, now-exited, wait+late+2*r.Grid, "backoff %v", wait)
			clock.SetTime(zero.Add(now))
			backoff.Next(key, ts)
		}
	}
	return restarts, atOnce
}
