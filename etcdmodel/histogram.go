package etcdmodel

import (
	"math"
	"time"
)

// histogram counts durations in buckets 1/64 of an octave wide, so a quantile is good
// to 1 %; it is as quick as a count.
type histogram struct {
	count    []int32
	n        int
	sum, max float64
}

const (
	mantissaBits = 6
	lowestOctave = 10 // 1.024 us: everything shorter is one bucket
	octaves      = 37 // up to 39 hours
)

func (h *histogram) add(ns int64) {
	if h.count == nil {
		h.count = make([]int32, octaves<<mantissaBits)
	}
	h.n++
	h.sum += float64(ns)
	h.max = math.Max(h.max, float64(ns))
	h.count[bucketOf(ns)]++
}

func bucketOf(ns int64) int {
	if ns < 1<<lowestOctave {
		return 0
	}
	bits := math.Float64bits(float64(ns)) >> (52 - mantissaBits)
	return min(int(bits)-(1023+lowestOctave)<<mantissaBits, octaves<<mantissaBits-1)
}

// lower is the low end of a bucket, in ns.
func lower(bucket int) float64 {
	if bucket == 0 {
		return 0
	}
	return math.Float64frombits(uint64(bucket+(1023+lowestOctave)<<mantissaBits) << (52 - mantissaBits))
}

// quantile is the duration that a share p keep to.
func (h *histogram) quantile(p float64) time.Duration {
	rank, before := p*float64(h.n), 0.0
	for i, c := range h.count {
		if c == 0 {
			continue
		}
		if before+float64(c) >= rank {
			low, high := lower(i), lower(i+1)
			return time.Duration(math.Min(h.max, low+(high-low)*(rank-before)/float64(c)))
		}
		before += float64(c)
	}
	return time.Duration(h.max)
}

func (h *histogram) latency() Latency {
	if h.n == 0 {
		return Latency{}
	}
	return Latency{
		Mean: time.Duration(h.sum / float64(h.n)), Max: time.Duration(h.max), N: h.n,
		P50: h.quantile(0.5), P90: h.quantile(0.9), P99: h.quantile(0.99), P999: h.quantile(0.999),
	}
}

func (h *histogram) reset() {
	clear(h.count)
	h.n, h.sum, h.max = 0, 0, 0
}
