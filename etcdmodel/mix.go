package etcdmodel

import "math"

// mix is the average write of a load.
type mix struct {
	rate     float64 // writes/s, of the open streams
	wal      float64 // bytes of a record
	db       float64 // bytes of pages
	accept   float64 // ns
	append   float64 // ns
	apply    float64 // ns
	gate     float64 // ns of a turn of the loop without its fdatasync
	revision float64 // revisions a write

	fan float64 // ns of accept in which watchers are sent the write

	reads     float64 // ranges and keep-alives/s
	work      float64 // ns of one of them that ranges share
	readTake  float64 // ns to take one in
	readBytes float64 // of its answer
	agreed    float64 // share of reads that ask for an index
	waking    float64 // share of reads that are ranges
	streams   []Stream
}

// newMix averages over the streams by rate. closed is the rate of the clients, which is not known
// beforehand.
func newMix(c Cluster, l Load, closed float64) mix {
	m := mix{gate: float64(c.CPU.Turn)}
	m.streams = append(m.streams, l.Streams...)
	if l.Clients > 0 {
		m.streams = append(m.streams, Stream{Op: l.Op, Rate: closed, Keys: l.Keys, Watchers: l.Watchers})
	}
	for _, s := range m.streams {
		if s.Op.Kind.Writes() {
			m.rate += s.Rate
		} else {
			m.reads += s.Rate
		}
	}
	m.addReads(&c)
	for _, s := range m.streams {
		if !s.Op.Kind.Writes() || s.Rate == 0 {
			continue
		}
		w := s.Rate / m.rate
		kib := s.Op.kib()
		m.wal += w * s.Op.WALBytes(c.Version, math.Inf(1))
		m.db += w * s.Op.DBBytes(c.Version)
		accept := float64(c.CPU.Accept) + kib*float64(c.CPU.AcceptPerKiB)
		m.accept += w * accept
		if wanted, most := c.CPU.fanout(s, l.WatchStreams, accept); wanted > 0 {
			m.fan += w * math.Min(wanted, most)
		}
		m.append += w * (float64(c.CPU.Append) + kib*float64(c.CPU.AppendPerKiB))
		m.apply += w * (float64(c.CPU.Apply) + kib*float64(c.CPU.ApplyPerKiB))
		m.revision += w * float64(s.Op.revisions())
	}
	m.accept += m.fan
	return m
}

// accept returns the time (ns) to take in the request.
func (o Op) accept(c CPU) float64 {
	return max(1000, float64(c.Accept)+o.kib()*float64(c.AcceptPerKiB))
}

// kib returns the request's key and value bytes in KiB, all puts of a transaction together.
func (o Op) kib() float64 {
	n := float64(o.Key+o.Value) / 1024
	if o.Kind == TxnPuts {
		n *= float64(o.puts())
	}
	return n
}

// diskMean holds the numbers of one member's disk that the closed forms need, in ns.
type diskMean struct{ fsync, perByte, db, dbPerByte, commit float64 }

func newDiskMean(c Cluster, i int) diskMean {
	d := c.Disks[i]
	db := d.db()
	fsync := float64(meanOf(d.Fsync))
	onDB := fsync
	if d.DB != nil {
		onDB = float64(meanOf(db.Fsync))
	}
	return diskMean{
		fsync: fsync, perByte: d.perByte(),
		db: onDB, dbPerByte: db.perByte(), commit: float64(meanOf(db.Commit)),
	}
}

// backendCommit returns the mean length (ns) of a backend commit at a rate of writes/s. It takes
// two fdatasyncs, and the pages that were written in the interval and the commit before:
//
//	B = (2F + p (pages + rate db I)) / (1 - p rate db),  p ns a byte, I the interval.
func (c Cluster) backendCommit(d diskMean, m mix, rate float64) float64 {
	if d.commit > 0 {
		return d.commit
	}
	p := d.dbPerByte + float64(c.CPU.CommitPerKiB)/1024
	perNano := rate * m.db / 1e9
	free := 1 - p*perNano
	if free <= 0 {
		return math.Inf(1)
	}
	return (2*d.db + p*(pagesBeside+perNano*float64(c.BatchInterval))) / free
}

