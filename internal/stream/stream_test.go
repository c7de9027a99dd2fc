package stream

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStreamsAreApartAndRepeat(t *testing.T) {
	a, b, again := New(1, "kubelet"), New(1, "disk"), New(1, "kubelet")
	other := New(2, "kubelet")
	same := 0
	for range 1000 {
		x := a.Uint64()
		require.Equal(t, x, again.Uint64())
		if x == b.Uint64() || x == other.Uint64() {
			same++
		}
	}
	require.Zero(t, same)
}

func TestFloatIsUniform(t *testing.T) {
	s := New(7, "x")
	var bins [10]int
	sum := 0.0
	for range 100000 {
		f := s.Float()
		require.True(t, f >= 0 && f < 1)
		sum += f
		bins[s.Below(10)]++
	}
	require.InDelta(t, 0.5, sum/100000, 0.005)
	for _, n := range bins {
		require.InDelta(t, 10000, n, 500)
	}
}

func TestNumberedStreamsAreApart(t *testing.T) {
	zero, named := Numbered(1, "disk", 0), New(1, "disk")
	first, second := Numbered(1, "disk", 1), Numbered(1, "disk", 2)
	for range 1000 {
		x := zero.Uint64()
		require.Equal(t, x, named.Uint64())
		y, z := first.Uint64(), second.Uint64()
		require.False(t, x == y || y == z || x == z)
	}
}

// The streams are part of every result, so their bytes may never change.
func TestStreamsStayTheSame(t *testing.T) {
	a, b := New(8829, "kubelet"), Numbered(8829, "disk", 2)
	require.Equal(t, []uint64{0xefbeccbbb6e763ac, 0xa352db31b7ed7fed}, []uint64{a.Uint64(), b.Uint64()})
}
