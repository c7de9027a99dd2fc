package etcdmodel

import "math"

// Memory is the memory of one member that serves the load, at the end of the load's growth: in the
// steady state, at the quota, or after a day of a db that does neither. Sizes are bytes.
type Memory struct {
	Resident int64 // as the kernel counts it (RSS): twice the live heap, Pages and the program

	Index    int64 // of the heap: keys and the revisions kept of each (treeIndex)
	Log      int64 // of the heap: raft entries kept for slow followers
	Watchers int64 // of the heap: watchers and their streams
	Requests int64 // of the heap: requests under way, and writes that wait for a backend commit
	Pages    int64 // the db file, mapped: in memory once it was read, as after a start

	// LogEntries is the most entries in Log. After a start it is all since the last snapshot, up to
	// Cluster.SnapshotCount.
	LogEntries int
}

// What a member needs, measured on 3.5.35, 3.6.16 and 3.7.3 (validation/RESULTS/etcdmodel.md).
const (
	programPages  = 23e6 // pages of the binary
	programHeap   = 6e6  // live heap of an empty etcd
	garbage       = 2    // Go's collector lets the heap grow to twice what is live (GOGC=100)
	perKey        = 170  // a keyIndex, one generation and its place in the B-tree, beside the key
	perRevision   = 24   // 16 bytes in a slice that doubles as it grows
	perEntry      = 64   // a raftpb.Entry and the rounding of its data, beside the data
	perWatcher    = 1700
	perStream     = 50e3 // a connection with one gRPC stream
	perRequest    = 16e3 // goroutines, buffers of gRPC
	withoutBounds = 24 * 3600
)

// logEntries returns the most raft entries that a member keeps in memory. 3.5 drops the oldest
// with each snapshot, later releases after every hundred.
func (c Cluster) logEntries() float64 {
	if c.Version == V3_5 {
		return float64(c.SnapshotCount) + catchUp
	}
	return catchUp + inMemory
}

// memory returns the memory of a member. pages is the size of the db file by then, m the mix of
// the load, under way the requests that are served at a time.
func (c Cluster) memory(l *Load, m *mix, keys, revisions, pages, underWay float64) Memory {
	key, request := m.sizes()
	out := Memory{
		Index:    bytesOf(keys*(perKey+rounded(key)) + revisions*perRevision),
		Pages:    bytesOf(pages),
		Requests: bytesOf(underWay*(perRequest+4*request) + 2*m.rate*c.BatchInterval.Seconds()*request),
	}
	if m.rate > 0 {
		out.LogEntries = int(bytesOf(c.logEntries()))
		out.Log = bytesOf(c.logEntries() * (m.wal + perEntry))
	}
	watchers, streams := l.watchers()
	if !l.LeaderOnly {
		watchers, streams = watchers/float64(c.Members), streams/float64(c.Members)
	}
	out.Watchers = bytesOf(watchers*perWatcher + streams*perStream)
	heap := programHeap + float64(out.Index) + float64(out.Log) + float64(out.Watchers) + float64(out.Requests)
	out.Resident = bytesOf(garbage*heap + programPages + pages)
	return out
}

// bytesOf converts, and stays below what an int64 holds.
func bytesOf(x float64) int64 { return int64(math.Min(math.Max(0, x), 1<<62)) }

// rounded returns the bytes that Go allocates for so many, to the 16 bytes of small size classes.
func rounded(n float64) float64 { return math.Ceil(n/16) * 16 }

// sizes returns the mean key and the mean request in bytes.
func (m *mix) sizes() (key, request float64) {
	sum := 0.0
	for _, s := range m.streams {
		key += s.Rate * float64(s.Op.Key)
		request += s.Rate * 1024 * s.Op.kib()
		sum += s.Rate
	}
	sum = math.Max(sum, math.SmallestNonzeroFloat64)
	return key / sum, request / sum
}

// watchers returns the watchers of a load and the streams they share.
func (l *Load) watchers() (watchers, streams float64) {
	for _, s := range l.Streams {
		watchers += float64(s.Watchers)
	}
	watchers += float64(l.Watchers)
	if l.WatchStreams == 0 {
		return watchers, watchers
	}
	return watchers, math.Min(watchers, float64(l.WatchStreams))
}

// member fills in what follows from the number of keys and from the size of the db.
func (p *Prediction) member(c Cluster, l Load, m mix, g *growth) {
	p.Fanout = m.fanout(&c, &l)
	t := g.horizon(p.DB)
	keys, revisions := g.counts(t)
	pages := math.Max(g.file(t), g.begin.total)
	if p.DB.QuotaIn >= 0 {
		pages = math.Max(pages, float64(c.Quota))
	}
	underWay := float64(l.Clients)
	if l.Clients == 0 {
		underWay = p.Throughput * math.Max(p.Commit.Mean.Seconds(), p.Reads.Mean.Seconds())
	}
	p.Memory = c.memory(&l, &m, keys, revisions, pages, underWay/float64(c.Members))
	p.Recovery = c.recovery(&l, &m, revisions, pages)
}

// counts returns the live keys at t (s) and the revisions in the db by then.
func (g *growth) counts(t float64) (keys, revisions float64) {
	all := g.begin.live().revisions + g.begin.garbage.revisions + g.written(t).revisions
	keys, revisions = all-g.dead(t).revisions, all
	if n := g.compactions(t); n > 0 {
		revisions -= g.dead(g.next + (n-1)*g.every - g.keep).revisions
	}
	return math.Max(0, keys), math.Max(0, revisions)
}

// horizon returns the time (s) at which the memory and the recovery are those of the answer.
func (g *growth) horizon(d DB) float64 {
	t := math.Min(g.steady(), withoutBounds)
	if d.QuotaIn >= 0 {
		t = math.Min(t, d.QuotaIn.Seconds())
	}
	return t
}
