package etcdmodel

import "math"

// This file has the closed forms of reads, alone and beside writes.

// addReads averages over the streams that read, by rate.
func (m *mix) addReads(c *Cluster) {
	for _, s := range m.streams {
		if s.Op.Kind.Writes() || s.Rate == 0 {
			continue
		}
		w := s.Rate / m.reads
		if !s.Op.Kind.ranges() {
			m.readTake += w * (float64(c.CPU.Accept) + s.Op.kib()*float64(c.CPU.AcceptPerKiB))
			continue
		}
		m.work += w * c.CPU.rangeWork(s.Op)
		m.waking += w
		m.readBytes += w * s.Op.rangeBytes()
		if s.Op.Kind == Range {
			m.agreed += w
		}
	}
}

// share returns the share of requests that write.
func (m *mix) share() float64 { return m.rate / math.Max(m.rate+m.reads, math.SmallestNonzeroFloat64) }

// busy returns the time (ns) for which the mean request keeps all processors of a member busy: an
// intake does by itself, a range needs one of Cores.
func (m *mix) busy(c *Cluster) (taken, ranges float64) {
	w := m.share()
	return w*m.accept + (1-w)*m.readTake, (1 - w) * m.work / float64(c.CPU.Cores)
}

// sustainableReads is like sustainable for a mix in which some requests read. All rates grow
// together.
func (c Cluster) sustainableReads(m mix, leaderOnly bool) (float64, Bound) {
	w, doors := m.share(), float64(c.Members)
	if leaderOnly {
		doors = 1
	}
	var limit [bounds]float64
	for b := range limit {
		limit[b] = math.Inf(1)
	}
	if m.rate > 0 {
		limit = c.writeLimits(m, leaderOnly)
		for b := range limit {
			limit[b] /= w
		}
	}
	taken, ranges := m.busy(&c)
	processor := BoundAccept
	switch {
	case ranges > taken:
		processor = BoundRange
	case m.fan > m.accept/2:
		processor = BoundWatch
	}
	limit[BoundAccept], limit[BoundWatch] = math.Inf(1), math.Inf(1)
	limit[processor] = doors * 1e9 / (taken + ranges)
	if sent := w*m.wal*float64(c.Members-1) + (1-w)*m.readBytes/doors; c.Network > 0 && sent > 0 {
		limit[BoundNetwork] = c.Network / sent
	}
	least := Bound(0)
	for b := range bounds {
		if limit[b] < limit[least] {
			least = b
		}
	}
	return limit[least], least
}

// estimateReads is [Estimate] for a load with reads.
func (c Cluster) estimateReads(l Load) Prediction {
	closed := c.closedRate(l)
	m := newMix(c, l, closed)
	part := 0.0
	if all := m.rate + m.reads; all > 0 {
		most, _ := c.sustainable(m, l.LeaderOnly)
		part = math.Min(1, most/all)
	}
	reads, rate := m.reads*part, m.rate*part
	p := Prediction{Throughput: rate + reads, Writes: rate}
	queue := func(mean float64) float64 { // at a limit the clients wait in front of it
		return math.Max(0, float64(l.Clients)*1e9/math.Max(1, closed)-mean)
	}
	writing := l.Clients > 0 && l.Op.Kind.Writes()
	if rate > 0 {
		p.writesBeside(c, m, rate, l, writing, queue)
	}
	mean := c.readMean(&m, l.LeaderOnly)
	if l.Clients > 0 && !writing {
		mean += queue(mean)
	}
	p.Reads = c.readLatency(&m, mean)
	p.aggregate(c, l, rate, reads)
	p.refuse(c, l)
	if rate > 0 && c.stalls(p.WALBytesOp*p.OpsPerFsync) {
		w := m
		w.rate = rate
		p.Elections = inFirstHour(c.hazards(&w, rate, l))
	}
	p.warn(c, l)
	return p
}

// closedRate returns the requests/s of the clients beside the streams: N = X L(X), by bisection,
// and no more than can be sustained.
func (c Cluster) closedRate(l Load) float64 {
	if l.Clients == 0 {
		return 0
	}
	open, one := newMix(c, Load{Streams: l.Streams, WatchStreams: l.WatchStreams}, 0), newMix(c, Load{
		Clients: l.Clients, Op: l.Op, Keys: l.Keys, Watchers: l.Watchers, WatchStreams: l.WatchStreams,
	}, 1)
	writes := l.Op.Kind.Writes()
	most := func(x float64) float64 { // the rate that N clients reach at the latency of rate x
		m := blend(&open, &one, x)
		if writes {
			return float64(l.Clients) * 1e9 / newTurn(&c, &m, m.rate, l).perClient()
		}
		return float64(l.Clients) * 1e9 / c.readMean(&m, l.LeaderOnly)
	}
	low, high := 0.0, most(0)
	for range 20 {
		if x := (low + high) / 2; x <= most(x) {
			low = x
		} else {
			high = x
		}
	}
	x := low
	for range 4 { // the limit depends on the mix, and the mix on the limit
		m := blend(&open, &one, x)
		most, _ := c.sustainable(m, l.LeaderOnly)
		if m.rate+m.reads <= most*1.001 {
			break
		}
		x = math.Max(0, most-open.rate-open.reads)
	}
	return x
}

