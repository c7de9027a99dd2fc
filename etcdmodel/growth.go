package etcdmodel

import (
	"fmt"
	"math"
	"time"
)

// growth is the mean size of the db of a load over time: what was there, and what the streams
// write, minus what the compactions have dropped by then. With W the bytes written, D those that
// no longer matter, and c the last compaction,
//
//	in use(t) = start + W(t) - D(c - CompactKeep)
//
// The file is as large as the most that was in use. Between two compactions nothing is freed. For
// updates alone, with kube-apiserver's settings, the plateau is (K + 2 P lambda) b: predicted 19.3
// MB, measured 19.73 MB on 3.6.16.
//
// Deletes take keys in proportion to what lives, until nothing is left. With S the keys that live,
// made at R and deleted at D a second, the keys of stream i among them are
//
//	S(t) = S0 + (R - D) t,   L(t) = S r/R + (L0 - S0 r/R) (S/S0)^(D/(D - R))
type growth struct {
	begin
	every, keep float64 // s; every is +Inf where nothing compacts
	parts       []part
	pools       [groups]pool
}

// part is one stream's share.
type part struct {
	cast
	rate  float64 // revisions/s
	bytes float64 // of one revision
	keys  float64 // of updates
	have  float64 // keys that live at the start
	ttl   float64 // s, of what expires
	grave float64 // bytes of an expired key's tombstone
	node  float64 // bytes of a leaf of such revisions
	few   bool    // no more than two of them fill a leaf
}

func newGrowth(c Cluster, streams []Stream) growth {
	casting := castOf(streams)
	g := growth{begin: newBegin(c, streams, casting), every: c.compactEvery(), keep: c.compactKeep()}
	g.pools[unleased].live, g.pools[unleased].others = g.others, g.others
	for i, s := range streams {
		n := float64(s.Op.revisions())
		if casting[i].role == bystander || s.Rate == 0 {
			continue
		}
		p := part{
			cast: casting[i], rate: s.Rate * n, bytes: s.perRevision(c.Version), keys: float64(s.Keys), have: g.have[i],
			ttl: s.TTL.Seconds(), grave: s.grave(c.Version),
		}
		pages, inLeaf := leaf(s.Op.revision())
		p.node, p.few = float64(pages*pageSize), inLeaf <= 2
		pool := &g.pools[p.group]
		switch p.role {
		case creates:
			pool.made += p.rate
		case removes:
			pool.gone += p.rate
			pool.tombstone += p.rate * p.bytes
		}
		g.parts = append(g.parts, p)
	}
	for i := range g.pools {
		if p := &g.pools[i]; p.gone > 0 {
			p.tombstone /= p.gone
		}
	}
	return g
}

// written returns what was written by t (s), tombstones too.
func (g *growth) written(t float64) tally {
	var sum tally
	for i := range g.parts {
		switch p := &g.parts[i]; p.role {
		case updates, creates:
			sum = sum.plus(tally{p.bytes, 1}, p.rate*t)
		case expires:
			sum = sum.plus(tally{p.bytes, 1}, p.rate*t).plus(tally{p.grave, 1}, p.expired(t))
		}
	}
	for i := range g.pools {
		if p := &g.pools[i]; p.gone > 0 {
			live, _ := p.at(t)
			sum = sum.plus(tally{p.tombstone, 1}, p.deleted(t, live))
		}
	}
	return sum
}

// expired returns the keys of the part whose lease has ended by t.
func (p *part) expired(t float64) float64 {
	return p.have*math.Min(1, t/p.ttl) + p.rate*math.Max(0, t-p.ttl)
}

// dead returns what no longer matters at t: superseded, deleted or expired, with the tombstones.
// Before the start (t < 0) that is the history, in even parts.
func (g *growth) dead(t float64) tally {
	if t <= 0 {
		if t <= -g.age || g.age == 0 {
			return tally{}
		}
		return tally{}.plus(g.garbage, 1+t/g.age)
	}
	sum := g.garbage
	var live, old [groups]float64
	for i := range g.pools {
		p := &g.pools[i]
		if p.gone == 0 {
			continue
		}
		live[i], old[i] = p.at(t)
		sum = sum.plus(tally{p.tombstone, 1}, p.deleted(t, live[i]))
		if p.others > 0 {
			sum = sum.plus(tally{g.size, 1}, p.others-p.of(p.others, 0, live[i], old[i]))
		}
	}
	for i := range g.parts {
		p := &g.parts[i]
		one := tally{p.bytes, 1}
		switch p.role {
		case updates:
			sum = sum.plus(one, math.Max(0, p.rate*t-(p.keys-p.have)))
		case expires:
			sum = sum.plus(tally{p.bytes + p.grave, 2}, p.expired(t))
		case creates:
			if pool := &g.pools[p.group]; pool.gone > 0 {
				sum = sum.plus(one, math.Max(0, p.rate*t-pool.of(0, p.rate, live[p.group], old[p.group])))
			}
		}
	}
	return sum
}

