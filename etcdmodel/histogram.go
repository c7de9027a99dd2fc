package etcdmodel

import (
	"math"
	"time"

	"github.com/redline-go/redline/internal/histogram"
)

// latencies counts durations in 64 bins to a doubling, so a quantile is good to 1 %. Adding one is
// as quick as a count. Everything shorter than 1.024 us is in the first bin.
type latencies struct {
	counts   histogram.Counts
	sum, max float64 // ns
}

const (
	shortest = int64(1) << 10   // ns
	longest  = int64(1)<<47 - 1 // ns: 39 hours
)

func newLatencies() latencies { return latencies{counts: histogram.New(6, shortest, longest)} }

func (h *latencies) add(ns int64) {
	h.sum += float64(ns)
	h.max = math.Max(h.max, float64(ns))
	h.counts.Add(ns)
}

// quantile returns the duration that a share p of the durations keep to. It is linear within a bin.
func (h *latencies) quantile(p float64) time.Duration {
	rank := p * float64(h.counts.Total())
	place, ok := h.counts.At(int(math.Ceil(rank)))
	if !ok {
		return time.Duration(h.max)
	}
	low, high := float64(place.Low), float64(place.High)
	if place.Low <= shortest {
		low = 0
	}
	return time.Duration(math.Min(h.max, low+(high-low)*(rank-float64(place.Before))/float64(place.In)))
}

func (h *latencies) latency() Latency {
	n := h.counts.Total()
	if n == 0 {
		return Latency{}
	}
	return Latency{
		Mean: time.Duration(h.sum / float64(n)), Max: time.Duration(h.max), N: n,
		P50: h.quantile(0.5), P90: h.quantile(0.9), P99: h.quantile(0.99), P999: h.quantile(0.999),
	}
}

func (h *latencies) reset() {
	h.counts.Reset()
	h.sum, h.max = 0, 0
}
