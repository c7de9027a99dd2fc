// Package histogram counts whole numbers, such as nanoseconds, in bins that widen with the number.
//
// A [Scale] says which bin a number is in. [Counts] counts numbers by bin and finds quantiles:
//
//	counts := histogram.New(6, int64(time.Microsecond), int64(time.Hour)) // 64 bins to a doubling
//	counts.Add(int64(took))
//	place, ok := counts.At(counts.Total() / 2) // where the median is
package histogram

import "math/bits"

// Scale is the number of bits behind a number's first that decide its bin. Each doubling has
// 2^Scale bins of equal width, so a bin is at most 1/2^Scale of its least number wide. Numbers
// below 2^Scale have a bin each. Negative numbers count as 0.
type Scale uint8

// Bin returns the number of v's bin. Bins ascend with the numbers in them.
func (s Scale) Bin(v int64) int {
	if v < 1<<s {
		return int(max(v, 0))
	}
	shift := bits.Len64(uint64(v)) - 1 - int(s)
	return shift<<s + int(v>>shift)
}

// Floor returns the least number of a bin.
func (s Scale) Floor(bin int) int64 {
	if bin < 1<<s {
		return int64(bin)
	}
	shift := bin>>s - 1
	return int64(bin-shift<<s) << shift
}

// Counts holds how many numbers are in each bin. [New] makes one; a copy shares its bins. Its
// memory is allocated by the first Add.
type Counts struct {
	scale       Scale
	first, last int
	bins        []uint32
	total       int
}

// New returns empty counts of the numbers from least to most. Smaller numbers are counted in the
// first bin and larger ones in the last.
func New(scale Scale, least, most int64) Counts {
	return Counts{scale: scale, first: scale.Bin(least), last: scale.Bin(most)}
}

// Add counts v.
func (c *Counts) Add(v int64) { c.AddN(v, 1) }

// AddN counts v n times.
func (c *Counts) AddN(v int64, n int) {
	c.total += n
	if i := c.scale.Bin(v) - c.first; uint(i) < uint(len(c.bins)) {
		c.bins[i] += uint32(n)
	} else {
		c.addOutside(i, n)
	}
}

// addOutside counts a number of bin first+i that has no bin here, or not yet.
func (c *Counts) addOutside(i, n int) {
	if c.bins == nil {
		c.bins = make([]uint32, c.last-c.first+1)
	}
	c.bins[min(max(i, 0), c.last-c.first)] += uint32(n)
}

// Total returns how many numbers were counted.
func (c *Counts) Total() int { return c.total }

// Reset forgets what was counted and keeps the memory.
func (c *Counts) Reset() {
	clear(c.bins)
	c.total = 0
}

// Place is a bin that holds a number: Low <= number < High, where the bin is not the first or the
// last. Before numbers are in lower bins and In numbers are in this one.
type Place struct {
	Low, High  int64
	Before, In int
}

// At returns the bin of the rank-th smallest number; the smallest has rank 1. It returns false if
// fewer were counted. A rank below 1 counts as 1.
func (c *Counts) At(rank int) (Place, bool) {
	rank = max(rank, 1)
	before := 0
	for i, n := range c.bins {
		if before+int(n) >= rank {
			bin := c.first + i
			return Place{Low: c.scale.Floor(bin), High: c.scale.Floor(bin + 1), Before: before, In: int(n)}, true
		}
		before += int(n)
	}
	return Place{}, false
}
