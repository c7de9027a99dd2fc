package etcdmodel

import "math"

// pool is the keys that deletes are taken from.
type pool struct {
	made, gone float64 // keys/s
	live       float64 // at the start
	others     float64 // of those, the ones that no stream made
	tombstone  float64 // bytes, the mean
}

// balanced is the difference of rates, relative to them, below which deletes and creates are
// equal: rates are sums of decimal fractions.
const balanced = 1e-9

func (p pool) grows() bool  { return p.made-p.gone > balanced*p.gone }
func (p pool) drains() bool { return p.gone-p.made > balanced*p.gone }

// at returns the keys that live at t, and the share of those of the start that is left beyond what
// their number gives.
func (p pool) at(t float64) (live, old float64) {
	switch {
	case p.grows() || p.drains():
		if live = p.live + (p.made-p.gone)*t; live <= 0 {
			return 0, 0
		}
	default:
		live = p.live
	}
	if p.live == 0 {
		return live, 0
	}
	change := (p.made - p.gone) * t / p.live
	if math.Abs(change) < 1e-6 {
		return live, math.Exp(-p.gone * t / p.live)
	}
	return live, math.Exp(-p.gone / (p.made - p.gone) * math.Log1p(change))
}

// of returns the keys of one part that live, of `have` at the start and made at a rate, where live
// and old are those of at.
func (p pool) of(have, rate, live, old float64) float64 {
	if p.gone == 0 {
		return have
	}
	if p.made == 0 {
		if p.live == 0 {
			return 0
		}
		return have * live / p.live
	}
	return math.Max(0, live*rate/p.made+(have-p.live*rate/p.made)*old)
}

// deleted returns the keys that were deleted by t.
func (p pool) deleted(t, live float64) float64 { return math.Max(0, p.live+p.made*t-live) }

// steady returns the time from which the pool's keys no longer change in number or size.
func (p *pool) steady(g *growth) float64 {
	switch {
	case p.grows():
		return math.Inf(1)
	case p.drains():
		return p.live / (p.gone - p.made)
	case p.live == 0 || p.made == 0:
		return 0
	}
	const times = 10 // of the time in which a key is deleted: what is left of the start is e^-10
	least, most := math.Inf(1), 0.0
	if p.others > 0 {
		least, most = g.size, g.size
	}
	for i := range g.parts {
		if x := &g.parts[i]; x.role == creates && &g.pools[x.group] == p {
			least, most = math.Min(least, x.bytes), math.Max(most, x.bytes)
		}
	}
	if most <= 1.01*least {
		return 0
	}
	return times * p.live / p.gone
}
