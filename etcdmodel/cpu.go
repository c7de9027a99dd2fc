package etcdmodel

import "time"

// DefaultCPU is the processor time measured on the test machine (2 cores shared by
// client, server and other builds; etcd 3.5.35 to 3.7.3): see docs/etcdmodel.md for the fit.
func DefaultCPU() CPU {
	return CPU{
		Append: 66 * time.Microsecond, AppendPerKiB: 8 * time.Microsecond,
		Apply: 17 * time.Microsecond, ApplyPerKiB: 8 * time.Microsecond,
		CommitPerKiB: 6 * time.Microsecond, Request: 100 * time.Microsecond,
	}
}

func (c CPU) orDefault() CPU {
	d := DefaultCPU()
	return CPU{or(c.Append, d.Append), or(c.AppendPerKiB, d.AppendPerKiB), or(c.Apply, d.Apply), or(c.ApplyPerKiB, d.ApplyPerKiB),
		or(c.CommitPerKiB, d.CommitPerKiB), or(c.Request, d.Request)}
}
