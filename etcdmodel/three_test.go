package etcdmodel

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestThree(t *testing.T) {
	if os.Getenv("EXPLORE") == "" {
		t.Skip()
	}
	for _, r := range measured(t, "three_member.csv") {
		base := Disk{Fsync: shape(math.Max(.5, r.num(t, "fsync_mean_ms")), r.num(t, "fsync_p50_ms"), r.num(t, "fsync_p99_ms"), 0)}
		slow := Disk{Fsync: []Quantile{{0, ms(.5)}, {.5, ms(1)}, {.9, ms(2)}, {.99, ms(10)}, {1, ms(20)}}}
		disks := []Disk{base, base, base}
		kind, at, ok := strings.Cut(r["delay"], ":")
		if ok {
			x, err := strconv.ParseFloat(at, 64)
			if err != nil {
				continue
			}
			s := slow.Delayed(ms(x))
			if kind == "all" || kind == "leader" && x < 2000 {
				s = Disk{Fsync: shape(r.num(t, "fsync_mean_ms"), r.num(t, "fsync_p50_ms"), r.num(t, "fsync_p99_ms"), x)}
			}
			switch kind {
			case "all":
				disks = []Disk{s, s, s}
			case "leader":
				disks = []Disk{s, slow, slow}
			case "fol1":
				disks = []Disk{slow, s, slow}
			case "fol2":
				disks = []Disk{slow, s, s}
			}
		}
		op := Op{Kind: Put, Key: 46, Value: int(r.num(t, "val_bytes"))}
		l := Load{Clients: int(r.num(t, "clients")), Op: op}
		if l.Clients == 0 {
			l.Streams = []Stream{{Op: op, Rate: r.num(t, "rate_offered")}}
		}
		sim := newSimulation(Cluster{Members: 3, Disks: disks, Seed: 2}, l)
		sim.e.run(int64(time.Second))
		sim.measure()
		sim.e.run(int64((1 + r.num(t, "secs")) * 1e9))
		q := sim.commits.latency()
		fmt.Printf("%-12s %6s c%-4s r%-5.0f | p50 %7.1f %7.1f | p90 %7.1f %7.1f | p99 %7.1f %7.1f | thr %7.0f %7.0f | ops/f %6.1f %6.1f | hb %d %.0f el %d %.0f\n", r["delay"], r["mode"], r["clients"], r.num(t, "rate_offered"),
			q.P50.Seconds()*1e3, r.num(t, "p50_ms"), q.P90.Seconds()*1e3, r.num(t, "p90_ms"), q.P99.Seconds()*1e3, r.num(t, "p99_ms"), float64(sim.written)/r.num(t, "secs"), r.num(t, "thr"), float64(sim.e.count.batched)/float64(sim.e.count.fsyncs), r.num(t, "ops_per_fsync"), sim.e.count.beatsLate, r.num(t, "hb_fail"), sim.e.count.elections, r.num(t, "leader_changes"))
	}
}
