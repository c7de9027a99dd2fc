// Package stream names random streams, one for each component and scenario seed. Adding a
// component, or a draw in one, never shifts the draws of another. So two scenarios with the same
// seed differ only by what was changed in them (common random numbers).
package stream

import "math/rand/v2"

// Source is a stream. It has the methods of a PCG [rand.Source], and a few draws without the
// indirection of [rand.Rand].
type Source struct{ rand.PCG }

// New returns the stream of that name under that seed.
func New(seed uint64, name string) Source {
	var s Source
	s.Reset(seed, name)
	return s
}

// Numbered returns the i-th of several streams of that name under that seed: one for each member of
// a group. The first, number 0, is that of New.
func Numbered(seed uint64, name string, i int) Source {
	var s Source
	s.Seed(seed, hash(name)+uint64(i)*0x9e3779b97f4a7c15) // 2^64 / the golden ratio
	return s
}

// Reset makes s the stream of that name under that seed.
func (s *Source) Reset(seed uint64, name string) { s.Seed(seed, hash(name)) }

// hash returns the 64-bit FNV-1a hash of the name.
func hash(name string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a, 64 bits
	h := uint64(offset)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * prime
	}
	return h
}

// Float draws uniformly from [0, 1).
func (s *Source) Float() float64 { return float64(s.Uint64()>>11) / (1 << 53) }

// Below draws uniformly from the integers 0 ... n-1. n must be positive. Its bias is below n/2^53.
func (s *Source) Below(n int) int { return int(s.Float() * float64(n)) }
