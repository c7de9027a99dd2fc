package etcdmodel

import (
	"fmt"
	"math"
	"time"
)

// Quantile is one knot of a distribution of durations: a share P of them lasts Latency or less.
type Quantile struct {
	P       float64
	Latency time.Duration
}

// Disk is the distribution of the time that etcd waits for an fdatasync. The zero Disk is [NVMe].
//
// Measure it under the load in question, with [Calibrate] or with [DiskFromMetrics] of a running
// etcd. The fdatasync of an idle disk is not a usable input. It grows with the bytes, with the
// backend's own fdatasyncs and with contention for the processor.
type Disk struct {
	Name string // for tables and messages

	// Fsync is the distribution of one fdatasync of a WAL append of at most Size bytes:
	// knots with ascending P and Latency, geometric between two knots, constant outside
	// the first and the last.
	Fsync []Quantile
	Size  int // bytes; zero means 2300, the block size of etcd's fio recipe

	// Bandwidth is the sequential write speed in bytes/s that bytes beyond Size cost.
	// Zero means that Fsync already holds the bytes of this load, as a histogram
	// of a loaded etcd does.
	Bandwidth float64

	// Commit is the distribution of one backend commit, where it was measured. Nil
	// means two fdatasyncs of Fsync and the pages' bytes.
	Commit []Quantile

	// DB is the disk of the db file where it is another one, as with --wal-dir. Nil means this one.
	// It has no DB of its own, and its Commit is the one that counts.
	DB *Disk

	Source string // measured or assumed, by whom, on what
}

// fioBlock is the write that the etcd fio recipe times: 2300 bytes.
const fioBlock = 2300

// FixedDisk returns a disk whose every fdatasync takes exactly d: the injected delay of a test,
// and the fault of a scenario.
func FixedDisk(d time.Duration) Disk {
	return Disk{Name: fmt.Sprintf("fixed %v", d), Fsync: []Quantile{{0, d}, {1, d}}, Source: "assumed: constant"}
}

// Delayed returns the same disk with every fdatasync longer by `by`. The db file's own disk, if
// there is one, stays as it is.
func (d Disk) Delayed(by time.Duration) Disk {
	d = d.orDefault()
	d.Fsync = shifted(d.Fsync, by)
	if d.Commit != nil {
		d.Commit = shifted(d.Commit, added(by, by))
	}
	if by != 0 {
		d.Name = fmt.Sprintf("%s + %v", d.Name, by)
	}
	return d
}

func shifted(knots []Quantile, by time.Duration) []Quantile {
	out := make([]Quantile, len(knots))
	for i, k := range knots {
		out[i] = Quantile{k.P, max(0, added(k.Latency, by))}
	}
	return out
}

// Scaled returns the same disk with every duration multiplied by x and the bandwidth divided by
// it. The db file's own disk, if there is one, stays as it is.
func (d Disk) Scaled(x float64) Disk {
	d = d.orDefault()
	scale := func(knots []Quantile) []Quantile {
		out := make([]Quantile, len(knots))
		for i, k := range knots {
			out[i] = Quantile{k.P, scaled(k.Latency, x)}
		}
		return out
	}
	d.Fsync = scale(d.Fsync)
	if d.Commit != nil {
		d.Commit = scale(d.Commit)
	}
	d.Bandwidth /= x
	return d
}

func (d Disk) orDefault() Disk {
	if d.Fsync == nil && d.Commit == nil && d.Bandwidth == 0 && d.DB == nil {
		return NVMe()
	}
	if d.Size == 0 {
		d.Size = fioBlock
	}
	return d
}

// db returns the disk of the db file.
func (d Disk) db() Disk {
	if d.DB == nil {
		return d
	}
	return d.DB.orDefault()
}

// FsyncMean returns the mean fdatasync of a small write.
func (d Disk) FsyncMean() time.Duration { return meanOf(d.orDefault().Fsync) }

// FsyncQuantile returns the duration within which a share p of the fdatasyncs of a small write
// end.
func (d Disk) FsyncQuantile(p float64) time.Duration { return quantileOf(d.orDefault().Fsync, p) }

// Check returns an error for a knot that is NaN, out of range or out of order, and for a negative
// speed. Its text begins with field.
func (d Disk) Check(field string) error {
	if err := checkKnots(field+".Fsync", d.Fsync); err != nil {
		return err
	}
	if err := checkKnots(field+".Commit", d.Commit); err != nil {
		return err
	}
	if len(d.Fsync) == 0 && (len(d.Commit) > 0 || d.Bandwidth != 0 || d.DB != nil) {
		return bad(field+".Fsync", "empty", "at least one quantile beside Commit, Bandwidth or DB")
	}
	if d.DB != nil {
		if len(d.Commit) > 0 {
			return bad(field+".Commit", d.Commit, "none beside DB, whose own counts")
		}
		if d.DB.DB != nil {
			return bad(field+".DB.DB", "a disk", "nil")
		}
		if err := d.DB.Check(field + ".DB"); err != nil {
			return err
		}
	}
	return checkAll(field, diskLimits, &d)
}

// maxLatency bounds a knot: a longer fdatasync is a broken histogram, not a disk.
const maxLatency = 24 * time.Hour

func checkKnots(field string, knots []Quantile) error {
	for i, k := range knots {
		name := fmt.Sprintf("%s[%d]", field, i)
		if math.IsNaN(k.P) || k.P < 0 || k.P > 1 {
			return bad(name+".P", k.P, "0 to 1")
		}
		if k.Latency < 0 || k.Latency > maxLatency {
			return bad(name+".Latency", k.Latency, "0 to 24h")
		}
		if i == 0 {
			continue
		}
		if k.P <= knots[i-1].P {
			return bad(name+".P", k.P, fmt.Sprintf("> %v, the knot before (sorted)", knots[i-1].P))
		}
		if k.Latency < knots[i-1].Latency {
			return bad(name+".Latency", k.Latency, fmt.Sprintf(">= %v, the knot before (sorted)", knots[i-1].Latency))
		}
	}
	return nil
}

// quantileOf returns the inverse of the distribution at p.
func quantileOf(knots []Quantile, p float64) time.Duration {
	if len(knots) == 0 {
		return 0
	}
	if p <= knots[0].P {
		return knots[0].Latency
	}
	for i := 1; i < len(knots); i++ {
		if b := knots[i]; p <= b.P {
			a := knots[i-1]
			return between(a.Latency, b.Latency, (p-a.P)/(b.P-a.P))
		}
	}
	return knots[len(knots)-1].Latency
}

// between interpolates geometrically, as the buckets of a histogram lie, and linearly from zero.
func between(a, b time.Duration, share float64) time.Duration {
	if a == b {
		return a
	}
	if a <= 0 {
		return time.Duration(float64(b) * share)
	}
	return time.Duration(float64(a) * math.Pow(float64(b)/float64(a), share))
}

// meanOf returns the integral of quantileOf over 0 to 1.
func meanOf(knots []Quantile) time.Duration {
	if len(knots) == 0 {
		return 0
	}
	last := knots[len(knots)-1]
	sum := knots[0].P*float64(knots[0].Latency) + (1-last.P)*float64(last.Latency)
	for i := 1; i < len(knots); i++ {
		a, b := float64(knots[i-1].Latency), float64(knots[i].Latency)
		mean := (a + b) / 2
		if a > 0 && b > a {
			mean = (b - a) / math.Log(b/a)
		}
		sum += mean * (knots[i].P - knots[i-1].P)
	}
	return time.Duration(sum)
}
