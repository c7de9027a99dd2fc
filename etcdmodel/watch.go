package etcdmodel

import (
	"math"
)

// Fanout counts the events that watchers are sent. Zero if there are none.
type Fanout struct {
	Events    float64 // events/s to all watchers, by all members
	Bytes     float64 // bytes/s of them
	Processor float64 // share of a member's processors that sending takes
	// Behind is the number of events/s by which watchers fall behind, because their share of the
	// processors is used up. etcd_debugging_mvcc_slow_watcher_total counts such watchers. They are
	// sent later, in batches, what they missed.
	Behind float64
}

// eventHeader is the number of bytes of an event beside key and value: revisions, types, lengths,
// and a response's header, which names cluster, member, revision and term.
const eventHeader = 70

// fanout returns the processor time (ns, of all processors together) in which one write's events
// are sent, and the time that it gets at most beside so long an intake.
//
// Each event takes Event, and a stream that has one EventStream more. Senders get the processors
// only in part: one stream has one goroutine, many compete with the writes:
//
//	share = min(streams / Cores, 1 - 0.7 / sqrt(1 + streams))
//
// The second term follows seven loads on 3.6.16 (50 writing clients, 10 to 1,000 watchers on 1, 10
// and 100 streams), in which watchers had 0.32 to 0.99 of the processors.
func (c *CPU) fanout(s Stream, streams int, accept float64) (wanted, most float64) {
	if s.Watchers == 0 || s.Op.revisions() == 0 {
		return 0, 0
	}
	events := float64(s.Watchers) * float64(s.Op.revisions())
	n := math.Min(float64(s.Watchers), float64(streams))
	if streams == 0 {
		n = float64(s.Watchers)
	}
	wanted = events*(float64(c.Event)+s.Op.eventBytes()/1024*float64(c.EventPerKiB)) + n*float64(c.EventStream)
	share := math.Min(n/float64(c.Cores), 1-0.7/math.Sqrt(1+n))
	return wanted, accept * share / (1 - share)
}

// eventBytes returns the bytes of one event on the wire.
func (o Op) eventBytes() float64 {
	switch o.Kind {
	case Delete, TxnDelete, LeaseRevoke:
		return float64(o.Key + eventHeader)
	}
	return float64(o.Key + o.Value + eventHeader)
}

// fanout returns what the watchers of the mix's streams are sent.
func (m *mix) fanout(c *Cluster, l *Load) Fanout {
	var f Fanout
	doors := float64(c.Members)
	if l.LeaderOnly {
		doors = 1
	}
	for _, s := range m.streams {
		accept := float64(c.CPU.Accept) + s.Op.kib()*float64(c.CPU.AcceptPerKiB)
		wanted, most := c.CPU.fanout(s, l.WatchStreams, accept)
		if wanted == 0 {
			continue
		}
		events := s.Rate * float64(s.Watchers) * float64(s.Op.revisions())
		sent := events * math.Min(1, most/wanted)
		f.Events += sent
		f.Behind += events - sent
		f.Bytes += sent * s.Op.eventBytes()
		f.Processor += s.Rate * math.Min(wanted, most) / 1e9 / doors
	}
	return f
}
