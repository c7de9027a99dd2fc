package sim

import (
	"math"
	"time"

	"github.com/redline-go/redline/internal/histogram"
)

// newHistogram returns empty counts of durations in sixteen bins a doubling.
func newHistogram() histogram.Counts { return histogram.New(4, 16, math.MaxInt64) }

// quantile returns the duration below which a share q lies, within 3 %: the middle of its bin.
func quantile(h *histogram.Counts, q float64) time.Duration {
	p, found := h.At(int(q*float64(h.Total())) + 1)
	if !found {
		return 0
	}
	return time.Duration(p.Low + (p.High-p.Low)/2)
}
