package cascade

import (
	"fmt"
	"testing"
)

func TestProfile(t *testing.T) {
	for seed := uint64(1); seed <= 6; seed++ {
		r := run(t, replayed(seed, 300, Action{At: sec(30), Do: Scale, N: 500}, Action{At: sec(90), Do: Delay, For: sec(4)}, Action{At: sec(270), Do: Delay}))
		for i := 90; i < 270; i += 20 {
			fmt.Printf("%.0f/%.0f ", 20*mean(r, "etcd writes", i, i+20), 20*mean(r, "etcd proposals", i, i+20))
		}
		fmt.Println()
	}
}
func TestHyst(t *testing.T) {
	for _, base := range []float64{1, 2} {
		for seed := uint64(1); seed <= 6; seed++ {
			s := replayed(seed, 370, Action{At: sec(10), Do: Scale, N: 500}, Action{At: sec(40), Do: Delay, For: sec(base)}, Action{At: sec(100), Do: Delay, For: sec(8)}, Action{At: sec(220), Do: Delay, For: sec(base)})
			s.OtherPods = 20
			r := run(t, s)
			fmt.Printf("base %v seed %d: ", base, seed)
			for i := 40; i < 370; i += 10 {
				fmt.Printf("%.0f/%.0f ", mean(r, "etcd writes", i, i+10), mean(r, "etcd proposals", i, i+10))
			}
			fmt.Println(r.Verdict, r.Totals.PeakNotReady)
		}
	}
}
func TestMany(t *testing.T) {
	for _, d := range []float64{1.5, 2, 2.25, 2.5, 2.75, 3, 3.5, 4, 6, 8} {
		for seed := uint64(1); seed <= 10; seed++ {
			r := run(t, replayed(seed, 530, Action{At: sec(30), Do: Scale, N: 500}, Action{At: sec(90), Do: Delay, For: sec(d)}, Action{At: sec(270), Do: Delay}))
			fmt.Printf("%.0f%%/%d/%.0f/%.0f ", 100*mean(r, "wasted proposals", 90, 270)/mean(r, "etcd proposals", 90, 270), r.Totals.PeakNotReady, r.Totals.FirstNotReady.Seconds()-90, r.Verdict.Recovered.Seconds())
		}
		fmt.Println(d)
	}
}
