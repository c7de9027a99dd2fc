// Package alerts turns a prediction of etcd under a load into Prometheus alerting rules.
//
// It answers: from which db size, fsync time and backend commit time on should an alert fire, so
// that there is still time to act? Ask it with the cluster and the load of [etcdmodel.Predict]:
//
//	set, err := alerts.For(cluster, load, alerts.Options{Lead: time.Hour, Selector: `job="etcd"`})
//	object, err := set.PrometheusRule() // for the Prometheus operator
//
// docs/alerts.md explains how each threshold comes about.
package alerts

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/redline-go/redline/etcdmodel"
)

// Options sets how early the alerts fire and how the rules are labelled. Its zero value is usable.
type Options struct {
	// Lead is the time from the alert to a full db, at the predicted growth. Zero means one hour.
	Lead time.Duration
	// DiskLead is the time from the alert to a disk too slow for the load, if the disk becomes
	// twice as slow every Climb. Zero means 15 minutes each. No disk promises such a course: it
	// turns a distance into a time.
	DiskLead, Climb time.Duration

	Selector        string            // label matchers for every metric, e.g. `job="etcd"`; zero means none
	Name, Namespace string            // of the PrometheusRule; zero means etcd-capacity, monitoring
	Labels          map[string]string // of the PrometheusRule, e.g. those that a Prometheus selects rules by
}

// Rule is one alert: its expression, its threshold, and how long before the trouble it fires.
type Rule struct {
	Name      string
	Expr      string // PromQL
	For       time.Duration
	Threshold float64 // in the metric's unit: bytes, seconds, failures
	Normal    float64 // the predicted value of the metric
	Limit     float64 // where the trouble begins
	Lead      time.Duration
	Severity  string
	Summary   string
	Why       string // how the threshold comes about
}

// Set holds the alerts for a cluster under a load.
type Set struct {
	Rules    []Rule
	Warnings []error // rules that could not be had, or not with the lead that was asked for
	options  Options
}

const (
	// holdFor is the time for which a condition must hold before its alert fires.
	holdFor = 2 * time.Minute
	// delay is the time that a scrape and an evaluation may take together.
	delay = time.Minute
	// window is the range of the rates.
	window = 5 * time.Minute
)

// For returns alerts for the db size, the fsync and backend commit p99, and failed heartbeats.
//
// Each threshold is between the predicted value and the value where the trouble begins. It is far
// enough before the trouble for the lead that the options ask for. A rule cannot keep that lead if
// normal is too near to trouble. It then says which lead it keeps, in Lead and in Set.Warnings.
func For(c etcdmodel.Cluster, l etcdmodel.Load, o Options) (Set, error) {
	for _, f := range []struct {
		name string
		d    time.Duration
	}{{"Lead", o.Lead}, {"DiskLead", o.DiskLead}, {"Climb", o.Climb}} {
		if f.d < 0 {
			return Set{}, fmt.Errorf("%w: alerts: Options.%s is %v, want >= 0", etcdmodel.ErrInput, f.name, f.d)
		}
	}
	o.Lead = cmp.Or(o.Lead, time.Hour)
	o.DiskLead, o.Climb = cmp.Or(o.DiskLead, 15*time.Minute), cmp.Or(o.Climb, 15*time.Minute)
	o.Name, o.Namespace = cmp.Or(o.Name, "etcd-capacity"), cmp.Or(o.Namespace, "monitoring")
	p, err := etcdmodel.Predict(c, l)
	if err != nil {
		return Set{}, err
	}
	c = c.WithDefaults()
	s := Set{options: o}
	s.sizes(c, p)
	if err := s.disk(c, l, p); err != nil {
		return Set{}, err
	}
	if c.Members > 1 {
		s.heartbeats(c, p)
	}
	return s, nil
}

func (s *Set) warn(format string, args ...any) {
	s.Warnings = append(s.Warnings, fmt.Errorf("etcdmodel: alerts: "+format, args...))
}

