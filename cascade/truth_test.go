package cascade

import (
	"fmt"
	"sort"
	"testing"
	"time"
)

type probeRun struct {
	lat map[purpose][]time.Duration
}

func sec(x float64) time.Duration { return time.Duration(x * 1e9) }

func TestProbe(t *testing.T) {
	for _, d := range []float64{0.2, 1, 2, 2.5, 3, 4, 8} {
		for seed := uint64(1); seed <= 3; seed++ {
			s := Scenario{Seed: seed, Length: sec(530), Grid: time.Second, Version: 1, Nodes: 100, Servers: 1, Uptime: sec(25),
				Etcd: Etcd{Fsync: time.Millisecond}, Leases: Leases{10 * time.Second, 40 * time.Second},
				Elections: Elections{15 * time.Second, 10 * time.Second, 2 * time.Second}, Livez: Livez{10 * time.Second, 8},
				Workload: Workload{Replicas: 50, Room: 50},
				Actions: []Action{{At: sec(30), Do: Scale, N: 500}, {At: sec(90), Do: Delay, For: sec(d)}, {At: sec(270), Do: Delay}}}
			p := newPlane(&s)
			var lat []float64
			p.latencies = func(w purpose, c code, l time.Duration) {
				if w == forLease && p.now > sec(90) && p.now-l < sec(270) {
					lat = append(lat, l.Seconds())
				}
			}
			var first, lead, kill, clear float64
			maxNR := 0
			p.notes = func(at time.Duration, k EventKind, who string, c cause) {
				x := at.Seconds() - 90
				switch {
				case k == NodeNotReady && first == 0:
					first = x
				case k == LeaderLost && lead == 0:
					lead = x
				case k == LivezKill && kill == 0:
					kill = x
				}
				if k == NodeReady && p.life.notReady == 0 { clear = x-180 }
				maxNR = max(maxNR, p.life.notReady)
			}
			type snap struct{ w, c, wa, f, put, bad int }
			at := map[float64]snap{}
			g := 0.0
			var ans [purposes][codes]int; var wb [purposes]int
			p.onGrid = func() {
				bad := 0
				for c := conflict; c < codes; c++ {
					bad += p.answered[forLease][c]
				}
				if g == 270 { ans = p.answered; for i := range wb { wb[i] = p.wroteBy[i]-wb[i] } }; if g == 90 { wb = p.wroteBy }
				at[g] = snap{p.writes, p.committed, p.wasted, p.store.WALFsyncs, p.answered[forLease][ok] + bad, bad}
				g++
			}
			p.run()
			a, b := at[90], at[270]
			sort.Float64s(lat)
			if len(lat) == 0 { lat = []float64{0} }
			fmt.Printf("D=%.1f base=%.2f surge=%d | w/s %.1f wasted %.0f%% fs/s %.2f p50 %.2f p99 %.2f failed %.0f%% | first %.0f max %d clear %.0f lead %.0f kill %.0f | after w=%d\n", d,
				float64(at[29].w)/29, at[60].w-at[30].w, float64(b.w-a.w)/180, 100*float64(b.wa-a.wa)/float64(b.c-a.c), float64(b.f-a.f)/180,
				lat[len(lat)/2], lat[len(lat)*99/100], 100*float64(b.bad-a.bad)/float64(b.put-a.put), first, maxNR, clear, lead, kill, at[530].w-b.w)
			fmt.Println("   ", ans[0], ans[1], ans[2], "props", b.c-a.c, wb)
		}
	}
}
