package etcdmodel

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The rows of single_member.csv (3.6.16) with an index of 0 or 3 modulo 4 fitted DefaultCPU; the
// others, and all of 3.5.35 and 3.7.3, were held out.
func fitted(index int) bool { return index%4 == 0 || index%4 == 3 }

func ms(x float64) time.Duration { return time.Duration(x * 1e6) }

// loadedDisk returns the disk of a row. Its etcd's fsync histogram gives mean, p50 and p99 under
// the load; floor is the injected delay. The median is moved until the mean is right.
func loadedDisk(mean, p50, p99, floor float64) Disk {
	p99 = math.Max(p99, mean)
	p50 = math.Min(math.Max(p50, floor), p99)
	build := func(f float64) []Quantile {
		m := math.Min(floor+(1.1*p50-floor)*f, p99)
		return []Quantile{
			{0, ms(math.Max(floor, 0.8*m))}, {0.5, ms(m)}, {0.9, ms(m * math.Pow(p99/m, 0.35))}, {0.99, ms(p99)},
			{1, ms(1.3 * p99)},
		}
	}
	low, high := 0.01, 10.0
	for range 60 {
		f := math.Sqrt(low * high)
		if meanOf(build(f)) < ms(mean) {
			low = f
		} else {
			high = f
		}
	}
	return Disk{Fsync: build(low)}
}

func (r row) disk(t *testing.T, floor float64) Disk {
	return loadedDisk(r.num(t, "fsync_mean_ms"), r.num(t, "fsync_p50_ms"), r.num(t, "fsync_p99_ms"), floor)
}

func (r row) load(t *testing.T) Load {
	op := Op{Kind: Put, Key: int(r.num(t, "key_bytes")), Value: int(r.num(t, "val_bytes"))}
	if r["mode"] == "closed" {
		return Load{Clients: int(r.num(t, "clients")), Op: op, RoundRobin: true} // one etcd client with all endpoints
	}
	return Load{Streams: []Stream{{Op: op, Rate: r.num(t, "rate_offered")}}}
}

// simulated runs a row as it was measured: a second of warm-up, then its own duration.
func (r row) simulated(t *testing.T, c Cluster) Prediction {
	s := newSimulation(c.WithDefaults(), r.load(t))
	s.e.run(int64(time.Second))
	s.measure()
	span := r.num(t, "secs")
	s.e.run(s.e.now + int64(span*1e9))
	return s.prediction(time.Duration(span * float64(time.Second)))
}

// misses collects relative errors by quantity.
type misses map[string][]float64

func (m misses) add(quantity string, got, want float64) {
	if want > 0 {
		m[quantity] = append(m[quantity], math.Abs(got/want-1))
	}
}

func (m misses) addAll(t *testing.T, p Prediction, r row) {
	m.add("p50", p.Commit.P50.Seconds()*1e3, r.num(t, "p50_ms"))
	m.add("p99", p.Commit.P99.Seconds()*1e3, r.num(t, "p99_ms"))
	m.add("requests per fdatasync", p.OpsPerFsync, r.num(t, "ops_per_fsync"))
	if r["mode"] == "closed" {
		m.add("closed throughput", p.Throughput, r.num(t, "thr"))
	}
}

func (m misses) String() string {
	var out []string
	for _, q := range []string{"p50", "p99", "closed throughput", "requests per fdatasync"} {
		out = append(out, fmt.Sprintf("%s %.1f %% (n=%d)", q, 100*median(m[q]), len(m[q])))
	}
	return strings.Join(out, ", ")
}

// TestHeldOutSingleMember gives the model what DiskFromMetrics reads of a running etcd: the
// histogram of its fdatasyncs alone, and with that of its backend commits.
func TestHeldOutSingleMember(t *testing.T) {
	for _, commits := range []bool{false, true} {
		all := misses{}
		for _, file := range []string{"single_member.csv", "single_member_v35.csv", "single_member_v37.csv"} {
			mine := misses{}
			for i, r := range measured(t, file) {
				if file == "single_member.csv" && fitted(i) {
					continue
				}
				v, err := ParseVersion(r["ver"])
				require.NoError(t, err)
				d := r.disk(t, r.num(t, "delay")/1e3)
				if mean := r.num(t, "bk_commit_mean_ms"); commits {
					d.Commit = loadedDisk(mean, 0.9*mean, r.num(t, "bk_commit_p99_ms"), 2*r.num(t, "delay")/1e3).Fsync
				}
				p := r.simulated(t, Cluster{Version: v, Members: 1, Disks: []Disk{d}, Seed: 1})
				mine.addAll(t, p, r)
				all.addAll(t, p, r)
			}
			t.Logf("commits measured: %v, %s, median errors: %v", commits, file, mine)
		}
		t.Logf("commits measured: %v, held out, all versions: %v", commits, all)
		assert.LessOrEqual(t, median(all["p50"]), 0.15)
		assert.LessOrEqual(t, median(all["p99"]), 0.35)
		assert.LessOrEqual(t, median(all["closed throughput"]), 0.15)
		assert.LessOrEqual(t, median(all["requests per fdatasync"]), 0.10)
	}
}

