package etcdmodel

import (
	"fmt"
	"math"
	"time"
)

// AlertOptions says how early to warn and how the rules are labelled. Its zero value is usable.
type AlertOptions struct {
	// Lead is how long before the db is full the alert is to fire, at the predicted growth. Zero means one hour.
	Lead time.Duration
	// DiskLead is how long before the disk is too slow for the load, if it becomes twice as slow every Climb from
	// what it is. Zero means 15 minutes each. No disk promises such a course: it is what turns a distance into a time.
	DiskLead, Climb time.Duration

	Selector        string            // label matchers for every metric, e.g. `job="etcd"`; zero means none
	Name, Namespace string            // of the PrometheusRule; zero means etcd-capacity, monitoring
	Labels          map[string]string // of the PrometheusRule, e.g. those that a Prometheus selects rules by
}

// AlertRule is one alert: what it looks at, from where on, and how long that is before the trouble.
type AlertRule struct {
	Name      string
	Expr      string // PromQL
	For       time.Duration
	Threshold float64 // in the metric's unit: bytes, seconds, failures
	Normal    float64 // what the prediction has there
	Limit     float64 // where the trouble begins
	Lead      time.Duration
	Severity  string
	Summary   string
	Why       string // how the threshold comes about
}

// Alerting is the alerts for a cluster under a load.
type Alerting struct {
	Rules    []AlertRule
	Warnings []error // rules that could not be had, or not with the lead that was asked for
	options  AlertOptions
}

// The rules' own delays: how long a condition must hold, and how long a scrape and an evaluation may take.
const (
	alertFor   = 2 * time.Minute
	alertDelay = time.Minute
	// alertWindow is the range of the rates.
	alertWindow = 5 * time.Minute
	// commitObjective is Kubernetes' own for a mutating call on one object: p99 within a second
	// (kubernetes/community sig-scalability/slos/api_call_latency.md). No call is faster than its commit.
	commitObjective = time.Second
)

// Alerts turns a prediction into alerting rules: for the db size, the fsync and backend commit p99, and failed
// heartbeats. Each threshold is between what is predicted for this cluster and load and where the trouble begins, far
// enough before it for the lead that the options ask for. A rule that cannot keep that lead, because normal is too
// near to trouble, says which one it keeps, in Lead and in Warnings.
func Alerts(c Cluster, l Load, o AlertOptions) (Alerting, error) {
	for _, f := range []struct {
		name string
		d    time.Duration
	}{{"Lead", o.Lead}, {"DiskLead", o.DiskLead}, {"Climb", o.Climb}} {
		if err := checkDuration("AlertOptions."+f.name, f.d); err != nil {
			return Alerting{}, err
		}
	}
	o.Lead, o.DiskLead, o.Climb = or(o.Lead, time.Hour), or(o.DiskLead, 15*time.Minute), or(o.Climb, 15*time.Minute)
	o.Name, o.Namespace = or(o.Name, "etcd-capacity"), or(o.Namespace, "monitoring")
	p, err := Predict(c, l)
	if err != nil {
		return Alerting{}, err
	}
	c = c.orDefault()
	a := Alerting{options: o}
	a.sizes(c, p)
	if err := a.disk(c, l, p); err != nil {
		return Alerting{}, err
	}
	if c.Members > 1 {
		a.heartbeats(c, p)
	}
	return a, nil
}

func (a *Alerting) warn(format string, args ...any) {
	a.Warnings = append(a.Warnings, fmt.Errorf("etcdmodel: alerts: "+format, args...))
}

// metric is a metric with the options' matchers.
func (a *Alerting) metric(name string) string {
	if a.options.Selector == "" {
		return name
	}
	return name + "{" + a.options.Selector + "}"
}

