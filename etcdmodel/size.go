package etcdmodel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// Sizing is an etcd for a [Population].
type Sizing struct {
	Cluster Cluster // with the disk asked about, and with Quota and compaction set
	Load    Load    // the population's writes

	Holds      bool // the disk holds the load, and the load times Margin
	Reasons    []Reason
	Prediction Prediction // of the load without Margin on that disk

	Quota                  int64 // --quota-backend-bytes
	CompactEvery           time.Duration
	Objects, Plateau, Peak int64 // bytes of db: live objects; before a compaction; the most with pages half empty
	Memory                 int64 // bytes of one member, at most: see memoryBound
	Smallest               SmallestDisk
	Perf                   []PerfLevel // etcdctl check perf on that disk, smallest level first
	Warnings               []error
}

// SmallestDisk is the slowest disk that holds a load times Margin, of the same shape as the one
// asked about: every fdatasync longer or shorter by one factor.
type SmallestDisk struct {
	Disk   Disk
	Factor float64       // times as slow as the disk asked about; zero if not even one 1,000 times as quick holds
	Fsyncs float64       // sequential fdatasyncs/s of one writer: 1 / mean
	P99    time.Duration // of an fdatasync, as etcd's fio recipe prints it
}

// These quotas and times between compactions are tried, the usual ones first.
var (
	quotas      = []int64{2 << 30, 4 << 30, 8 << 30} // etcd's default, and the most that it suggests
	compactions = []time.Duration{5 * time.Minute, 2 * time.Minute, time.Minute, 30 * time.Second}
)

// full is the share of the quota that the db may take at its peak: etcd-mixin warns at 95 %, and a
// rollout of everything is not part of the plateau. It is a choice and not measured.
const full = 0.7

// SizeFor returns the etcd that a population needs, and whether the disk holds it. It takes some
// tenths of a second; for a population that takes longer than about a second it returns an error
// that names [SizeForContext].
//
// The quota is the smallest of 2, 4 and 8 GiB of which the db's peak takes 70 % at most, compacted
// every five minutes or, where 8 GiB are not enough, more often. The smallest disk is found by
// bisection on the verdict, [Prediction.Holds] of the load times Margin.
func SizeFor(p Population, d Disk) (Sizing, error) {
	if err := errors.Join(p.Check(), d.Check("Disk")); err != nil {
		return Sizing{}, err
	}
	c := p.Cluster
	c.Disks = []Disk{d}
	l := p.grown()
	c = c.WithDefaults()
	if cost := sizeSteps * costOf(c, l, mostRequests(c, l)*firstSpan.Seconds(), firstSpan); cost > 2*quickCost {
		return Sizing{}, bad("Population", fmt.Sprintf("the work of %.2g requests", cost),
			"a second of computing at most; SizeForContext takes more")
	}
	return SizeForContext(context.Background(), p, d)
}

// SizeForContext is like [SizeFor] but takes larger populations, too, and ends with ctx.
func SizeForContext(ctx context.Context, p Population, d Disk) (Sizing, error) {
	if err := errors.Join(p.Check(), d.Check("Disk")); err != nil {
		return Sizing{}, err
	}
	s := Sizing{Cluster: p.Cluster, Load: p.load()}
	s.Cluster.Disks = []Disk{d}
	s.room(p)
	var err error
	if s.Prediction, err = PredictContext(ctx, s.Cluster, s.Load); err != nil {
		return Sizing{}, err
	}
	roomy := s.Cluster // the db has a margin of its own
	roomy.Quota = mostSize
	grown, err := PredictContext(ctx, roomy, p.grown())
	if err != nil {
		return Sizing{}, err
	}
	s.Holds = s.Prediction.Holds && grown.Holds
	if s.Reasons = s.Prediction.Reasons; s.Prediction.Holds {
		s.Reasons = grown.Reasons
	}
	if s.Smallest, err = smallest(ctx, roomy, p.grown(), grown.Holds); err != nil {
		return Sizing{}, err
	}
	s.Memory = p.memoryBound(s.Cluster, s.Peak)
	if s.Perf, err = CheckPerf(ctx, s.Cluster); err != nil {
		return Sizing{}, err
	}
	s.Warnings = append(s.Warnings, s.Prediction.Warnings...)
	return s, nil
}

// grown returns the load times Margin.
func (p Population) grown() Load {
	l, margin := p.load(), p.withDefaults().Margin
	for i := range l.Streams {
		l.Streams[i].Rate = math.Min(l.Streams[i].Rate*margin, maxRate)
	}
	l.Limits.Horizon = time.Nanosecond // its growth is not asked
	return l
}