// slowDisks returns the disks of a three-member row, with the slow ones as "all:200" says.
func slowDisks(t *testing.T, r row) ([]Disk, bool) {
	which, at, ok := strings.Cut(r["delay"], ":")
	delay, err := strconv.ParseFloat(at, 64)
	if !ok || err != nil {
		return nil, false
	}
	// A disk of this machine without delay, as the rows without one have it: 0.74 ms in the mean.
	quick := loadedDisk(0.74, 0.55, 5.6, 0)
	slow := quick.Delayed(ms(delay))
	if which == "all" || which == "leader" && r["leader_changes"] == "0.0000" {
		slow = r.disk(t, delay) // the leader's histogram is the slow disk's
	}
	switch which {
	case "all":
		return []Disk{slow, slow, slow}, true
	case "leader":
		return []Disk{slow, quick, quick}, true
	case "fol1":
		return []Disk{quick, slow, quick}, true
	case "fol2":
		return []Disk{quick, slow, slow}, true
	}
	return nil, false
}

// TestThreeMembersOneSlowOrAll: nothing was fitted to these rows. Where a leader changes, the
// moment at which it does decides the whole row. Those rows are shown and not judged.
func TestThreeMembersOneSlowOrAll(t *testing.T) {
	type lateness struct {
		name            string
		model, measured float64
	}
	var p50 []float64
	var late []lateness
	for _, r := range measured(t, "three_member.csv") {
		disks, ok := slowDisks(t, r)
		if !ok {
			continue
		}
		var seeds []float64
		var beats []float64
		var changes int
		for seed := range uint64(5) {
			p := r.simulated(t, Cluster{Version: V3_6, Members: 3, Disks: disks, Seed: seed})
			beats = append(beats, p.HeartbeatsLate*r.num(t, "secs"))
			seeds = append(seeds, p.Commit.P50.Seconds()*1e3)
			changes += int(math.Round(p.Elections * r.num(t, "secs") / 3600))
		}
		got, want := median(seeds), r.num(t, "p50_ms")
		late = append(late, lateness{r["delay"], median(beats), r.num(t, "hb_fail")})
		t.Logf(
			"%-12s p50 %.0f ms, measured %.0f ms (%+.0f %%); leader changes %.1f, measured %s", r["delay"], got, want,
			100*(got/want-1), float64(changes)/5, r["leader_changes"],
		)
		if r["leader_changes"] == "0.0000" && want > 50 {
			p50 = append(p50, math.Abs(got/want-1))
		}
	}
	assert.LessOrEqual(t, median(p50), 0.20)
	for _, x := range late {
		t.Logf("%-12s late heartbeats %.0f, measured %.0f", x.name, x.model, x.measured)
		if x.measured > 20 { // fewer are chance
			assert.InEpsilon(t, x.measured, x.model, 0.35, x.name)
		}
	}
	t.Logf("median error at p50 %.1f %% over %d rows", 100*median(p50), len(p50))
}

// TestClientsKeepToTheirMember has both followers at 50 ms and 30 clients that keep to their
// members, ten each. Real etcd 3.6 answered 192/s at a p50 of 107 ms. Round robin would have cost
// twice that.
func TestClientsKeepToTheirMember(t *testing.T) {
	quick := loadedDisk(0.74, 0.55, 5.6, 0)
	slow := quick.Delayed(50 * time.Millisecond)
	c := Cluster{Version: V3_6, Members: 3, Disks: []Disk{quick, slow, slow}, Seed: 1}
	l := Load{Clients: 30, Op: Op{Kind: Put, Key: 46, Value: 1024}}
	keep := must(t, Predict, c, l)
	assert.InEpsilon(t, 0.107, keep.Commit.P50.Seconds(), 0.20)
	assert.InEpsilon(t, 192, keep.Throughput, 0.20)
	l.RoundRobin = true
	assert.Greater(t, must(t, Predict, c, l).Commit.P50, keep.Commit.P50*3/2)
}
