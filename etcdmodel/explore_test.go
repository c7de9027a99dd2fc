package etcdmodel

import (
	"fmt"
	"math"
	"os"
	"testing"
	"time"
)

func ms(x float64) time.Duration { return time.Duration(x * 1e6) }

// shape builds knots from a histogram's mean, p50 and p99.
func shape(mean, p50, p99, floor float64) []Quantile {
	if p99 < mean {
		p99 = mean
	}
	if p50 < floor {
		p50 = floor
	}
	if p50 > p99 {
		p50 = p99
	}
	build := func(f float64) []Quantile {
		m := floor + (p50-floor+0.1*p50)*f
		if m > p99 {
			m = p99
		}
		return []Quantile{{0, ms(math.Max(floor, m*0.8))}, {0.5, ms(m)}, {0.9, ms(m * math.Pow(p99/m, 0.35))}, {0.99, ms(p99)}, {1, ms(p99 * 1.3)}}
	}
	lo, hi := 0.01, 10.0
	for range 60 {
		f := math.Sqrt(lo * hi)
		if float64(meanOf(build(f)))/1e6 < mean {
			lo = f
		} else {
			hi = f
		}
	}
	return build(lo)
}

type score struct{ p50, p90, p99, thr, ops []float64 }

func TestExplore(t *testing.T) {
	if os.Getenv("EXPLORE") == "" {
		t.Skip()
	}
	for _, file := range []string{"single_member.csv", "single_member_v35.csv", "single_member_v37.csv"} {
		var s score
		for i, r := range measured(t, file) {
			if file == "single_member.csv" && os.Getenv("HELD") != "" && (i%4 == 0 || i%4 == 3) {
				continue
			}
			d := Disk{Fsync: shape(r.num(t, "fsync_mean_ms"), r.num(t, "fsync_p50_ms"), r.num(t, "fsync_p99_ms"), r.num(t, "delay")/1e3)}
			if os.Getenv("COMMIT") != "" {
				d.Commit = shape(r.num(t, "bk_commit_mean_ms"), r.num(t, "bk_commit_mean_ms")*.9, r.num(t, "bk_commit_p99_ms"), 2*r.num(t, "delay")/1e3)
			}
			op := Op{Kind: Put, Key: 46, Value: int(r.num(t, "val_bytes"))}
			v, _ := ParseVersion(r["ver"])
			l := Load{Clients: int(r.num(t, "clients")), Op: op}
			if l.Clients == 0 {
				l.Streams = []Stream{{Op: op, Rate: r.num(t, "rate_offered")}}
			}
			sim := newSimulation(Cluster{Version: v, Members: 1, Disks: []Disk{d}, Seed: 1}, l)
			sim.e.run(int64(time.Second))
			sim.measure()
			sim.e.run(int64((1 + r.num(t, "secs")) * 1e9))
			q := sim.commits.latency()
			rel := func(got, want float64) float64 {
				if want == 0 {
					return 0
				}
				return math.Abs(got/want - 1)
			}
			p50, p99 := q.P50.Seconds()*1e3, q.P99.Seconds()*1e3
			thr := float64(sim.written) / r.num(t, "secs")
			ops := float64(sim.e.count.batched) / float64(sim.e.count.fsyncs)
			if l.Clients > 0 {
				s.thr = append(s.thr, rel(thr, r.num(t, "thr")))
			}
			s.p50 = append(s.p50, rel(p50, r.num(t, "p50_ms")))
			s.p90 = append(s.p90, rel(q.P90.Seconds()*1e3, r.num(t, "p90_ms")))
			s.p99 = append(s.p99, rel(p99, r.num(t, "p99_ms")))
			s.ops = append(s.ops, rel(ops, r.num(t, "ops_per_fsync")))
			if os.Getenv("EXPLORE") == "v" {
				fmt.Printf("%s %5s %6s c%-4s r%-5.0f v%-5d | p50 %7.1f %7.1f | p90 %7.1f %7.1f | p99 %7.1f %7.1f | thr %7.0f %7.0f | ops/f %6.1f %6.1f | B %6.1f %6.1f F %6.2f\n", r["ver"], r["delay"], r["mode"], r["clients"], r.num(t, "rate_offered"), op.Value,
					p50, r.num(t, "p50_ms"), q.P90.Seconds()*1e3, r.num(t, "p90_ms"), p99, r.num(t, "p99_ms"), thr, r.num(t, "thr"), ops, r.num(t, "ops_per_fsync"), sim.e.count.commitTime.sum/float64(sim.e.count.commitTime.n)/1e6, r.num(t, "bk_commit_mean_ms"), r.num(t, "fsync_mean_ms"))
			}
		}
		fmt.Printf("%s median p50 %.3f p90 %.3f p99 %.3f thr %.3f ops %.3f\n", file, median(s.p50), median(s.p90), median(s.p99), median(s.thr), median(s.ops))
	}
}
