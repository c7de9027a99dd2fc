package etcdmodel

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The closed forms of two limits beside what they solve, by bisection.
func TestLimitsSolveTheirEquations(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		c := Cluster{
			Members: 1, Disks: []Disk{FixedDisk(time.Duration(math.Exp(rng.Float64()*16) * 1e3))},
			BatchInterval: time.Duration(math.Exp(rng.Float64()*10) * 1e6),
		}
		c.Disks[0].Bandwidth = math.Exp(10 + 12*rng.Float64())
		if rng.IntN(4) == 0 {
			c.Disks[0].Commit = []Quantile{{P: 1, Latency: time.Duration(math.Exp(rng.Float64()*16) * 1e3)}}
		}
		c = c.WithDefaults()
		m := newMix(c, streams(Op{Kind: Put, Key: 60, Value: 1 << rng.IntN(17)}, 1), 0)
		d, interval := newDiskMean(c, 0), float64(c.BatchInterval)
		apply := bisect(1e9/m.apply, func(x float64) bool {
			b := c.backendCommit(d, m, x)
			return !math.IsInf(b, 1) && x*m.apply/1e9 <= interval/(interval+b)
		})
		require.InEpsilon(t, apply, c.applyLimit(d, m), 1e-4)
		refusal := bisect(1e7, func(x float64) bool { return x*c.backendCommit(d, m, x)/1e9 <= maxGap })
		require.InEpsilon(t, refusal, c.refusalLimit(d, m), 1e-4)
	}
}