// sizes is the two rules about the db: the size from which the predicted growth needs the lead to the quota, and a
// growth, predicted or not, that reaches it within the lead.
func (a *Alerting) sizes(c Cluster, p Prediction) {
	quota, growth := float64(c.Quota), p.DB.Growth
	delays := alertFor + alertDelay
	threshold := quota - growth*(a.options.Lead+delays).Seconds()
	normal, why := float64(p.DB.Plateau), "the quota less what the predicted growth writes in the lead"
	if p.DB.QuotaIn >= 0 {
		normal = float64(c.DB) // on its way to the quota: where it is now
	}
	if least := normal + 0.05*(quota-normal); threshold < least {
		threshold, why = max(least, quota/2), "5 % of the way from the predicted size to the quota: the lead would need an alert below what is normal"
		if threshold >= quota {
			a.warn("the db is predicted at %.0f bytes, its quota is %.0f: no threshold is left between", normal, quota)
			return
		}
	}
	lead := time.Duration(math.MaxInt64)
	if growth > 0 {
		lead = max(0, seconds(min((quota-threshold)/growth, 1e9))-delays)
	}
	if lead < a.options.Lead {
		a.warn("EtcdDatabaseNearQuota keeps a lead of %v and not %v: %.0f bytes/s fill the %.0f bytes between threshold and quota in that time", lead.Round(time.Second), a.options.Lead, growth, quota-threshold)
	}
	lead = min(lead, a.options.Lead*1000)
	size := a.metric("etcd_mvcc_db_total_size_in_bytes")
	a.Rules = append(a.Rules, AlertRule{
		Name: "EtcdDatabaseNearQuota", Severity: "critical", For: alertFor,
		Expr:      fmt.Sprintf("%s > %.0f", size, threshold),
		Threshold: math.Round(threshold), Normal: normal, Limit: quota, Lead: lead,
		Summary: "The etcd db nears its quota; at the quota every write fails with NOSPACE until it is defragmented.",
		Why:     why,
	}, AlertRule{
		Name: "EtcdDatabaseGrowsToQuota", Severity: "warning", For: alertFor,
		Expr: fmt.Sprintf("predict_linear(%s[30m], %.0f) > %.0f and %s > %.0f", size, (a.options.Lead + delays).Seconds(), quota,
			size, normal+0.1*max(0, quota-normal)), // not while a new db grows to its usual size
		Threshold: quota, Normal: normal, Limit: quota, Lead: a.options.Lead,
		Summary: "The etcd db grows so fast that it reaches its quota within the lead, whatever was predicted.",
		Why:     "half an hour is six compactions of kube-apiserver: their sawtooth is levelled",
	})
}

// heartbeats is the rule about heartbeats that the leader sends late. They fail when the leader's loop stalls for two
// heartbeat intervals (server/etcdserver/raft.go:384), elections begin when it stalls for the election timeout.
func (a *Alerting) heartbeats(c Cluster, p Prediction) {
	normal := p.HeartbeatsLate * float64(c.Members-1) * alertWindow.Seconds()
	threshold := math.Ceil(max(2, 3*normal))
	lead := time.Duration(float64(a.options.Climb) * math.Log2(float64(c.Election)/float64(2*c.Heartbeat)))
	lead = max(0, lead-alertFor-alertDelay)
	if p.Elections > 0 {
		a.warn("elections are predicted at %.1f an hour for this load: EtcdHeartbeatsLate keeps no lead", p.Elections)
		lead = 0
	}
	a.Rules = append(a.Rules, AlertRule{
		Name: "EtcdHeartbeatsLate", Severity: "warning", For: alertFor,
		Expr:      fmt.Sprintf("increase(%s[%s]) > %.0f", a.metric("etcd_server_heartbeat_send_failures_total"), promDuration(alertWindow), threshold),
		Threshold: threshold, Normal: normal, Limit: math.Inf(1), Lead: lead,
		Summary: "The etcd leader sends heartbeats late: its disk or its processor holds it up, and an election is next.",
		Why: fmt.Sprintf("three times the predicted, at least two; heartbeats fail when the leader stalls for %v, elections begin at about %v",
			2*c.Heartbeat, c.Election),
	})
}

// promDuration is a duration as Prometheus writes it.
func promDuration(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	if d%time.Minute == 0 {
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", int(d.Seconds()))
}
