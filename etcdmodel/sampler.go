package etcdmodel

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"
)

// stream is a source of chance of its own for every part that draws, so that one part more never
// shifts another's draws.
func stream(seed uint64, name string, member int) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return rand.New(rand.NewPCG(seed, h.Sum64()+uint64(member)*0x9e3779b97f4a7c15))
}

// sampler draws durations (ns) from a member's disk, or its two.
type sampler struct {
	fsync     table
	size      int64
	perByte   float64 // ns; zero if the knots hold the bytes
	db        table   // fdatasyncs of the db file
	dbPerByte float64
	commit    table
	rng       *rand.Rand
}

func newSampler(d Disk, rng *rand.Rand) sampler {
	d = d.orDefault()
	db := d.db()
	return sampler{
		fsync: newTable(d.Fsync), size: int64(d.Size), perByte: d.perByte(),
		db: newTable(db.Fsync), dbPerByte: db.perByte(), commit: newTable(db.Commit), rng: rng,
	}
}

// perByte is what a byte costs beyond Size, in ns.
func (d Disk) perByte() float64 {
	if d.Bandwidth > 0 {
		return 1e9 / d.Bandwidth
	}
	return 0
}

// save is one fdatasync of an append of n bytes.
func (s *sampler) save(bytes int64) int64 {
	return s.fsync.draw(s.rng) + int64(s.perByte*float64(max(0, bytes-s.size)))
}

// flush is one backend commit that writes bytes of pages: two fdatasyncs
// (bbolt tx.go:566,613) and the bytes, where commits were not measured themselves.
func (s *sampler) flush(bytes float64, perByte float64) int64 {
	if s.commit.n() > 0 {
		return s.commit.draw(s.rng)
	}
	return s.sync() + s.sync() + int64((s.dbPerByte+perByte)*bytes)
}

// half is the second half of a commit, without its bytes.
func (s *sampler) half() int64 {
	if s.commit.n() > 0 {
		return s.commit.draw(s.rng) / 2
	}
	return s.sync()
}

// sync is one fdatasync on the disk of the db file.
func (s *sampler) sync() int64 { return s.db.draw(s.rng) }

// table is the knots of a distribution, ready to draw from.
type table struct {
	p, ns, log []float64
}

func newTable(knots []Quantile) table {
	var t table
	for _, k := range knots {
		t.p = append(t.p, k.P)
		t.ns = append(t.ns, float64(k.Latency))
		t.log = append(t.log, math.Log(math.Max(1, float64(k.Latency))))
	}
	return t
}

func (t *table) n() int { return len(t.p) }

// draw is quantileOf at a random share.
func (t *table) draw(rng *rand.Rand) int64 {
	last := len(t.p) - 1
	if t.ns[0] == t.ns[last] {
		return int64(t.ns[0])
	}
	u := rng.Float64()
	if u <= t.p[0] {
		return int64(t.ns[0])
	}
	for i := 1; i <= last; i++ {
		if u > t.p[i] {
			continue
		}
		share := (u - t.p[i-1]) / (t.p[i] - t.p[i-1])
		if t.ns[i-1] <= 0 {
			return int64(t.ns[i] * share)
		}
		return int64(math.Exp(t.log[i-1] + share*(t.log[i]-t.log[i-1])))
	}
	return int64(t.ns[last])
}

func ns(d time.Duration) int64 { return int64(d) }
