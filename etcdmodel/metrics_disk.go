package etcdmodel

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/redline-go/redline/internal/metrics"
)

// The metrics of etcd that a disk is read from.
const (
	metricFsync    = "etcd_disk_wal_fsync_duration_seconds"
	metricCommit   = "etcd_disk_backend_commit_duration_seconds"
	metricWALBytes = "etcd_disk_wal_write_bytes_total"
)

// MemberDisk is the disk of one member of etcd.
type MemberDisk struct {
	Member string // as the page names it: its instance or pod label, or its ID; empty where it has none
	Disk   Disk
}

// DiskFromMetrics reads the disk of a running etcd from its metrics page. The page may have any of
// the forms that [DisksFromMetrics] takes, but show one member only.
func DiskFromMetrics(r io.Reader) (Disk, error) {
	members, err := diskMembers(r)
	if err != nil {
		return Disk{}, err
	}
	if len(members) > 1 {
		return Disk{}, fmt.Errorf(
			"%w: metrics page: %d members (%s), want one, or DisksFromMetrics", ErrInput, len(members), names(members),
		)
	}
	return members[0].disk()
}

func diskMembers(pages ...io.Reader) ([]paged, error) {
	return readMembers(pages, []string{metricFsync, metricCommit, metricWALBytes})
}

// DisksFromMetrics reads the disks of running members of etcd from metrics pages. It returns one
// disk for each member, by name. A page shows one member or several. It may be what /metrics
// gives, or what grep left of it, the answer of Prometheus' /federate, or the JSON of its
// /api/v1/query and query_range; plain or gzipped; of etcd 3.3 to 3.7. Pages that have neither
// labels of a member nor etcd_server_id are taken for one member's.
//
// Fsync comes from the histogram etcd_disk_wal_fsync_duration_seconds, which counts since that
// etcd started. Two pages of one member, or one page of a range of time, give the time between
// them. Commit comes from etcd_disk_backend_commit_duration_seconds and Size from the bytes of the
// mean fdatasync. Both stay zero where the pages do not have them, and Source says so. Bandwidth
// stays zero because the histograms hold the cost of the bytes.
//
// The buckets double from 1 ms. A page does not show the distribution within one, but it has the
// mean. The distribution returned has exactly the page's share in every bucket and the page's
// mean. It is otherwise the least informative one: its density falls as exp(-lambda x).
//
// A page that has no fdatasyncs, was cut short, or contradicts itself gives an error that names
// the metric. So does an etcd that was restarted between its pages.
func DisksFromMetrics(pages ...io.Reader) ([]MemberDisk, error) {
	members, err := diskMembers(pages...)
	if err != nil {
		return nil, err
	}
	out := make([]MemberDisk, len(members))
	for i, m := range members {
		d, err := m.disk()
		if err != nil {
			return nil, m.named(err)
		}
		out[i] = MemberDisk{m.name, d}
	}
	return out, nil
}

// disk returns the member's disk: of its page, or of the time between its pages.
func (m paged) disk() (Disk, error) {
	fsync, span, err := m.window(metricFsync)
	if err != nil {
		return Disk{}, err
	}
	if fsync.n == 0 {
		return Disk{}, pageError(m.at[len(m.at)-1].Bad(
			metricFsync, "empty", "at least one fdatasync: ask an etcd that has been written to",
		))
	}
	d := Disk{Name: strings.TrimSpace("measured by etcd " + m.version()), Fsync: fsync.knots()}
	source := []string{fmt.Sprintf("measured: %s, n = %.0f", metricFsync, fsync.n)}
	if math.IsNaN(fsync.sum) {
		source = append(source, "without a sum, so even within a bucket")
	}
	if m.hasAny([]string{metricCommit}) {
		commit, _, err := m.window(metricCommit)
		if err != nil {
			return Disk{}, err
		}
		d.Commit = commit.knots()
		source = append(source, fmt.Sprintf("%s, n = %.0f", metricCommit, commit.n))
	}
	if d.Commit == nil {
		source = append(source, "no backend commits: two fdatasyncs and the bytes are assumed")
	}
	written, known, err := m.walBytes()
	if err != nil {
		return Disk{}, err
	}
	if known {
		d.Size = int(min(written/fsync.n, MaxRequestBytes))
	} else {
		source = append(source, fmt.Sprintf("no bytes: %d a fdatasync are assumed", fioBlock))
	}
	if span != "" {
		source = append(source, span)
	}
	d.Source = strings.Join(source, "; ")
	return d, nil
}

// window returns a histogram of the member, of the time between its first page and its last if
// there are two, and says so.
func (m paged) window(metric string) (buckets, string, error) {
	var have []metrics.Snapshot
	var all []metrics.Histogram
	for _, s := range m.at {
		if !s.Has(metric) {
			continue
		}
		h, err := s.Histogram(metric)
		if err != nil {
			return buckets{}, "", pageError(err)
		}
		have, all = append(have, s), append(all, h)
	}
	if len(all) == 0 {
		return buckets{}, "", pageError(m.at[len(m.at)-1].Missing(metric, "a histogram"))
	}
	last := len(all) - 1
	whole, span := all[last], ""
	for i := 1; i <= last; i++ {
		if err := m.sameProcess(have[i-1], have[i]); err != nil {
			return buckets{}, "", err
		}
		if _, err := all[i].Minus(all[i-1], have[i], metric); err != nil {
			return buckets{}, "", pageError(err)
		}
	}
	if last > 0 {
		whole, _ = all[last].Minus(all[0], have[last], metric) // it grew step by step
		span = "between two pages"
		if d := have[last].Since(have[0]); d > 0 {
			span = fmt.Sprintf("of %v", d)
		}
	}
	b, err := secondsOf(whole, have[last], metric)
	return b, span, err
}

// secondsOf returns a histogram of seconds. It returns an error for bounds that no duration has.
func secondsOf(h metrics.Histogram, s metrics.Snapshot, metric string) (buckets, error) {
	for i, bound := range h.Upper {
		switch {
		case bound <= 0:
			return buckets{}, pageError(s.Bad(metric, fmt.Sprintf("a histogram with a bucket to %v", bound), "bounds > 0"))
		case i < len(h.Upper)-1 && bound > maxLatency.Seconds()/2:
			return buckets{}, pageError(s.Bad(
				metric, fmt.Sprintf("a histogram with a bucket to %v s", bound), fmt.Sprintf("seconds up to %v", maxLatency/2),
			))
		}
	}
	return buckets{h.Upper, h.Below, h.Count, h.Sum}, nil
}

// walBytes returns the bytes written to the WAL in the member's window, and reports whether its
// pages say. 3.5 counts each of them twice (its server/storage/wal/encoder.go:107,125,133).
func (m paged) walBytes() (float64, bool, error) {
	first, last, n := 0.0, 0.0, 0
	for _, s := range m.at {
		v, name, err := value(s, metricWALBytes)
		if err != nil {
			return 0, false, err
		}
		if name == "" {
			continue
		}
		if v.Value < 0 {
			return 0, false, pageError(s.Bad(metricWALBytes, fmt.Sprint(v.Value), ">= 0"))
		}
		if n > 0 && v.Value < last || v.Fell {
			return 0, false, pageError(s.Bad(metricWALBytes, "less than before", "a counter that grows: was etcd restarted?"))
		}
		if n == 0 {
			first = v.Value
		}
		last, n = v.Value, n+1
	}
	if n > 1 {
		last -= first
	}
	if v, err := ParseVersion(m.version()); err == nil && v == V3_5 {
		last /= 2
	}
	return last, n > 0, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
