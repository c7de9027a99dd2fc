package alerts

import (
	"fmt"
	"math"
	"time"

	"github.com/redline-go/redline/etcdmodel"
)

// The metrics of etcd about the db (server/storage/mvcc/metrics.go, server/storage/metrics.go).
const (
	metricTotal = "etcd_mvcc_db_total_size_in_bytes"
	metricInUse = "etcd_mvcc_db_total_size_in_use_in_bytes"
	metricQuota = "etcd_server_quota_backend_bytes"
)

// sizes adds the rules about the db. One fires at the size from which the predicted growth needs
// the lead to the quota. One fires on a growth, predicted or not, that reaches the quota within
// the lead. The third is about free pages.
//
// The quota is the one that each member reports. A member whose quota is disabled reports a
// negative one (storage/quota.go:76) and has no alert.
func (s *Set) sizes(c etcdmodel.Cluster, p etcdmodel.Prediction) {
	quota, growth := float64(c.Quota), p.DB.Growth
	normal := float64(p.DB.Plateau)
	if p.DB.QuotaIn >= 0 {
		normal = float64(max(c.DB, c.State.Total)) // on its way to the quota: the size at the start
	}
	s.nearQuota(quota, growth, normal)
	s.growsToQuota(quota, normal)
	s.fragmented(p)
}

// limit returns the quota that a member reports, where it has one.
func (s *Set) limit() string { return "(" + s.each("max", s.metric(metricQuota)) + " > 0)" }

func (s *Set) nearQuota(quota, growth, normal float64) {
	delays := holdFor + delay
	threshold := quota - growth*(s.options.Lead+delays).Seconds()
	why := "the quota less what the predicted growth writes in the lead"
	if least := normal + 0.05*(quota-normal); threshold < least {
		threshold = max(least, quota/2)
		why = "5 % of the way from the predicted size to the quota: " +
			"the lead would need an alert below what is normal"
		if threshold >= quota {
			s.warn("the db is predicted at %.0f bytes, its quota is %.0f: no threshold is left between", normal, quota)
			return
		}
	}
	lead := time.Duration(math.MaxInt64)
	if growth > 0 {
		lead = max(0, seconds(min((quota-threshold)/growth, 1e9))-delays)
	}
	if lead.Round(time.Second) < s.options.Lead.Round(time.Second) {
		s.warn("EtcdDatabaseNearQuota keeps a lead of %v and not %v: "+
			"%.0f bytes/s fill the %.0f bytes between threshold and quota in that time",
			lead.Round(time.Second), s.options.Lead, growth, quota-threshold)
	}
	// Up, so that the alert fires at the threshold's byte or before.
	room := math.Ceil(quota - threshold)
	s.Rules = append(s.Rules, Rule{
		Name: "EtcdDatabaseNearQuota", Severity: "critical", For: holdFor, Mixin: "etcdDatabaseQuotaLowSpace",
		Expr:      fmt.Sprintf("%s > %s - %.0f", s.each("max", s.metric(metricTotal)), s.limit(), room),
		Threshold: quota - room, Normal: normal, Limit: quota, Lead: min(lead, s.options.Lead*1000),
		Summary: "The etcd db nears its quota; at the quota every write fails with NOSPACE until it is defragmented.",
		Why:     why,
	})
}

func (s *Set) growsToQuota(quota, normal float64) {
	size := s.metric(metricTotal)
	s.Rules = append(s.Rules, Rule{
		Name: "EtcdDatabaseGrowsToQuota", Severity: "warning", For: holdFor, Mixin: "etcdExcessiveDatabaseGrowth",
		// not while a new db grows to its usual size
		Expr: fmt.Sprintf("%s > %s and %s > %.0f + 0.1 * %s",
			s.each("max", fmt.Sprintf("predict_linear(%s[30m], %.0f)", size, (s.options.Lead+holdFor+delay).Seconds())),
			s.limit(), s.each("max", size), 0.9*min(normal, quota), s.limit()),
		Threshold: quota, Normal: normal, Limit: quota, Lead: s.options.Lead,
		Summary: "The etcd db grows so fast that it reaches its quota within the lead, whatever was predicted.",
		Why:     "half an hour is six compactions of kube-apiserver: their sawtooth is levelled",
	})
}

// leastFragmented is the db file below which free pages are no trouble: 100 MiB, as in etcd-mixin,
// which asks it of the bytes in use.
const leastFragmented = 100 << 20

func (s *Set) fragmented(p etcdmodel.Prediction) {
	total, inUse := s.each("max", s.metric(metricTotal)), s.each("max", s.metric(metricInUse))
	least := max(leastFragmented, 1.1*float64(p.DB.Plateau))
	s.Rules = append(s.Rules, Rule{
		Name: "EtcdDatabaseFragmented", Severity: "warning", For: 10 * time.Minute,
		Mixin:     "etcdDatabaseHighFragmentationRatio",
		Expr:      fmt.Sprintf("%s / %s < 0.5 and %s > %.0f", inUse, total, total, least),
		Threshold: 0.5, Normal: 1, Limit: 0,
		Summary: "Most of the etcd db file is free pages; only a defragmentation gives them back.",
		Why: fmt.Sprintf("the file is twice what is in use and above %.0f bytes "+
			"(100 MiB, or a tenth above the predicted plateau, which free pages belong to)", least),
	})
}