// blend returns the mix of the streams of a and x times those of b.
func blend(a, b *mix, x float64) mix {
	m := *a
	m.rate, m.reads = a.rate+x*b.rate, a.reads+x*b.reads
	if m.rate > 0 {
		w := x * b.rate / m.rate
		for _, f := range [...]struct{ to, from *float64 }{
			{&m.wal, &b.wal}, {&m.db, &b.db}, {&m.accept, &b.accept}, {&m.append, &b.append}, {&m.apply, &b.apply},
			{&m.revision, &b.revision}, {&m.fan, &b.fan},
		} {
			*f.to += w * (*f.from - *f.to)
		}
	}
	if m.reads > 0 {
		w := x * b.reads / m.reads
		for _, f := range [...]struct{ to, from *float64 }{
			{&m.work, &b.work}, {&m.readTake, &b.readTake}, {&m.readBytes, &b.readBytes}, {&m.agreed, &b.agreed},
			{&m.waking, &b.waking},
		} {
			*f.to += w * (*f.from - *f.to)
		}
	}
	return m
}

// writesBeside fills in what the writes of the load do.
func (p *Prediction) writesBeside(c Cluster, m mix, rate float64, l Load, closed bool, queue func(float64) float64) {
	t := newTurn(&c, &m, rate, l)
	if closed {
		t.queue = queue(t.perClient())
	}
	p.Fsync = c.Disks[0].latency()
	p.BackendCommit = Latency{Mean: capped(t.commit), P50: capped(t.commit)}
	p.Fsyncs, p.OpsPerFsync = t.fsyncs, rate/math.Max(t.fsyncs, math.SmallestNonzeroFloat64)
	p.BackendCommits = math.Min(rate, 1e9/(float64(c.BatchInterval)+t.commit))
	p.WALBytesOp = m.wal + float64(record(13+1+indexBytes))/math.Max(1, p.OpsPerFsync)
	p.WALBytes = rate * p.WALBytesOp
	p.HeartbeatsMissed = t.missed(&c)
	p.answer(t)
}

// readMean returns the mean time (ns) of the mix's reads: processor time shared as on C servers,
// a round of asking for an index and what is left of the one before, and the backend's lock.
func (c Cluster) readMean(m *mix, leaderOnly bool) float64 {
	doors := float64(c.Members)
	if leaderOnly {
		doors = 1
	}
	taken, ranges := m.busy(&c)
	busy := math.Min(0.99, (m.rate+m.reads)*(taken+ranges)/1e9/doors)
	cores := float64(c.CPU.Cores)
	others := busy * cores / (1 - math.Pow(busy, cores))
	t := (m.work+m.waking*c.CPU.wake(others))/(1-math.Pow(busy, cores)) + m.readTake + float64(c.CPU.Answer) +
		c.sending(m.readBytes)
	if m.agreed > 0 && c.Members > 1 {
		trip := float64(c.RTT)
		if !leaderOnly {
			trip += float64(c.RTT) * (1 - 1/doors)
		}
		asked := math.Min(1, m.reads*m.agreed/doors*trip/1e9)
		t += m.agreed * trip * (1 + asked/2)
	}
	if m.rate > 0 {
		commit := capped(c.backendCommit(newDiskMean(c, 0), *m, m.rate)).Seconds() * 1e9
		t += commit / (float64(c.BatchInterval) + commit) * commit / 2
	}
	return t
}

// readLatency spreads the mean over the usual places: of a range, the wait for the lock is the
// tail.
func (c Cluster) readLatency(m *mix, mean float64) Latency {
	commit := 0.0
	if m.rate > 0 {
		commit = float64(capped(c.backendCommit(newDiskMean(c, 0), *m, m.rate)))
	}
	share := commit / (float64(c.BatchInterval) + commit)
	base := mean - share*commit/2
	at := func(p float64) float64 { return base + math.Max(0, (p-(1-share))/math.Max(share, 1e-9))*commit }
	return Latency{
		Mean: capped(mean), P50: capped(at(.5)), P90: capped(at(.9)), P99: capped(at(.99)), P999: capped(at(.999)),
		Max: capped(at(1)),
	}
}
