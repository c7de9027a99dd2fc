package sim

import (
	"time"
)

// limiter is client-go's token bucket (util/flowcontrol). Waiters are served in the order in which
// they came.
type limiter struct {
	step time.Duration // in which one token is added
	full time.Duration // in which an empty bucket fills
	at   time.Duration // from when the last token is valid: in the past while the bucket holds more
}

// newLimiter returns a limiter with a full bucket.
func newLimiter(qps float64, burst int) limiter {
	step := time.Duration(float64(time.Second) / qps)
	return limiter{step: step, full: time.Duration(burst) * step, at: -time.Duration(burst) * step}
}

// reserve takes a token and returns from when it is valid.
func (l *limiter) reserve(now time.Duration) time.Duration {
	l.at = max(l.at, now-l.full) + l.step
	return max(l.at, now)
}