// room chooses the quota and the time between compactions: a larger quota before more compactions,
// and these before a quota beyond what etcd suggests.
func (s *Sizing) room(p Population) {
	s.Cluster.State = p.state(s.Cluster.Version.orDefault())
	s.Objects = s.Cluster.State.InUse
	for _, every := range compactions {
		if s.measure(every); s.fits(quotas...) {
			return
		}
	}
	s.measure(compactions[0])
	for s.Quota = 16 << 30; s.Quota < mostSize && !s.fits(s.Quota); s.Quota *= 2 {
	}
	s.Warnings = append(s.Warnings, warning("Sizing.Quota", "is %d GiB, and etcd suggests 8 GiB at most: the db peaks at "+
		"%.1f GiB. Keep Events in an etcd of their own, or fewer objects", s.Quota>>30, float64(s.Peak)/(1<<30)))
}

// measure fills in the sizes of the db compacted that often.
func (s *Sizing) measure(every time.Duration) {
	s.Cluster.CompactEvery, s.Cluster.CompactKeep, s.CompactEvery = every, every, every
	s.Cluster.Quota = mostSize
	db := closedForm(s.Cluster.WithDefaults(), s.Load).DB
	s.Plateau, s.Peak = max(db.Plateau, s.Objects), max(db.PlateauMost, s.Objects)
}

// fits sets the first of the quotas that leaves the peak enough room, and reports whether one does.
func (s *Sizing) fits(quotas ...int64) bool {
	for _, s.Quota = range quotas {
		if s.Cluster.Quota = s.Quota; float64(s.Peak) <= full*float64(s.Quota) {
			return true
		}
	}
	return false
}

// memoryBound returns a bound on one member's resident memory: 100 MB, the db file mapped into it,
// twice (as Go's collector lets the heap grow) 400 bytes for each key with its revisions and 52 KB
// for each watcher with a stream of its own, and 10,000 entries of 4 KiB for slow followers.
func (p Population) memoryBound(c Cluster, peak int64) int64 {
	heap := 400*float64(c.State.Keys) + 52e3*float64(p.Watchers)/float64(cmp.Or(c.Members, 3)) + 10_000*4096
	return wholeInt64(100e6 + float64(peak) + 2*heap)
}

// sizeSteps is about the number of predictions that one sizing takes.
const sizeSteps = 12

// smallest searches the slowest disk, to 10 %. The closed form's verdict tells where to begin.
func smallest(ctx context.Context, c Cluster, l Load, holds bool) (SmallestDisk, error) {
	d := c.Disks[0].orDefault()
	with := func(x float64) Cluster {
		c := c
		c.Disks = []Disk{d.slowed(x)}
		return c
	}
	const least, most = 1e-3, 1e4
	x := bisectLog(least, most, func(x float64) bool {
		p, err := Estimate(with(x), l)
		return err == nil && p.Holds
	})
	low, high := 0.0, math.Inf(1)
	if holds {
		low = 1
	} else {
		high = 1
	}
	if x <= low || x >= high {
		x = math.Sqrt(math.Max(low, least) * math.Min(high, most))
	}
	for low < least || high > 1.1*low {
		p, err := PredictContext(ctx, with(x), l)
		if err != nil {
			return SmallestDisk{}, err
		}
		if p.Holds {
			low = x
		} else {
			high = x
		}
		switch {
		case low >= most || high <= least:
			return newSmallest(d, low), nil
		case low == 0:
			x = high / 2
		case math.IsInf(high, 1):
			x = low * 2
		default:
			x = math.Sqrt(low * high)
		}
	}
	return newSmallest(d, low), nil
}

func newSmallest(d Disk, x float64) SmallestDisk {
	if x == 0 {
		return SmallestDisk{}
	}
	s := SmallestDisk{Disk: d.slowed(x), Factor: x}
	s.P99 = s.Disk.FsyncQuantile(0.99)
	s.Fsyncs = 1 / math.Max(s.Disk.FsyncMean().Seconds(), 1e-9)
	return s
}

// slowed is like Scaled but keeps durations within a disk's range, and takes the db's disk along.
func (d Disk) slowed(x float64) Disk {
	d = d.Scaled(x)
	for _, knots := range [][]Quantile{d.Fsync, d.Commit} {
		for i := range knots {
			knots[i].Latency = min(knots[i].Latency, maxLatency)
		}
	}
	if d.Bandwidth > 0 {
		d.Bandwidth = math.Min(math.Max(d.Bandwidth, leastFlow), mostFlow)
	}
	if d.DB != nil {
		db := d.DB.slowed(x)
		d.DB = &db
	}
	return d
}

// bisectLog returns the largest x between low and high for which ok holds, to 1 %. ok must be true
// below it. It returns low if ok holds nowhere.
func bisectLog(low, high float64, ok func(float64) bool) float64 {
	for high > 1.01*low {
		if x := math.Sqrt(low * high); ok(x) {
			low = x
		} else {
			high = x
		}
	}
	return low
}