// compactions returns the number of compactions before t.
func (g *growth) compactions(t float64) float64 {
	if t <= g.next || math.IsInf(g.every, 1) {
		return 0
	}
	return math.Ceil((t - g.next) / g.every)
}

// after returns the bytes in use at t if n compactions came before.
func (g *growth) after(t, n float64) float64 {
	sum := g.inUse + g.written(t).bytes
	if n > 0 {
		sum -= g.dead(g.next + (n-1)*g.every - g.keep).bytes
	}
	return math.Max(0, sum)
}

// at returns the bytes in use at t. At the time of a compaction it is still to come.
func (g *growth) at(t float64) float64 { return g.after(t, g.compactions(t)) }

// file returns the size of the file at t, if the size before the last compaction was the largest
// until then.
func (g *growth) file(t float64) float64 {
	size, n := math.Max(g.begin.total, g.at(t)), g.compactions(t)
	if n > 0 {
		size = math.Max(size, g.after(g.next+(n-1)*g.every, n-1))
	}
	return size
}

// peak returns the most in use in the interval of compactions around t.
func (g *growth) peak(t float64) float64 {
	n := math.Max(0, g.compactions(t))
	if math.IsInf(g.every, 1) {
		return g.at(t)
	}
	return g.after(g.next+n*g.every, n)
}

// left returns the bytes that a compaction of everything would leave at t.
func (g *growth) left(t float64) float64 {
	return math.Max(0, g.inUse+g.written(t).bytes-g.dead(t).bytes)
}

// steady returns the time (s) from which the size no longer changes but for the compactions; +Inf
// if it always does.
func (g *growth) steady() float64 {
	window := g.every + g.keep
	t := 0.0
	for i := range g.parts {
		at := window
		switch p := &g.parts[i]; p.role {
		case updates:
			at += (p.keys - p.have) / p.rate
		case expires:
			at += p.ttl
		default:
			at += g.pools[p.group].steady(g)
		}
		t = math.Max(t, at)
	}
	return t
}

// until returns the time (s) at which the file reaches so many bytes; +Inf if it does not.
func (g *growth) until(bytes float64) float64 {
	if g.begin.total >= bytes {
		return 0
	}
	horizon := g.steady()
	if math.IsInf(horizon, 1) {
		const forever = 1e30
		for horizon = 1; g.file(horizon) < bytes; horizon *= 8 {
			if horizon > forever {
				return math.Inf(1)
			}
		}
	} else if math.IsInf(g.every, 1) {
		return math.Inf(1) // nothing is written
	} else {
		horizon += 2 * g.every
	}
	const steps = 40
	for i := range steps {
		from, to := horizon*float64(i)/steps, horizon*float64(i+1)/steps
		if g.file(to) >= bytes {
			return from + bisectUp(to-from, func(t float64) bool { return g.file(from+t) >= bytes })
		}
	}
	return math.Inf(1)
}

