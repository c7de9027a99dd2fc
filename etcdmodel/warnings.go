package etcdmodel

import (
	"fmt"
	"math"
	"time"
)

// Warning is a setting that is valid but risky, or that leaves the range in which the model was
// measured.
type Warning struct {
	Field string // what it is about
	Text  string
}

// Error returns the warning as one line.
func (w Warning) Error() string { return "etcdmodel: " + w.Field + " " + w.Text }

func warning(field, format string, args ...any) error {
	return Warning{field, fmt.Sprintf(format, args...)}
}

func (c Cluster) warnings() []error {
	var out []error
	if c.Members%2 == 0 {
		out = append(
			out,
			warning(
				"Cluster.Members", "is %d: an even number tolerates no more failures than %d and needs a larger quorum",
				c.Members, c.Members-1,
			),
		)
	}
	if c.Members > 7 {
		out = append(out, warning("Cluster.Members", "is %d: etcd recommends 7 at most", c.Members))
	}
	if c.Quota > 8<<30 {
		out = append(out, warning("Cluster.Quota", "is %d bytes: etcd suggests 8 GiB at most", c.Quota))
	}
	if c.CompactEvery < 0 {
		out = append(out, warning("Cluster.CompactEvery", "is negative: without compaction the db only grows"))
	}
	if c.RTT > c.Heartbeat {
		out = append(out, warning("Cluster.RTT", "is %v, longer than the heartbeat interval %v", c.RTT, c.Heartbeat))
	}
	if c.DB > 0 {
		out = append(out, warning("Cluster.DB", "is read as the whole file, at its plateau under this load: what is in use, "+
			"free and history are estimated; Cluster.State has them apart, and StateFromMetrics reads it from a page"))
	}
	for i, d := range c.Disks {
		if mean := meanOf(d.Fsync); mean > 4*time.Second {
			out = append(out, warning(fmt.Sprintf("Cluster.Disks[%d]", i), "takes %v an fdatasync: measured up to 4 s", mean))
		}
	}
	return out
}

// warn adds what the answer itself shows.
func (p *Prediction) warn(c Cluster, l Load) {
	add := func(field, format string, args ...any) {
		p.Warnings = append(p.Warnings, warning(field, format, args...))
	}
	offered := 0.0
	for _, s := range l.Streams {
		offered += s.Rate
		if s.Op.Value > 64<<10 {
			add("Load.Streams", "write %d bytes: measured up to 16 KiB for latency, 64 KiB for the db", s.Op.Value)
		}
	}
	if l.Clients > 0 && l.Op.Value > 64<<10 {
		add("Load.Op.Value", "is %d bytes: measured up to 16 KiB for latency, 64 KiB for the db", l.Op.Value)
	}
	if l.Clients > 1000 {
		add("Load.Clients", "is %d: measured up to 1,000", l.Clients)
	}
	if offered > p.Sustainable && offered > 0 {
		of := "the time simulated"
		if p.Simulated == 0 {
			of = "what can be sustained"
		}
		add(
			"Load.Streams",
			"offer %.0f requests/s, %.0f can be sustained (%v): they pile up without end, the latency is that of %s",
			offered, p.Sustainable, p.Bound, of,
		)
	}
	if c.CPU == DefaultCPU() && p.Bound.processor() && p.Throughput > 0.7*p.Sustainable {
		add(
			"Cluster.CPU", "is the default, two cores shared with the clients, and the processor (%v) binds at %.0f/s: "+
				"give CPUOfCores or CPUFromBenchmark", p.Bound, p.Sustainable,
		)
	}
	if p.Fanout.Behind > 0 {
		add(
			"Fanout.Behind", "is %.0f events/s: watchers fall behind and are sent what they missed in batches",
			p.Fanout.Behind,
		)
	}
	if p.Recovery.CatchUpSnapshot >= mostRestart {
		add("Recovery.CatchUpSnapshot", "is without end: a member that was away cannot follow %.0f writes/s", p.Writes)
	}
	switch {
	case p.Commit.Empty():
		add("Commit", "has no sample: no write is answered")
	case p.Commit.P99 > c.requestTimeout()/2:
		add("Commit.P99", "is %v: etcd gives up at %v", p.Commit.P99.Round(time.Millisecond), c.requestTimeout())
	}
	p.warnDB(c, add)
	if p.Elections >= 0.5 { // one that a slow leader loses for certain is 1, less the chance that it takes an hour
		add("Elections", "are %.1f an hour: the leader's fdatasync outlasts the election timeout", p.Elections)
	}
}

// warnDB adds what the db shows.
func (p *Prediction) warnDB(c Cluster, add func(field, format string, args ...any)) {
	if p.DB.QuotaIn >= 0 {
		add("DB.QuotaIn", "is %v: the db reaches its quota of %d MiB", p.DB.QuotaIn.Round(time.Second), c.Quota>>20)
	}
	d := p.DB
	if max(d.Live, d.Plateau, d.PlateauMost, d.Overshoot, int64(p.Compaction.Revisions)) == math.MaxInt64 {
		add("DB", "has sizes or counts beyond 2^63-1, which are given as that")
	}
	if p.DB.QuotaIn == lasting(math.Inf(1)) {
		add("DB.QuotaIn", "is given as a century, and is longer")
	}
	if p.DB.QuotaIn < 0 && p.DB.PlateauMost >= c.Quota {
		add("DB.PlateauMost", "is %d MiB: updates and deletes in random order can reach the quota of %d MiB",
			p.DB.PlateauMost>>20, c.Quota>>20)
	}
}
