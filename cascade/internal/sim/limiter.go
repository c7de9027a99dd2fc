package sim

import (
	"time"
)

// limiter is client-go's token bucket (util/flowcontrol): waiters are served in the order in which they came.
type limiter struct {
	step time.Duration // one token
	full time.Duration // the bucket, as time
	at   time.Duration // when the bucket would have been full minus what was taken
}

func newLimiter(qps float64, burst int) limiter {
	step := time.Duration(float64(time.Second) / qps)
	return limiter{step: step, full: time.Duration(burst) * step, at: -time.Duration(burst) * step}
}

// reserve takes a token and says from when it is valid.
func (l *limiter) reserve(now time.Duration) time.Duration {
	l.at = max(l.at, now-l.full) + l.step
	return max(l.at, now)
}
