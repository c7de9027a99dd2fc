package histogram_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/internal/histogram"
)

func ExampleCounts() {
	counts := histogram.New(4, 16, math.MaxInt64)
	for v := range int64(1000) {
		counts.Add(v)
	}
	median, _ := counts.At(counts.Total() / 2)
	fmt.Printf("%d <= median < %d\n", median.Low, median.High)
	// Output: 496 <= median < 512
}

// Bins ascend, leave no gap, and are as narrow as promised.
func TestScale(t *testing.T) {
	for _, scale := range []histogram.Scale{0, 4, 6} {
		for bin := range scale.Bin(math.MaxInt64 >> 1) {
			low, high := scale.Floor(bin), scale.Floor(bin+1)
			require.Less(t, low, high)
			require.Equal(t, bin, scale.Bin(low))
			require.Equal(t, bin, scale.Bin(high-1))
			require.LessOrEqual(t, (high-low-1)<<scale, low, "bin %d of scale %d", bin, scale)
		}
		require.Zero(t, scale.Bin(-1))
		require.Less(t, scale.Bin(math.MaxInt64>>1), scale.Bin(math.MaxInt64))
	}
}

// At is the sorted numbers' element of that rank, within its bin.
func TestAtIsTheSortedNumber(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		const least, most = 100, 1 << 40
		counts := histogram.New(histogram.Scale(r.IntN(7)), least, most)
		_, ok := counts.At(1)
		require.False(t, ok, "empty")
		var numbers []int64
		for range 1 + r.IntN(300) {
			v := r.Int64N(1 << r.IntN(45))
			n := 1 + r.IntN(3)
			counts.AddN(v, n)
			numbers = append(numbers, slices.Repeat([]int64{v}, n)...)
		}
		slices.Sort(numbers)
		require.Equal(t, len(numbers), counts.Total())
		for rank := 1; rank <= len(numbers); rank++ {
			place, ok := counts.At(rank)
			require.True(t, ok)
			require.Greater(t, rank, place.Before)
			require.LessOrEqual(t, rank, place.Before+place.In)
			if v := numbers[rank-1]; v >= least && v <= most {
				require.LessOrEqual(t, place.Low, v)
				require.Greater(t, place.High, v)
			}
		}
		_, ok = counts.At(len(numbers) + 1)
		require.False(t, ok)
		counts.Reset()
		require.Zero(t, counts.Total())
		_, ok = counts.At(1)
		require.False(t, ok)
	}
}

func TestNothingAllocatesOnceWarm(t *testing.T) {
	counts := histogram.New(6, 1<<10, 1<<47)
	v := int64(1)
	counts.Add(v)
	require.Zero(t, testing.AllocsPerRun(100, func() { counts.Add(v); v *= 3; v &= 1<<60 - 1 }))
}

func BenchmarkAdd(b *testing.B) {
	counts := histogram.New(6, 1<<10, 1<<47)
	v := int64(1)
	for b.Loop() {
		counts.Add(v)
		v = v*3 + 1
	}
}