// sustainable returns the most requests/s of the mix that every part keeps up with, and the part
// that stops it.
func (c Cluster) sustainable(m mix, leaderOnly bool) (float64, Bound) {
	switch {
	case m.reads > 0:
		return c.sustainableReads(m, leaderOnly)
	case m.rate == 0:
		return 0, BoundDisk
	}
	limit := c.writeLimits(m, leaderOnly)
	least := Bound(0)
	for b := range bounds {
		if limit[b] < limit[least] {
			least = b
		}
	}
	return limit[least], least
}

// writeLimits returns the writes/s of the mix with which each part keeps up.
func (c Cluster) writeLimits(m mix, leaderOnly bool) [bounds]float64 {
	d := newDiskMean(c, 0)
	var limit [bounds]float64
	perTurn := math.Max(1, math.Floor(maxCommitted/m.wal))
	limit[BoundDisk] = perTurn * 1e9 / (d.fsync + d.perByte*m.wal*perTurn + m.gate + perTurn*m.append)
	doors := float64(c.Members)
	if leaderOnly {
		doors = 1
	}
	limit[BoundAccept] = doors * 1e9 / m.accept
	limit[BoundWatch] = math.Inf(1)
	if m.fan > m.accept/2 {
		limit[BoundAccept], limit[BoundWatch] = limit[BoundWatch], limit[BoundAccept]
	}
	limit[BoundAppend] = 1e9 / m.append
	limit[BoundApply] = c.applyLimit(d, m)
	limit[BoundBackend] = c.refusalLimit(d, m)
	limit[BoundNetwork], limit[BoundInFlight], limit[BoundRange] = math.Inf(1), math.Inf(1), math.Inf(1)
	if c.Members > 1 {
		if c.Network > 0 {
			limit[BoundNetwork] = c.Network / (m.wal * float64(c.Members-1))
		}
		trip := float64(c.RTT) + c.followerSave()
		limit[BoundInFlight] = maxInFlight * math.Max(1, math.Floor(maxCommitted/m.wal)) * 1e9 / trip
	}
	return limit
}

// commitLine returns the backend commit's length (ns) as (a + b x) / (1 - q x) of a rate x of
// writes/ns: see backendCommit.
func (c Cluster) commitLine(d diskMean, m mix) (a, b, q float64) {
	if d.commit > 0 {
		return d.commit, 0, 0
	}
	p := d.dbPerByte + float64(c.CPU.CommitPerKiB)/1024
	return 2*d.db + p*pagesBeside, p * m.db * float64(c.BatchInterval), p * m.db
}

// applyLimit solves X apply = I / (I + B(X)) for X:
//
//	X apply (I (1 - q X) + a + b X) = I (1 - q X)
func (c Cluster) applyLimit(d diskMean, m mix) float64 {
	a, b, q := c.commitLine(d, m)
	interval := float64(c.BatchInterval)
	x := leastRoot(m.apply*(b-interval*q), m.apply*(interval+a)+interval*q, interval)
	return 1e9 * math.Min(x, 1/m.apply)
}

// refusalLimit returns the rate at which maxGap entries gather during one backend commit:
//
//	X (a + b X) = maxGap (1 - q X)
func (c Cluster) refusalLimit(d diskMean, m mix) float64 {
	a, b, q := c.commitLine(d, m)
	return math.Min(1e7, 1e9*leastRoot(b, a+maxGap*q, maxGap))
}

// leastRoot returns the least x > 0 of a x^2 + b x = c, for b and c > 0.
func leastRoot(a, b, c float64) float64 {
	under := b*b + 4*a*c
	if under < 0 {
		return math.Inf(1)
	}
	return 2 * c / (b + math.Sqrt(under)) // without cancellation, for a of zero and below too
}

// bisect returns the largest x up to high for which ok holds. ok must be true below it.
func bisect(high float64, ok func(float64) bool) float64 {
	if ok(high) {
		return high
	}
	low := 0.0
	for range 40 {
		if mid := (low + high) / 2; ok(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// followerSave returns the mean fdatasync (ns) of the slowest follower that a quorum needs.
func (c Cluster) followerSave() float64 {
	var saves [16]float64
	n := 0
	for i := 1; i < c.Members; i++ {
		x, at := float64(meanOf(c.Disks[i].Fsync)), n
		for at > 0 && saves[at-1] > x {
			saves[at] = saves[at-1]
			at--
		}
		saves[at] = x
		n++
	}
	if n == 0 {
		return 0
	}
	return saves[c.quorum()-2]
}
