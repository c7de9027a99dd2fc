package etcdmodel

import (
	"cmp"
	"time"
)

// DefaultCPU returns the processor times measured on the test machine: 2 cores shared by client,
// server and other builds.
//
// They were fitted to 28 of the 56 loads of 3.6.16: values of 256 B to 16 KiB, 1 to 1,000 clients
// or 100 to 3,000 requests/s, fdatasyncs delayed by 0 to 50 ms. Each load had the fdatasync that
// its etcd reported. The fit minimises the absolute log error of p50, p99, throughput, requests
// per fdatasync and backend commit.
//
// Three starts of the search ended at the same loss within 0.5 %, with single values up to 2.5
// times apart. So the sum along a request's way is well determined and its split less so.
// Snapshots came into the engine afterwards; a new search gains 2 % of the loss.
//
// The times of events follow three loads on 3.6.16, twice each (50 to 2,000 watchers on 4 to 50
// streams), divided by what ranges took then against the times of ranges here.
func DefaultCPU() CPU {
	return CPU{
		Accept: 109 * time.Microsecond, AcceptPerKiB: 2300 * time.Nanosecond,
		Turn:   83 * time.Microsecond,
		Append: 27 * time.Microsecond, AppendPerKiB: 900 * time.Nanosecond,
		Apply: 70 * time.Microsecond, ApplyPerKiB: 6200 * time.Nanosecond,
		CommitPerKiB: 2100 * time.Nanosecond, Answer: 20 * time.Microsecond,
		Read: 60 * time.Microsecond, ReadIndex: 15 * time.Microsecond,
		ReadPerKey: 2 * time.Microsecond, ReadPerKiB: 5 * time.Microsecond, ReadWake: 270 * time.Microsecond, Cores: 2,
		Event: 1900 * time.Nanosecond, EventPerKiB: 400 * time.Nanosecond, EventStream: 9 * time.Microsecond,
	}
}

// Scaled returns a processor x times as slow: zero fields get the default's times, and every time
// is multiplied by x. DefaultCPU().Scaled(0.5) is twice as fast.
func (c CPU) Scaled(x float64) CPU {
	c = c.orDefault()
	for _, d := range []*time.Duration{
		&c.Accept, &c.AcceptPerKiB, &c.Turn, &c.Append, &c.AppendPerKiB, &c.Apply, &c.ApplyPerKiB, &c.CommitPerKiB, &c.Answer,
		&c.Read, &c.ReadIndex, &c.ReadPerKey, &c.ReadPerKiB, &c.ReadWake,
		&c.Event, &c.EventPerKiB, &c.EventStream,
	} {
		*d = scaled(*d, x)
	}
	return c
}

func (c CPU) orDefault() CPU {
	d := DefaultCPU()
	return CPU{
		Accept: cmp.Or(c.Accept, d.Accept), AcceptPerKiB: cmp.Or(c.AcceptPerKiB, d.AcceptPerKiB),
		Turn:   cmp.Or(c.Turn, d.Turn),
		Append: cmp.Or(c.Append, d.Append), AppendPerKiB: cmp.Or(c.AppendPerKiB, d.AppendPerKiB),
		Apply: cmp.Or(c.Apply, d.Apply), ApplyPerKiB: cmp.Or(c.ApplyPerKiB, d.ApplyPerKiB),
		CommitPerKiB: cmp.Or(c.CommitPerKiB, d.CommitPerKiB), Answer: cmp.Or(c.Answer, d.Answer),
		Read: cmp.Or(c.Read, d.Read), ReadIndex: cmp.Or(c.ReadIndex, d.ReadIndex),
		ReadPerKey: cmp.Or(c.ReadPerKey, d.ReadPerKey),
		ReadPerKiB: cmp.Or(c.ReadPerKiB, d.ReadPerKiB), ReadWake: cmp.Or(c.ReadWake, d.ReadWake),
		Cores: cmp.Or(c.Cores, d.Cores),
		Event: cmp.Or(c.Event, d.Event), EventPerKiB: cmp.Or(c.EventPerKiB, d.EventPerKiB),
		EventStream: cmp.Or(c.EventStream, d.EventStream),
	}
}
