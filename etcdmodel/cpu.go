package etcdmodel

import "time"

// DefaultCPU is the processor time measured on the test machine (2 cores shared by
// client, server and other builds; etcd 3.5.35 to 3.7.3): see docs/etcdmodel.md for the fit.
func DefaultCPU() CPU {
	return CPU{
		Accept: 99 * time.Microsecond, AcceptPerKiB: 5 * time.Microsecond,
		Turn:   105 * time.Microsecond,
		Append: 19 * time.Microsecond, AppendPerKiB: 2 * time.Microsecond,
		Apply: 33 * time.Microsecond, ApplyPerKiB: 11 * time.Microsecond,
		CommitPerKiB: 7 * time.Microsecond, Answer: 50 * time.Microsecond,
	}
}

func (c CPU) orDefault() CPU {
	d := DefaultCPU()
	return CPU{
		or(c.Accept, d.Accept), or(c.AcceptPerKiB, d.AcceptPerKiB),
		or(c.Turn, d.Turn),
		or(c.Append, d.Append), or(c.AppendPerKiB, d.AppendPerKiB),
		or(c.Apply, d.Apply), or(c.ApplyPerKiB, d.ApplyPerKiB),
		or(c.CommitPerKiB, d.CommitPerKiB), or(c.Answer, d.Answer),
	}
}
