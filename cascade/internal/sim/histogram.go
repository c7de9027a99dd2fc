package sim

import (
	"math/bits"
	"time"
)

// histogram counts durations in sixteen bins an octave: quantiles within 3 %, no allocation.
type histogram struct {
	bins  [64 * 16]uint32
	total int
}

func bin(d time.Duration) int {
	x := uint64(max(d, 16))
	top := bits.Len64(x) - 1
	return (top-4)*16 + int(x>>(top-4)&15)
}

func (h *histogram) add(d time.Duration) { h.addN(d, 1) }

func (h *histogram) addN(d time.Duration, n int) {
	h.bins[bin(d)] += uint32(n)
	h.total += n
}

// quantile is the duration below which a share q lies.
func (h *histogram) quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	want := int(q * float64(h.total))
	for i, n := range h.bins {
		if want -= int(n); want < 0 {
			top := i/16 + 4
			low := uint64(16+i%16) << (top - 4)
			return time.Duration(low + uint64(1)<<(top-4)/2)
		}
	}
	return 0
}