// bisectUp returns the least t up to high for which ok holds. ok must be true above it.
func bisectUp(high float64, ok func(float64) bool) float64 {
	low := 0.0
	for range 50 {
		if mid := (low + high) / 2; ok(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

// perSecond returns the bytes/s while nothing is compacted. Deletes that find no key add nothing.
func (g *growth) perSecond() float64 {
	sum := 0.0
	for i := range g.parts {
		p := &g.parts[i]
		rate := p.rate
		if pool := &g.pools[p.group]; p.role == removes && pool.live == 0 && pool.gone > pool.made {
			rate *= pool.made / pool.gone
		}
		sum += rate * p.bytes
	}
	return sum
}

// predict returns the DB of a Prediction. commit is the mean backend commit.
func (g *growth) predict(c Cluster, writes float64, commit time.Duration) DB {
	perSecond := g.perSecond()
	d := DB{Growth: perSecond, QuotaIn: -1, Plateau: -1}
	if writes > 0 {
		d.PerWrite = perSecond / writes
	}
	d.Overshoot = wholeInt64(perSecond * (c.BatchInterval.Seconds() + commit.Seconds()))
	steady, quota := g.steady(), g.until(float64(c.Quota))
	if math.IsInf(steady, 1) {
		d.Live, d.PlateauMost = wholeInt64(g.begin.live().bytes), -1
	} else {
		d.Live = wholeInt64(g.left(steady))
		d.Plateau = wholeInt64(g.largest(steady))
		d.PlateauMost = wholeInt64(math.Max(g.begin.total, g.largest(steady)+g.scattered(steady)))
	}
	if !math.IsInf(quota, 1) {
		d.QuotaIn = lasting(quota)
		d.NoSpace = noSpaceText(c, g, quota)
	}
	return d
}

// largest returns the size of the file from steady on.
func (g *growth) largest(steady float64) float64 {
	if math.IsInf(g.every, 1) {
		return g.begin.total // nothing is written
	}
	size := math.Max(g.begin.total, g.peak(steady+g.every))
	const steps = 20
	for i := range steps {
		size = math.Max(size, g.peak(steady*float64(i)/steps))
	}
	return size
}

// scattered returns the bytes that the file is larger by where keys are updated and deleted in
// random order. What lives then stands alone on pages that are not freed: 1.29 to 1.46 times its
// bytes for values of up to 1 KiB, 1.00 where two revisions fill a leaf (measured on 3.6.16). A
// batch of a compaction rewrites the pages that it takes revisions from. The old ones are free
// after the commit that follows, since the backend keeps a read transaction from commit to commit.
// So those of two batches are in the file.
func (g *growth) scattered(steady float64) float64 {
	const most = 0.46
	bytes, node := 0.0, 0.0
	alone := len(g.parts) < 2
	for i := range g.parts {
		p := &g.parts[i]
		n := 0.0
		switch pool := &g.pools[p.group]; p.role {
		case updates:
			n = p.keys
		case expires:
			if !alone {
				n = p.rate * p.ttl
			}
		case creates:
			live, old := pool.at(steady)
			n = pool.of(0, p.rate, live, old)
		}
		node = math.Max(node, p.node)
		if !p.few {
			bytes += most * n * p.bytes
		}
	}
	for i := range g.pools {
		if p := &g.pools[i]; p.gone > 0 && p.others > 0 {
			live, old := p.at(steady)
			bytes += most * p.of(p.others, 0, live, old) * g.size
		}
	}
	every := g.every + g.keep
	gone := (g.dead(steady+2*every).revisions - g.dead(steady+every).revisions) / every * g.every
	scanned := g.begin.live().revisions + g.garbage.revisions
	scanned += g.written(steady+every).revisions - g.dead(steady).revisions
	if math.IsInf(g.every, 1) || scanned <= 0 {
		return 0
	}
	return bytes + 2*math.Min(1, gone/scanned)*compactBatch*node
}

// lasting converts seconds and caps at a century, which a Duration still holds.
func lasting(s float64) time.Duration {
	return time.Duration(math.Min(s, century.Seconds()) * 1e9)
}

// noSpaceText describes NOSPACE and the way out. A compaction frees pages inside the file, which
// stays as large. So a defragmentation has to come before the disarm (measured on 3.6.16: compact
// and disarm alone raise the alarm again).
func noSpaceText(c Cluster, g *growth, quota float64) string {
	return fmt.Sprintf("at %v puts, transactions that put and lease grants fail with "+
		"\"mvcc: database space exceeded\"; deletes and compactions go on. "+
		"To leave: compact, defragment every member (to about %d MB), then disarm the alarm; "+
		"without the defragmentation it is raised again.",
		lasting(quota).Round(time.Second), wholeInt64(g.left(quota)/1e6))
}

// series returns a hundred points of the file until the steady state or the quota.
func (g *growth) series(d DB) []Size {
	const points = 100
	end := g.steady()
	if d.QuotaIn >= 0 {
		end = math.Min(end, d.QuotaIn.Seconds())
	}
	if math.IsInf(end, 1) || end <= 0 {
		return nil
	}
	out := make([]Size, 0, points+1)
	total := g.begin.total
	for i := range points + 1 {
		t := end * float64(i) / points
		total = math.Max(total, g.file(t))
		out = append(out, Size{At: lasting(t), Total: wholeInt64(total), InUse: wholeInt64(g.at(t))})
	}
	return out
}
