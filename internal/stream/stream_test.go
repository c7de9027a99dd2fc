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
