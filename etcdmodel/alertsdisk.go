package etcdmodel

import (
	"fmt"
	"math"
	"time"
)

// disk is the two rules about the disk. It is slowed down in the model until the load is too much for it; the thresholds are what
// the two p99 are at the slowness from which that point is still the lead away.
//
// Both histograms of etcd have buckets that double from 1 ms, and Prometheus interpolates within one, so a p99 is
// only known to its bucket. The thresholds are bucket bounds: "p99 > bound" is then exact.
func (a *Alerting) disk(c Cluster, l Load, p Prediction) error {
	limit, reason, err := tooSlow(c, l)
	if err != nil {
		return err
	}
	if limit <= 1 {
		a.warn("the disk is too slow for the load already (%s): no threshold for fsync and commit", reason)
		return nil
	}
	delays := alertWindow + alertFor + alertDelay // a p99 has to be passed in nearly all of the window
	wanted := limit / math.Exp2(float64(a.options.DiskLead+delays)/float64(a.options.Climb))
	for _, r := range []struct {
		name, metric, what string
		normal             time.Duration
	}{
		{"EtcdFsyncSlow", metricFsync, "WAL fsync", p.Fsync.P99},
		{"EtcdBackendCommitSlow", metricCommit, "backend commit", p.BackendCommit.P99},
	} {
		if r.normal <= 0 {
			a.warn("no %s is predicted: no threshold for it", r.what)
			continue
		}
		bound := boundAtMost(seconds(r.normal.Seconds() * wanted))
		if least := boundAbove(r.normal); bound < least {
			bound = least
		}
		at := float64(bound) / float64(r.normal) // how much slower the disk is when the alert fires
		lead := time.Duration(float64(a.options.Climb)*math.Log2(limit/at)) - delays
		if lead <= 0 {
			a.warn("a normal %s p99 of %v is in the same bucket (to %v) as trouble begins in: no threshold", r.what, r.normal, bound)
			continue
		}
		if lead < a.options.DiskLead {
			a.warn("%s keeps a lead of %v and not %v: the bucket above the normal p99 of %v ends at %v", r.name, lead.Round(time.Second), a.options.DiskLead, r.normal, bound)
		}
		a.Rules = append(a.Rules, AlertRule{
			Name: r.name, Severity: "warning", For: alertFor,
			Expr: fmt.Sprintf("histogram_quantile(0.99, sum by (instance, le) (rate(%s[%s]))) > %g",
				a.metric(r.metric+"_bucket"), promDuration(alertWindow), bound.Seconds()),
			Threshold: bound.Seconds(), Normal: r.normal.Seconds(), Limit: r.normal.Seconds() * limit, Lead: lead,
			Summary: fmt.Sprintf("The disk of etcd becomes slow: %s p99.", r.what),
			Why: fmt.Sprintf("a disk %.1f times as slow is too slow for this load (%s); the threshold is a bucket's bound, reached at %.1f times, which is the lead earlier for a disk that becomes twice as slow every %v",
				limit, reason, at, a.options.Climb),
		})
	}
	return nil
}

// mostSlow is the most that a disk is slowed down by in the search.
const mostSlow = 1 << 14

// tooSlow is by how much the disks can become slower before the load is too much for them, and what gives way.
func tooSlow(c Cluster, l Load) (float64, string, error) {
	if l.For == 0 {
		l.For = 4 * time.Second
	}
	trouble := func(x float64) (string, error) {
		slowed := c.orDefault()
		for i, d := range slowed.Disks {
			slowed.Disks[i] = d.Scaled(x)
		}
		p, err := Predict(slowed, l)
		return p.trouble(slowed, l), err
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
		return min(high, mostSlow), or(reason, "nothing"), nil
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

// trouble names what a prediction has that nobody wants; empty if it is healthy.
func (p Prediction) trouble(c Cluster, l Load) string {
	offered := 0.0
	for _, s := range l.Streams {
		if s.Op.Kind.Writes() {
			offered += s.Rate
		}
	}
	switch {
	case offered > p.Sustainable && len(l.Streams) > 0:
		return fmt.Sprintf("%.0f writes/s are offered and %.0f are sustained", offered, p.Sustainable)
	case p.Commit.P99 > commitObjective:
		return fmt.Sprintf("the commit p99 passes %v", commitObjective)
	case c.Members > 1 && p.HeartbeatsLate > 0:
		return "heartbeats are late"
	}
	return ""
}

// bucketBound is the upper bound of bucket i of etcd's duration histograms
// (prometheus.ExponentialBuckets(0.001, 2, 14) in server/storage/wal/metrics.go and backend/metrics.go).
func bucketBound(i int) time.Duration { return time.Millisecond << i }

const durationBuckets = 14

// boundAtMost is the largest bound that d reaches, at least the first.
func boundAtMost(d time.Duration) time.Duration {
	bound := bucketBound(0)
	for i := range durationBuckets {
		if bucketBound(i) <= d {
			bound = bucketBound(i)
		}
	}
	return bound
}

// boundAbove is the bound of the bucket that d is in.
func boundAbove(d time.Duration) time.Duration {
	for i := range durationBuckets {
		if bucketBound(i) >= d {
			return bucketBound(i)
		}
	}
	return bucketBound(durationBuckets - 1)
}
