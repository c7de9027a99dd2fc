package cascade

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func sec(x float64) time.Duration { return time.Duration(x * 1e9) }

// replayed is the set-up of the replays on real components (facts: 100 nodes, 50 pods, v1.37.2 with a grace of 40 s).
func replayed(seed uint64, length float64, actions ...Action) Scenario {
	return Scenario{Seed: seed, Length: sec(length), Grid: time.Second, Version: 1, Leases: Leases{Grace: 40 * time.Second},
		Observe: true, Uptime: 25 * time.Second, Actions: actions}
}

func TestProbe(t *testing.T) {
	for _, d := range []float64{0.2, 1, 2, 2.5, 3, 4, 8} {
		for seed := uint64(1); seed <= 3; seed++ {
			s := replayed(seed, 530, Action{At: sec(30), Do: Scale, N: 500}, Action{At: sec(90), Do: Delay, For: sec(d)}, Action{At: sec(270), Do: Delay})
			r, err := Run(context.Background(), s)
			if err != nil {
				t.Fatal(err)
			}
			mean := func(n string, a, b int) float64 {
				x := 0.0
				for _, v := range r.Values(n)[a:b] {
					x += v
				}
				return x / float64(b-a)
			}
			T := r.Totals
			fmt.Printf("D=%.1f base %.2f surge %.0f | w/s %.1f wasted %.0f%% fs %.2f p50 %.2f p99 %.2f | first %.0f max %d lead %.0f kill %.0f %v down %v rec %v | after %.1f\n", d,
				mean("etcd writes", 0, 29), 60*mean("etcd writes", 30, 90), mean("etcd writes", 90, 270), 100*mean("wasted proposals", 90, 270)/mean("etcd proposals", 90, 270),
				mean("WAL fsyncs", 90, 270), T.LeaseP50.Seconds(), T.LeaseP99.Seconds(), T.FirstNotReady.Seconds()-90, T.PeakNotReady, T.FirstLeaderLoss.Seconds()-90, T.FirstKill.Seconds()-90,
				r.Verdict.State, r.Verdict.Down, r.Verdict.Recovered, mean("etcd writes", 300, 530))
			if seed == 1 && d == 4 {
				for _, e := range r.Timeline {
					fmt.Println(e)
				}
			}
		}
	}
}