// metric returns a metric with the options' matchers.
func (s *Set) metric(name string) string {
	if s.options.Selector == "" {
		return name
	}
	return name + "{" + s.options.Selector + "}"
}

// sizes adds the two rules about the db. One fires at the size from which the predicted growth
// needs the lead to the quota. The other fires on a growth, predicted or not, that reaches the
// quota within the lead.
func (s *Set) sizes(c etcdmodel.Cluster, p etcdmodel.Prediction) {
	quota, growth := float64(c.Quota), p.DB.Growth
	delays := holdFor + delay
	threshold := quota - growth*(s.options.Lead+delays).Seconds()
	normal, why := float64(p.DB.Plateau), "the quota less what the predicted growth writes in the lead"
	if p.DB.QuotaIn >= 0 {
		normal = float64(c.DB) // on its way to the quota: the size at the start
	}
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
	if lead < s.options.Lead {
		s.warn("EtcdDatabaseNearQuota keeps a lead of %v and not %v: "+
			"%.0f bytes/s fill the %.0f bytes between threshold and quota in that time",
			lead.Round(time.Second), s.options.Lead, growth, quota-threshold)
	}
	lead = min(lead, s.options.Lead*1000)
	size := s.metric("etcd_mvcc_db_total_size_in_bytes")
	s.Rules = append(s.Rules, Rule{
		Name: "EtcdDatabaseNearQuota", Severity: "critical", For: holdFor,
		Expr:      fmt.Sprintf("%s > %.0f", size, threshold),
		Threshold: math.Round(threshold), Normal: normal, Limit: quota, Lead: lead,
		Summary: "The etcd db nears its quota; at the quota every write fails with NOSPACE until it is defragmented.",
		Why:     why,
	}, Rule{
		Name: "EtcdDatabaseGrowsToQuota", Severity: "warning", For: holdFor,
		Expr: fmt.Sprintf("predict_linear(%s[30m], %.0f) > %.0f and %s > %.0f",
			size, (s.options.Lead + delays).Seconds(), quota,
			size, normal+0.1*max(0, quota-normal)), // not while a new db grows to its usual size
		Threshold: quota, Normal: normal, Limit: quota, Lead: s.options.Lead,
		Summary: "The etcd db grows so fast that it reaches its quota within the lead, whatever was predicted.",
		Why:     "half an hour is six compactions of kube-apiserver: their sawtooth is levelled",
	})
}

// heartbeats adds the rule about heartbeats that the leader sends late. They fail when the
// leader's loop stalls for two heartbeat intervals (server/etcdserver/raft.go:384). Elections
// begin when it stalls for the election timeout.
func (s *Set) heartbeats(c etcdmodel.Cluster, p etcdmodel.Prediction) {
	normal := p.HeartbeatsLate * float64(c.Members-1) * window.Seconds()
	threshold := math.Ceil(max(2, 3*normal))
	lead := time.Duration(float64(s.options.Climb) * math.Log2(float64(c.Election)/float64(2*c.Heartbeat)))
	lead = max(0, lead-holdFor-delay)
	if p.Elections > 0 {
		s.warn("elections are predicted at %.1f an hour for this load: EtcdHeartbeatsLate keeps no lead", p.Elections)
		lead = 0
	}
	s.Rules = append(s.Rules, Rule{
		Name: "EtcdHeartbeatsLate", Severity: "warning", For: holdFor,
		Expr: fmt.Sprintf("increase(%s[%s]) > %.0f",
			s.metric("etcd_server_heartbeat_send_failures_total"), promDuration(window), threshold),
		Threshold: threshold, Normal: normal, Limit: math.Inf(1), Lead: lead,
		Summary: "The etcd leader sends heartbeats late: its disk or its processor holds it up, and an election is next.",
		Why: fmt.Sprintf("three times the predicted, at least two; "+
			"heartbeats fail when the leader stalls for %v, elections begin at about %v",
			2*c.Heartbeat, c.Election),
	})
}

// promDuration returns a duration as Prometheus writes it.
func promDuration(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	if d%time.Minute == 0 {
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", int(d.Seconds()))
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
