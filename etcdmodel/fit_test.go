package etcdmodel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

func simRow(t *testing.T, r row, cpu CPU, commit bool) (q Latency, thr, ops float64) {
	d := Disk{Fsync: shape(r.num(t, "fsync_mean_ms"), r.num(t, "fsync_p50_ms"), r.num(t, "fsync_p99_ms"), r.num(t, "delay")/1e3)}
	if commit {
		d.Commit = shape(r.num(t, "bk_commit_mean_ms"), r.num(t, "bk_commit_mean_ms")*.9, r.num(t, "bk_commit_p99_ms"), 2*r.num(t, "delay")/1e3)
	}
	op := Op{Kind: Put, Key: 46, Value: int(r.num(t, "val_bytes"))}
	v, _ := ParseVersion(r["ver"])
	l := Load{Clients: int(r.num(t, "clients")), Op: op}
	if l.Clients == 0 {
		l.Streams = []Stream{{Op: op, Rate: r.num(t, "rate_offered")}}
	}
	sim := newSimulation(Cluster{Version: v, Members: 1, Disks: []Disk{d}, Seed: 1, CPU: cpu}, l)
	sim.e.run(int64(time.Second))
	sim.measure()
	sim.e.run(int64((1 + r.num(t, "secs")) * 1e9))
	return sim.commits.latency(), float64(sim.written) / r.num(t, "secs"), float64(sim.e.count.batched) / float64(sim.e.count.fsyncs)
}

func cpuOf(x []float64) CPU {
	us := func(i int) time.Duration { return time.Duration(x[i]*1e3) + 1 }
	return CPU{us(0), us(1), us(2), us(3), us(4), us(5), us(6), us(7), us(8)}
}

func loss(t *testing.T, rows []row, cpu CPU) float64 {
	sum := 0.0
	l := func(got, want, w float64) {
		if want > 0 && got > 0 {
			sum += w * math.Min(0.8, math.Abs(math.Log(got/want)))
		} else {
			sum += w
		}
	}
	for _, r := range rows {
		q, thr, ops := simRow(t, r, cpu, false)
		l(q.P50.Seconds()*1e3, r.num(t, "p50_ms"), 1)
		l(q.P99.Seconds()*1e3, r.num(t, "p99_ms"), .4)
		l(ops, r.num(t, "ops_per_fsync"), .7)
		if r["clients"] != "" {
			l(thr, r.num(t, "thr"), 1)
		}
	}
	return sum / float64(len(rows))
}

func TestFit(t *testing.T) {
	if os.Getenv("FIT") == "" {
		t.Skip()
	}
	rows := measured(t, "single_member.csv")
	var train, held []row
	for i, r := range rows {
		if i%4 == 0 || i%4 == 3 {
			train = append(train, r)
		} else {
			held = append(held, r)
		}
	}
	x := []float64{90, 5, 100, 10, 4, 20, 8, 6, 50}
	rng := rand.New(rand.NewPCG(7, 7))
	best := loss(t, train, cpuOf(x))
	fmt.Println("start", best, loss(t, held, cpuOf(x)))
	for n := range 500 {
		y := append([]float64(nil), x...)
		k := rng.IntN(len(y))
		y[k] *= math.Exp(rng.NormFloat64() * 0.5)
		if rng.IntN(3) == 0 {
			y[rng.IntN(len(y))] *= math.Exp(rng.NormFloat64() * 0.4)
		}
		y[8] = math.Min(y[8], 2000)
		if l := loss(t, train, cpuOf(y)); l < best {
			best = l
			x = y
			if n > 250 || n%10 == 0 {
				fmt.Printf("%d %.4f held %.4f %.1f\n", n, best, loss(t, held, cpuOf(x)), x)
			}
		}
	}
	fmt.Printf("%.4f held %.4f %.2f\n", best, loss(t, held, cpuOf(x)), x)
}
