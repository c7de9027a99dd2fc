package etcdmodel

import (
	"math"
	"time"
)

// compaction returns one compaction in the steady state:
//
//	T = (1 + B / I) * ((batches - 1) * (10.6 ms + scan + c B) + scan + (c - 1) B)
//
// A batch holds 1,000 revisions at or below the compaction's, live ones too. Newer ones are not
// read.
// c is the number of forced commits: 2 where a batch deletes, else 1. scan is 0.9 + 0.4/KiB ms.
// Measured on 3.6.16: 7 to 16 % median error, 32 % largest.
func (g *growth) compaction(c Cluster, d DB, commit time.Duration, kib float64) Compaction {
	if c.CompactEvery <= 0 {
		return Compaction{}
	}
	t := g.steady()
	if math.IsInf(t, 1) || d.QuotaIn >= 0 && d.QuotaIn.Seconds() < t {
		t = 365 * 24 * 3600
		if d.QuotaIn >= 0 {
			t = math.Min(t, d.QuotaIn.Seconds())
		}
	}
	live := g.begin.live()
	kept, gone := g.dead(t-g.keep).revisions, g.dead(t-g.keep-g.every).revisions
	revisions := live.revisions + g.garbage.revisions - gone
	if t > g.keep {
		revisions += g.written(t - g.keep).revisions
	}
	revisions, deletes := math.Max(0, revisions), math.Max(0, kept-gone)
	out := Compaction{Revisions: count(revisions), Deletes: count(deletes)}
	out.Batches = out.Revisions/compactBatch + 1
	out.Duration = compactionTime(c.BatchInterval, commit, out.Batches, deletes >= 1, kib)
	return out
}

// count is like whole for an int. A revision that half is there is none.
func count(x float64) int { return int(min(wholeInt64(x+1e-6), math.MaxInt)) }

func compactionTime(interval, commit time.Duration, batches int, deletes bool, kib float64) time.Duration {
	forced := 1.0
	if deletes {
		forced = 2
	}
	b := float64(commit)
	scan := float64(scanTime(kib))
	each := compactPause + scan + forced*b
	return capped((1 + b/float64(interval)) * (float64(batches-1)*each + scan + (forced-1)*b))
}
