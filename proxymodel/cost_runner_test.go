package proxymodel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// simulate is the slow twin of cycle: it plays both runners, event by event.
func simulate(v Version, s, m, rate float64, events int) (period, mean, p99, longest float64) {
	seed := uint64(0)
	if v != V1_29 {
		seed = 1
	}
	r := rand.New(rand.NewPCG(1, seed))
	arrival := make([]float64, events)
	for i, at := 0, 0.0; i < events; i++ {
		at += r.ExpFloat64() / rate
		arrival[i] = at
	}
	var waits []float64
	begin, syncs := arrival[0], 0
	tokens, filled := 2.0, 0.0 // v1.29's bucket and when it was last filled
	refill := func(now float64) {
		if m > 0 {
			tokens = min(2, tokens+(now-filled)/m)
		} else {
			tokens = 2
		}
		filled = now
	}
	for next := 0; next < events; {
		if v == V1_29 {
			refill(begin)
			tokens--
		}
		end := begin + s
		for next < events && arrival[next] <= begin {
			waits = append(waits, end-arrival[next])
			next++
		}
		syncs++
		if next == events {
			break
		}
		at := arrival[next]
		switch {
		case v != V1_29:
			begin = max(at, end+m)
		default:
			begin = startWithToken(arrival[next:], end, m, refill, &tokens)
		}
	}
	slices.Sort(waits)
	sum := 0.0
	for _, w := range waits {
		sum += w
	}
	return begin / float64(syncs), sum / float64(len(waits)), waits[len(waits)*99/100], waits[len(waits)-1]
}

// startWithToken calls tryRun at each pending change, at the sync's end for those that came during
// it, and at the timer.
func startWithToken(pending []float64, end, m float64, refill func(float64), tokens *float64) float64 {
	for _, at := range pending {
		try := max(at, end)
		if at > pending[0] && pending[0] < end+m && try > end+m {
			break
		}
		refill(try)
		if *tokens >= 1-1e-9 {
			return try
		}
	}
	timer := max(end+m, pending[0])
	refill(timer)
	return timer
}

func TestStalenessEqualsSimulatedRunner(t *testing.T) {
	for _, v := range Modelled() {
		for _, s := range []float64{0.02, 0.17, 0.2, 0.6, 0.83, 2} {
			for _, m := range []float64{0, 0.3, 1} {
				for _, rate := range []float64{0.05, 0.3, 1, 3, 10, 40} {
					period, mean, p99, longest := simulate(v, s, m, rate, 60_000)
					c := newCycle(v, s, m, rate)
					near := func(what string, want, got, tolerance float64) {
						t.Helper()
						assert.LessOrEqualf(t, math.Abs(got/want-1), tolerance,
							"%v s=%v m=%v rate=%v %s: simulated %.4f, formula %.4f", v, s, m, rate, what, want, got)
					}
					loose := 1.0
					if c.burst { // the table is interpolated
						loose = 2
					}
					near("period", period, c.period(), 0.03*loose)
					near("mean", mean, c.mean(), 0.04*loose)
					tolerance := 0.05
					if c.burst { // p99 jumps up where queued changes become one in a hundred
						tolerance += 0.2 * m / p99 / max(1, 4*rate*m)
					}
					near("p99", p99, c.p99(), tolerance)
					assert.LessOrEqual(t, longest, c.longest()*1.0001)
				}
			}
		}
	}
}
