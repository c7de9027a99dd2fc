package etcdmodel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shareSlowly answers ranges that begin at given times, with so much work each, and returns their
// ends. It is the slow twin of compute: it gives each its share nanosecond by nanosecond.
func shareSlowly(begin, work []int64, cores float64) []int64 {
	ends, left := make([]int64, len(begin)), make([]float64, len(begin))
	for i, w := range work {
		left[i] = float64(w)
	}
	for t, done := int64(0), 0; done < len(begin); t++ {
		n := 0
		for i := range begin {
			if begin[i] <= t && ends[i] == 0 {
				n++
			}
		}
		for i := range begin {
			if begin[i] > t || ends[i] != 0 {
				continue
			}
			if left[i] -= min(1, cores/float64(n)); left[i] <= 1e-6 {
				ends[i] = t + 1
				done++
			}
		}
	}
	return ends
}

type collect struct{ ends map[uint64]int64 }

func (c collect) done(r request, o outcome, at int64) { c.ends[r.tag] = at }

func TestRangesShareTheProcessors(t *testing.T) {
	seen := collect{map[uint64]int64{}}
	ops := []Op{
		{Kind: SerializableRange, Key: 10, Value: 10, Puts: 2}, {Kind: SerializableRange, Key: 10, Value: 500, Puts: 9},
	}
	c := Cluster{Members: 1, CPU: CPU{Cores: 3, Read: 400, ReadPerKey: 90, ReadPerKiB: 700, ReadWake: 1}}
	e := newEngine(c, []Stream{{Op: ops[0]}, {Op: ops[1]}}, seen)
	var begin, work []int64
	for i := range 40 {
		class := i % 3 / 2
		at := int64(i*i*7%1500) + int64(40*i)
		begin, work = append(begin, at), append(work, int64(e.classes[class].work)+1)
	}
	for at := int64(0); at < 1e5; at++ {
		e.run(at)
		for i := range begin {
			if begin[i] == at {
				e.compute(0, request{tag: uint64(i), route: route{class: int32(i % 3 / 2)}})
				e.soonest = 0
			}
		}
	}
	for i, want := range shareSlowly(begin, work, 3) {
		assert.InDelta(t, want, seen.ends[uint64(i)], 20, "range %d of %d ns at %d", i, work[i], begin[i])
	}
}

// A load of reads alone has a throughput, a limit and a bound, in both answers.
func TestReadsAreALoad(t *testing.T) {
	for _, x := range []struct {
		name  string
		c     Cluster
		op    Op
		bound Bound
	}{
		{"one key", Cluster{}, Op{Kind: Range, Key: 40, Value: 500}, BoundRange},
		{"serializable", Cluster{}, Op{Kind: SerializableRange, Key: 40, Value: 500}, BoundRange},
		{"a list", Cluster{}, Op{Kind: Range, Key: 40, Value: 1000, Puts: 500}, BoundRange},
		{"network", Cluster{Network: 1e6}, Op{Kind: Range, Key: 40, Value: 1000, Puts: 500}, BoundNetwork},
		{"keep-alives", Cluster{}, Op{Kind: KeepAlive}, BoundAccept},
	} {
		rare := Load{Streams: []Stream{{Op: x.op, Rate: 1}}, For: 20 * time.Second}
		for _, load := range []Load{{Clients: 60, Op: x.op}, rare} {
			p, e := must(t, Predict, x.c, load), must(t, Estimate, x.c, load)
			for _, p := range []Prediction{p, e} {
				assert.Positive(t, p.Throughput, x.name)
				assert.Zero(t, p.Writes, x.name)
				assert.GreaterOrEqual(t, p.Sustainable*1.02, p.Throughput, x.name)
				assert.Equal(t, x.bound, p.Bound, x.name)
				assert.Positive(t, p.Reads.P50, x.name)
				assert.Zero(t, p.WALBytes, x.name)
			}
			assert.InEpsilon(t, p.Sustainable, e.Sustainable, 1e-9)
			if load.Clients > 0 && x.op.Kind != KeepAlive {
				assert.InEpsilon(t, p.Throughput, e.Throughput, 0.45, x.name)
			}
		}
	}
}

// What is sustainable of a mix lies between what is of its parts, and the parts' limits add up.
func TestMixedLoadsSustain(t *testing.T) {
	put, get := Op{Key: 40, Value: 500}, Op{Kind: Range, Key: 40, Value: 500}
	of := func(writes, reads float64) Prediction {
		l := Load{Streams: []Stream{{Op: put, Rate: writes}, {Op: get, Rate: reads}}}
		return must(t, Estimate, Cluster{Members: 1}, l)
	}
	alone, reading := of(10, 0).Sustainable, of(0, 10).Sustainable
	for _, share := range []float64{0.1, 0.5, 0.9} {
		got := of(10*share, 10*(1-share)).Sustainable
		assert.Greater(t, got, min(alone, reading))
		assert.Less(t, got, max(alone, reading))
	}
	l := Load{Streams: []Stream{{Op: put, Rate: 1500}, {Op: get, Rate: 1500}}, For: 2 * time.Second}
	p := must(t, Predict, Cluster{Members: 1}, l)
	assert.InEpsilon(t, 3000, p.Throughput, 0.05)
	assert.InEpsilon(t, 1500, p.Writes, 0.05)
	assert.Less(t, p.Commit.P50, must(t, Predict, Cluster{Members: 1}, Load{Streams: []Stream{
		{Op: put, Rate: 1500}, {Op: Op{Kind: Range, Key: 40, Value: 1000, Puts: 2000}, Rate: 150},
	}, For: 2 * time.Second}).Commit.P50, "lists slow writes down")
}

