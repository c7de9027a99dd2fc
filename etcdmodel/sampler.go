package etcdmodel

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/redline-go/redline/internal/stream"
)

// chance returns a member's random stream for one part of the model. Each part has its own, so one
// part more never shifts another's draws.
func chance(seed uint64, name string, member int) *rand.Rand {
	source := stream.Numbered(seed, name, member)
	return rand.New(&source)
}

// sampler draws durations (ns) from a member's disk, or its two.
type sampler struct {
	fsync     table
	size      int64
	perByte   float64 // ns; zero if the knots hold the bytes
	db        table   // fdatasyncs of the db file
	dbPerByte float64
	commit    table
	rng       stream.Source
}

func newSampler(d Disk, rng stream.Source) sampler {
	d = d.orDefault()
	db := d.db()
	return sampler{
		fsync: newTable(d.Fsync), size: int64(d.Size), perByte: d.perByte(),
		db: newTable(db.Fsync), dbPerByte: db.perByte(), commit: newTable(db.Commit), rng: rng,
	}
}

// perByte returns the cost of a byte beyond Size, in ns.
func (d Disk) perByte() float64 {
	if d.Bandwidth > 0 {
		return 1e9 / d.Bandwidth
	}
	return 0
}

// save draws one fdatasync of an append of so many bytes, in ns.
func (s *sampler) save(bytes int64) int64 {
	return s.fsync.draw(&s.rng) + flow(s.perByte*float64(max(0, bytes-s.size)))
}

// flush draws one backend commit that writes bytes of pages, in ns: two fdatasyncs (bbolt
// tx.go:566,613) and the bytes, where commits were not measured themselves.
func (s *sampler) flush(bytes float64, perByte float64) int64 {
	if len(s.commit) > 0 {
		return s.commit.draw(&s.rng)
	}
	return s.sync() + s.sync() + flow((s.dbPerByte+perByte)*bytes)
}

// flow converts a time of writing bytes: a year at most, which no simulation comes to the end of.
func flow(ns float64) int64 { return int64(min(ns, 365*24*3600e9)) }

// half draws the second half of a commit, without its bytes.
func (s *sampler) half() int64 {
	if len(s.commit) > 0 {
		return s.commit.draw(&s.rng) / 2
	}
	return s.sync()
}

// sync draws one fdatasync on the disk of the db file.
func (s *sampler) sync() int64 { return s.db.draw(&s.rng) }

// table is the knots of a distribution, ready to draw from.
type table []knot

// knot is one quantile, and how far it is from the one before.
type knot struct {
	p, ns, log float64
	dp, dlog   float64
}

func newTable(knots []Quantile) table {
	var t table
	for i, q := range knots {
		k := knot{p: q.P, ns: float64(q.Latency), log: math.Log(math.Max(1, float64(q.Latency)))}
		if i > 0 {
			k.dp, k.dlog = k.p-t[i-1].p, k.log-t[i-1].log
		}
		t = append(t, k)
	}
	return t
}

// draw returns quantileOf at a random share, in ns.
func (t table) draw(rng *stream.Source) int64 {
	first, last := &t[0], &t[len(t)-1]
	if first.ns == last.ns {
		return int64(first.ns)
	}
	u := float64(rng.Uint64()<<11>>11) / (1 << 53) // as [rand.Rand.Float64]
	if u <= first.p {
		return int64(first.ns)
	}
	before := first
	for i := range t[1:] {
		k := &t[i+1]
		if u > k.p {
			before = k
			continue
		}
		share := (u - before.p) / k.dp
		if before.ns <= 0 {
			return int64(k.ns * share)
		}
		return int64(math.Exp(before.log + share*k.dlog))
	}
	return int64(last.ns)
}

func ns(d time.Duration) int64 { return int64(d) }
