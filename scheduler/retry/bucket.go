package retry

import "time"

// bucket is client-go's token bucket (golang.org/x/time/rate) in virtual time:
// burst tokens at first, one more every gap, callers served in order of asking.
// It keeps one number, the time at which the bucket would be full again.
type bucket struct {
	gap  time.Duration // 1/QPS
	hold time.Duration // burst tokens' worth of time
	full time.Duration // when the bucket is full again, if nobody asks
}

func newBucket(qps float64, burst int) bucket {
	gap := time.Duration(float64(time.Second) / qps)
	return bucket{gap: gap, hold: gap * time.Duration(max(burst, 1))}
}

// next returns the time when one who asks at time t gets a token.
func (b *bucket) next(t time.Duration) time.Duration { return max(t, b.full-b.hold+b.gap) }

// take takes one token, asked for at time t, and says when it is given.
func (b *bucket) take(t time.Duration) time.Duration {
	given := b.next(t)
	b.full = max(b.full, given) + b.gap
	return given
}

// ready returns how many of n callers get a token the moment they ask. The first asks at time
// `first` and the others gap apart.
func (b *bucket) ready(n int, first, gap time.Duration) int {
	switch {
	case n == 0 || b.next(first) > first:
		return 0
	case gap >= b.gap:
		return n
	}
	spare := first + b.hold - b.gap - max(b.full, first)
	return min(n, int(spare/(b.gap-gap))+1)
}

// takeReady takes the tokens of n callers that ready has counted.
func (b *bucket) takeReady(n int, first, gap time.Duration) {
	last := first + time.Duration(n-1)*gap
	b.full = max(b.full+time.Duration(n)*b.gap, first+time.Duration(n)*b.gap, last+b.gap)
}

// takeWaiting takes the tokens of n callers that all wait for theirs.
func (b *bucket) takeWaiting(n int) { b.full += time.Duration(n) * b.gap }