// A serializable range asks nobody: it needs neither the leader nor the network.
func TestSerializableRangesAskNobody(t *testing.T) {
	c := Cluster{RTT: 20 * time.Millisecond}
	l := Load{Clients: 3, Op: Op{Kind: Range, Key: 40, Value: 500}, For: 2 * time.Second}
	asked := must(t, Predict, c, l)
	assert.Greater(t, asked.Reads.P50, 20*time.Millisecond)
	l.Op.Kind = SerializableRange
	own := must(t, Predict, c, l)
	assert.Less(t, own.Reads.Max, 2*time.Millisecond)
	require.Greater(t, own.Throughput, 20*asked.Throughput)
}

// Requests that ask for an index while a round is under way share the next one: with 20 ms between
// members, 300 clients have fifty times the answers of three: each waits for a round and a half.
func TestReadIndexRoundsAreShared(t *testing.T) {
	of := func(clients int) float64 {
		l := Load{Clients: clients, Op: Op{Kind: Range, Key: 40, Value: 500}, For: 2 * time.Second}
		return must(t, Predict, Cluster{RTT: 20 * time.Millisecond}, l).Throughput
	}
	assert.Greater(t, of(300), 40*of(3))
}

// TestReadsMeasured compares ranges with the loads that their coefficients come from: 1 to 1,000
// clients, one key of 100 B to 10,000 keys. validation/etcd has others (TestReads).
func TestReadsMeasured(t *testing.T) {
	type key struct {
		clients int
		op      Op
	}
	type cell struct{ throughput, p50 []float64 }
	cells, order := map[key]*cell{}, []key{}
	for _, r := range measured(t, "reads.csv") {
		op := Op{
			Kind: pageKinds[r["kind"]], Key: 46, Value: int(r.num(t, "val_bytes")), Puts: int(r.num(t, "keys_returned")),
		}
		k := key{int(r.num(t, "clients")), op}
		if cells[k] == nil {
			cells[k] = &cell{}
			order = append(order, k)
		}
		c := cells[k]
		c.throughput, c.p50 = append(c.throughput, r.num(t, "thr")), append(c.p50, r.num(t, "p50_ms"))
	}
	all := misses{}
	for _, k := range order {
		c, l := cells[k], Load{Clients: k.clients, Op: k.op, For: time.Second}
		p := must(t, Predict, Cluster{Version: V3_6, Members: 1}, l)
		all.add("closed throughput", p.Throughput, median(c.throughput))
		all.add("p50", p.Reads.P50.Seconds()*1e3, median(c.p50))
		t.Logf(
			"%v, %d clients, %d keys of %d B: %.0f/s, measured %.0f; p50 %v, measured %.2f ms", l.Op.Kind, l.Clients, l.Op.Puts,
			l.Op.Value, p.Throughput, median(c.throughput), p.Reads.P50, median(c.p50),
		)
	}
	t.Logf("median errors: %v", all)
	assert.LessOrEqual(t, median(all["p50"]), 0.20)
	assert.LessOrEqual(t, median(all["closed throughput"]), 0.25)
}

// blend is newMix without the streams.
func TestBlend(t *testing.T) {
	c := Cluster{}.WithDefaults()
	l := Load{
		Streams: []Stream{{Op: Op{Key: 9, Value: 99}, Rate: 7, Watchers: 2}, {Op: Op{Kind: Range, Key: 5, Puts: 9}, Rate: 3}},
		Clients: 4,
	}
	for _, l.Op = range []Op{{Kind: TxnUpdate, Key: 30, Value: 3000}, {Kind: SerializableRange, Key: 30, Value: 3000}} {
		open, one := newMix(c, Load{Streams: l.Streams}, 0), newMix(c, Load{Clients: 4, Op: l.Op}, 1)
		for _, x := range []float64{0, 1e-3, 5, 1e5} {
			want, got := newMix(c, l, x), blend(&open, &one, x)
			want.streams, got.streams = nil, nil
			assert.InDeltaMapValues(t, fields(want), fields(got), 1e-6)
		}
	}
}

func fields(m mix) map[string]float64 {
	return map[string]float64{
		"rate": m.rate, "wal": m.wal, "db": m.db, "accept": m.accept, "append": m.append, "apply": m.apply, "gate": m.gate,
		"revision": m.revision, "fan": m.fan, "reads": m.reads, "work": m.work, "readTake": m.readTake,
		"readBytes": m.readBytes, "agreed": m.agreed, "waking": m.waking,
	}
}
