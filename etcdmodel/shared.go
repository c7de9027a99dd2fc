package etcdmodel

import "github.com/redline-go/redline/internal/stream"

// sharing draws the fdatasyncs that members have in common.
type sharing struct {
	rng    stream.Source
	until  int64   // saves that begin before are of the same moment
	u      float64 // their place in each disk's distribution
	common bool
}

// saveTime draws one fdatasync of a member. Those that begin while the first of a moment is under
// way belong to it.
func (e *engine) saveTime(m *member, bytes int64) int64 {
	if e.c.Shared == 0 {
		return m.disk.save(bytes)
	}
	x := &e.sharing
	first := e.now >= x.until
	if first {
		x.common, x.u = x.rng.Float() < e.c.Shared, x.rng.Float()
	}
	took := int64(0)
	if x.common {
		took = m.disk.fsync.at(x.u) + m.disk.byteTime(bytes)
	} else {
		took = m.disk.save(bytes)
	}
	if first {
		x.until = e.now + took
	}
	return took
}
