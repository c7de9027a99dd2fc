package etcdmodel

import "math"

// buckets is a Prometheus histogram: counts at or below ascending bounds in seconds, the last +Inf.
type buckets struct {
	upper, below []float64
	n, sum       float64
}

// A slice is one bucket that holds something: seconds, and its share of the observations.
type slice struct{ low, high, share float64 }

// minWidth keeps the least disk apart from no time at all.
const minWidth = 1e-6

// slices returns the buckets that hold something. The last bucket has no end: it gets twice its
// beginning.
func (b buckets) slices() []slice {
	var out []slice
	low, before := minWidth, 0.0
	for i, high := range b.upper {
		if math.IsInf(high, 1) {
			high = 2 * low
		}
		if n := b.below[i] - before; n > 0 {
			out = append(out, slice{low, high, n / b.n})
		}
		low, before = high, b.below[i]
	}
	return out
}

// inner are the shares of a bucket at which it is cut into knots.
var inner = [...]float64{0.1, 0.25, 0.5, 0.75, 0.9}

// knots returns the distribution that has the histogram's share in every bucket and its mean. Its
// density falls or rises as exp(-lambda x) with one lambda for all: the one of greatest entropy.
// It returns nil for an empty histogram.
func (b buckets) knots() []Quantile {
	parts := b.slices()
	if len(parts) == 0 {
		return nil
	}
	lambda := 0.0 // even within a bucket
	if !math.IsNaN(b.sum) {
		lambda = tiltFor(parts, b.sum/b.n)
	}
	var out []Quantile
	add := func(p, x float64) {
		k := Quantile{min(p, 1), seconds(x)}
		if last := len(out) - 1; last >= 0 {
			if k.Latency <= out[last].Latency && k.P <= out[last].P {
				return
			}
			k.P = max(k.P, math.Nextafter(out[last].P, 2)) // a step over empty buckets
			k.Latency = max(k.Latency, out[last].Latency)
		}
		if k.P <= 1 {
			out = append(out, k)
		}
	}
	p := 0.0
	for _, s := range parts {
		add(p, s.low)
		for _, u := range inner {
			add(p+u*s.share, s.quantile(lambda, u))
		}
		p += s.share
		add(p, s.high)
	}
	return out
}

// tiltFor returns the lambda that gives a mean, or the nearest that the buckets allow.
func tiltFor(parts []slice, mean float64) float64 {
	meanAt := func(lambda float64) float64 {
		sum := 0.0
		for _, s := range parts {
			sum += s.share * s.mean(lambda)
		}
		return sum
	}
	low, high := -1e7, 1e7 // 1/s: one way or the other all of a bucket of a millisecond is at its edge
	for range 100 {
		if middle := (low + high) / 2; meanAt(middle) > mean { // the mean falls as lambda rises
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

// mean returns the mean of density exp(-lambda x) between low and high.
func (s slice) mean(lambda float64) float64 {
	w := s.high - s.low
	z := lambda * w
	switch {
	case math.Abs(z) < 1e-6:
		return s.low + w/2
	case z > 700:
		return s.low + 1/lambda
	case z < -700:
		return s.high + 1/lambda
	}
	return s.low + 1/lambda - w/math.Expm1(z)
}

// quantile returns the inverse of that density's distribution.
func (s slice) quantile(lambda, u float64) float64 {
	w := s.high - s.low
	z := lambda * w
	switch {
	case math.Abs(z) < 1e-6:
		return s.low + u*w
	case z < -700:
		return math.Max(s.low, s.high-math.Log(u)/lambda)
	}
	return math.Min(s.high, s.low-math.Log1p(u*math.Expm1(-z))/lambda)
}
