package etcdmodel

import "math"

// begin is the db at the start, taken apart.
type begin struct {
	total, inUse float64   // bytes
	have         []float64 // by stream: its keys that live already
	others       float64   // keys that live beside those
	size         float64   // bytes of one of the others
	garbage      tally     // what the next compactions free
	age          float64   // s since the write that the last compaction kept
	next         float64   // s until the next compaction
	revision     float64   // the newest
	written      float64   // revisions since the last compaction
}

// tally counts revisions and their bytes.
type tally struct{ bytes, revisions float64 }

func (a tally) plus(b tally, n float64) tally {
	return tally{a.bytes + n*b.bytes, a.revisions + n*b.revisions}
}

// newBegin reads Cluster.State or Cluster.DB and estimates what they leave out, as [State] says.
// Streams without rates give no estimate: a Server's classes need none.
func newBegin(c Cluster, streams []Stream, casting []cast) begin {
	s := c.State
	b := begin{
		total: float64(max(s.Total, s.InUse, c.DB)), inUse: float64(s.InUse),
		have: make([]float64, len(streams)), next: c.compactEvery(),
	}
	alone := b.inUse == 0
	if alone {
		b.inUse = b.total
	}
	if b.total == 0 && s.Keys == 0 {
		return b
	}
	b.revision, b.written = float64(s.Revision), float64(s.History())
	writes, rotting := decay(c, streams, casting)
	b.history(c, writes, rotting, alone)
	b.keys(c, streams, casting, writes > 0)
	b.rest(c, streams, casting)
	return b
}

// compactEvery and compactKeep return seconds; they are infinite where nothing compacts.
func (c Cluster) compactEvery() float64 {
	if c.CompactEvery <= 0 {
		return math.Inf(1)
	}
	return c.CompactEvery.Seconds()
}

func (c Cluster) compactKeep() float64 { return c.CompactKeep.Seconds() }

// decay returns the requests/s of a load that make a revision, and what they turn into garbage
// each second in the steady state: the version before for an update, the key and its tombstone
// for a delete and for the end of a lease.
func decay(c Cluster, streams []Stream, casting []cast) (writes float64, rotting tally) {
	var made, gone [groups]float64
	var pool [groups]tally
	for i, s := range streams {
		n := s.Rate * float64(s.Op.revisions())
		one := tally{s.perRevision(c.Version), 1}
		group := casting[i].group
		switch casting[i].role {
		case bystander:
			continue
		case updates:
			rotting = rotting.plus(one, n)
		case expires:
			rotting = rotting.plus(tally{one.bytes + s.grave(c.Version), 2}, n)
		case creates:
			made[group] += n
			pool[group] = pool[group].plus(one, n)
		case removes:
			gone[group] += n
			rotting = rotting.plus(one, n)
		}
		writes += s.Rate
	}
	for i := range groups {
		if made[i] > 0 {
			rotting = rotting.plus(pool[i], gone[i]/made[i])
		}
	}
	return writes, rotting
}

// history finds the garbage and the phase of the compactions.
func (b *begin) history(c Cluster, writes float64, rotting tally, alone bool) {
	every, keep := c.compactEvery(), c.compactKeep()
	if math.IsInf(every, 1) {
		return
	}
	revisions := float64(c.State.History())
	known := c.State.Compacted != 0 && c.State.Revision > 0
	switch {
	case writes == 0 && !known:
		return
	case writes == 0: // all of it updates, of a mean size
		b.age = keep + every/2
		b.garbage = tally{b.inUse * revisions / (revisions + float64(c.State.Keys)), revisions}
		if c.State.Keys == 0 || revisions == 0 {
			b.garbage = tally{}
		}
	case known:
		b.age = math.Min(revisions/writes, every+keep)
		b.garbage = tally{revisions * (rotting.bytes / writes), revisions * (rotting.revisions / writes)}
	case alone:
		b.age = every + keep
		b.garbage = tally{}.plus(rotting, b.age)
	default:
		b.age = keep + every/2
		b.garbage = tally{}.plus(rotting, b.age)
	}
	if b.age >= keep {
		b.next = math.Max(0, every+keep-b.age)
	}
}

// keys finds which of the streams' keys live already: all, unless fewer are known to live or
// fewer have room. The history has what room they leave.
func (b *begin) keys(c Cluster, streams []Stream, casting []cast, estimate bool) {
	left := float64(c.State.Keys)
	if left == 0 && estimate {
		left = math.Inf(1)
	}
	bytes := 0.0
	for _, want := range []role{updates, expires} {
		for i, s := range streams {
			if casting[i].role != want {
				continue
			}
			n := float64(s.Keys)
			if want == expires {
				n = s.Rate * float64(s.Op.revisions()) * s.TTL.Seconds()
			}
			b.have[i] = math.Min(n, left)
			left -= b.have[i]
			bytes += b.have[i] * s.perRevision(c.Version)
		}
	}
	switch {
	case b.inUse == 0: // only keys are known
	case bytes > b.inUse:
		for i := range b.have {
			b.have[i] *= b.inUse / bytes
		}
		bytes, b.garbage = b.inUse, tally{}
	case bytes+b.garbage.bytes > b.inUse:
		b.garbage = tally{}.plus(b.garbage, (b.inUse-bytes)/b.garbage.bytes)
	}
	b.others = math.Max(0, b.inUse-bytes-b.garbage.bytes) // bytes, until rest makes keys of them
	if b.inUse == 0 {
		b.inUse = bytes + b.garbage.bytes
	}
}

// rest makes keys of the bytes that are neither history nor a stream's.
func (b *begin) rest(c Cluster, streams []Stream, casting []cast) {
	mean, weight := 0.0, 0.0
	for _, want := range []role{creates, updates, expires} {
		for i, s := range streams {
			if casting[i].role == want {
				w := math.Max(s.Rate, 1e-9)
				mean, weight = mean+w*s.perRevision(c.Version), weight+w
			}
		}
		if weight > 0 {
			break
		}
	}
	b.size = pageSize / 2
	if weight > 0 {
		b.size = mean / weight
	}
	bytes := b.others
	if c.State.Keys == 0 {
		b.others = bytes / b.size
		return
	}
	b.others = float64(c.State.Keys)
	for _, n := range b.have {
		b.others -= n
	}
	b.others = math.Max(0, b.others)
	switch {
	case b.total == 0: // only keys are known
		b.inUse += b.others * b.size
		b.total = b.inUse
	case b.others > 0:
		b.size = bytes / b.others
	}
}

// live returns the revisions that no compaction frees, and their bytes.
func (b *begin) live() tally {
	n := b.others
	for _, x := range b.have {
		n += x
	}
	return tally{math.Max(0, b.inUse-b.garbage.bytes), n}
}
