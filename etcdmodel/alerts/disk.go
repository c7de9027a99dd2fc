package alerts

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/redline-go/redline/etcdmodel"
)

// The histograms of etcd that the rules read.
const (
	metricFsync  = "etcd_disk_wal_fsync_duration_seconds"
	metricCommit = "etcd_disk_backend_commit_duration_seconds"
)

// disk adds the two rules about the disk. The model slows the disk down until the load is too much
// for it. The thresholds are the two p99 at the slowness from which that point is still the lead
// away.
//
// Both histograms of etcd have buckets that double from 1 ms, and Prometheus interpolates within
// one, so a p99 is known only to its bucket. The thresholds are bucket bounds: "p99 > bound" is
// then exact.
func (s *Set) disk(c etcdmodel.Cluster, l etcdmodel.Load, p etcdmodel.Prediction, predict predicts) error {
	limit, reason, err := tooSlow(c, l, predict)
	if err != nil {
		return err
	}
	if limit <= 1 {
		s.warn("the disk is too slow for the load already (%s): no threshold for fsync and commit", reason)
		return nil
	}
	delays := window + holdFor + delay // a p99 has to be passed in nearly all of the window
	wanted := limit / math.Exp2(float64(s.options.DiskLead+delays)/float64(s.options.Climb))
	for _, r := range []struct {
		name, metric, what, mixin string
		normal                    time.Duration
	}{
		{"EtcdFsyncSlow", metricFsync, "WAL fsync", "etcdHighFsyncDurations", p.Fsync.P99},
		{"EtcdBackendCommitSlow", metricCommit, "backend commit", "etcdHighCommitDurations", p.BackendCommit.P99},
	} {
		if r.normal <= 0 || r.normal == etcdmodel.NoSample {
			s.warn("no %s is predicted: no threshold for it", r.what)
			continue
		}
		bound := boundAtMost(seconds(r.normal.Seconds() * wanted))
		if least := boundAbove(r.normal); bound < least {
			bound = least
		}
		at := float64(bound) / float64(r.normal) // how much slower the disk is when the alert fires
		lead := time.Duration(float64(s.options.Climb)*math.Log2(limit/at)) - delays
		if lead <= 0 {
			s.warn("a normal %s p99 of %v is in the same bucket (to %v) as trouble begins in: no threshold",
				r.what, r.normal, bound)
			continue
		}
		if lead < s.options.DiskLead {
			s.warn("%s keeps a lead of %v and not %v: the bucket above the normal p99 of %v ends at %v",
				r.name, lead.Round(time.Second), s.options.DiskLead, r.normal, bound)
		}
		s.Rules = append(s.Rules, Rule{
			Name: r.name, Severity: "warning", For: holdFor, Mixin: r.mixin,
			Expr: fmt.Sprintf("histogram_quantile(0.99, %s) > %g",
				s.each("sum", fmt.Sprintf("rate(%s[%s])", s.metric(r.metric+"_bucket"), promDuration(window))), bound.Seconds()),
			Threshold: bound.Seconds(), Normal: r.normal.Seconds(), Limit: r.normal.Seconds() * limit, Lead: lead,
			Summary: fmt.Sprintf("The disk of etcd becomes slow: %s p99.", r.what),
			Why: fmt.Sprintf("a disk %.1f times as slow is too slow for this load (%s); "+
				"the threshold is a bucket's bound, reached at %.1f times, "+
				"which is the lead earlier for a disk that becomes twice as slow every %v",
				limit, reason, at, s.options.Climb),
		})
	}
	return nil
}

// mostSlow is the largest factor by which the search slows a disk down.
const mostSlow = 1 << 14

// tooSlow returns the factor by which the disks can become slower before the load is too much for
// them, and the trouble that comes first.
func tooSlow(c etcdmodel.Cluster, l etcdmodel.Load, predict predicts) (float64, string, error) {
	if l.For == 0 {
		l.For = 4 * time.Second
	}
	trouble := func(x float64) (string, error) {
		slowed := c.WithDefaults()
		for i, d := range slowed.Disks {
			slowed.Disks[i] = d.Scaled(x)
		}
		p, err := predict(slowed, l)
		return troubleOf(p, slowed), err
	}
	low, high, reason := 0.0, 1.0, ""
	for ; high <= mostSlow; low, high = high, 2*high {
		var err error
		if reason, err = trouble(high); err != nil {
			return 0, "", err
		}
		if reason != "" {
			break
		}
	}
	if low == 0 || reason == "" {
		return min(high, mostSlow), cmp.Or(reason, "nothing"), nil
	}
	for range 5 { // to 2 %
		middle := math.Sqrt(low * high)
		why, err := trouble(middle)
		if err != nil {
			return 0, "", err
		}
		if why == "" {
			low = middle
		} else {
			high, reason = middle, why
		}
	}
	return high, reason, nil
}

// troubleOf names the trouble that a prediction shows: the first reason of its verdict that a disk
// can have, or late heartbeats. It returns "" if there is none.
func troubleOf(p etcdmodel.Prediction, c etcdmodel.Cluster) string {
	for _, r := range p.Reasons {
		if r.What != etcdmodel.CheckNoSpace && r.What != etcdmodel.CheckSamples {
			return r.Text
		}
	}
	if c.Members > 1 && p.HeartbeatsLate > 0 {
		return "heartbeats are late"
	}
	return ""
}

// bucketBound returns the upper bound of bucket i of etcd's duration histograms
// (prometheus.ExponentialBuckets(0.001, 2, 14) in server/storage/wal/metrics.go and
// backend/metrics.go).
func bucketBound(i int) time.Duration { return time.Millisecond << i }

const durationBuckets = 14

// boundAtMost returns the largest bound that d reaches, at least the first.
func boundAtMost(d time.Duration) time.Duration {
	bound := bucketBound(0)
	for i := range durationBuckets {
		if bucketBound(i) <= d {
			bound = bucketBound(i)
		}
	}
	return bound
}

// boundAbove returns the bound of the bucket that d is in.
func boundAbove(d time.Duration) time.Duration {
	for i := range durationBuckets {
		if bucketBound(i) >= d {
			return bucketBound(i)
		}
	}
	return bucketBound(durationBuckets - 1)
}
