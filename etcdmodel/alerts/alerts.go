// Package alerts turns a prediction of etcd under a load into Prometheus alerting rules and a
// Grafana dashboard.
//
// It answers: from which db size, fsync time and backend commit time on should an alert fire, so
// that there is still time to act? Ask it with the cluster and the load of [etcdmodel.Predict]:
//
//	set, err := alerts.For(cluster, load, alerts.Options{Lead: time.Hour, Selector: `job="etcd"`})
//	object, err := set.PrometheusRule() // for the Prometheus operator
//	file, err := set.RuleFile()         // for Prometheus itself
//	board, err := set.Dashboard()       // for Grafana
//
// docs/alerts.md explains how each threshold comes about, and sets the rules beside etcd-mixin's.
package alerts

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
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

	// Selector holds the label matchers for every metric, without braces, e.g. `job="etcd"`. It is
	// parsed as PromQL. Zero means none.
	Selector string
	// MemberLabels tell the members of one cluster apart. Rules about the cluster drop these labels
	// and keep all others, so that each cluster has its own alert. Nil means instance, pod, node.
	MemberLabels []string
	// Without are labels that no alert shall have, such as that of two Prometheus replicas whose
	// series meet in one store. Zero keeps every label.
	Without []string
	// BesideMixin leaves the rules out that etcd-mixin has alike, for who runs it, too.
	BesideMixin bool

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
	Mixin     string // the alert of etcd-mixin about the same trouble; empty if it has none

	alike bool // etcd-mixin's alert is as good
}

// Set holds the alerts for a cluster under a load.
type Set struct {
	Rules    []Rule
	Warnings []error // rules that could not be had, or not with the lead that was asked for

	options    Options // with defaults, and the selector as PromQL writes it
	cluster    etcdmodel.Cluster
	prediction etcdmodel.Prediction
}

const (
	// holdFor is the time for which a condition must hold before its alert fires.
	holdFor = 2 * time.Minute
	// delay is the time that a scrape and an evaluation may take together.
	delay = time.Minute
	// window is the range of the rates.
	window = 5 * time.Minute
	// longestLead bounds the options: beyond it no growth is predicted.
	longestLead = 365 * 24 * time.Hour
)

// For returns alerts for the db size, fsync, backend commit, heartbeats, members, elections, peers,
// applies, proposals and requests.
//
// Each threshold is between the predicted value and the value where the trouble begins. It is far
// enough before the trouble for the lead that the options ask for. A rule cannot keep that lead if
// normal is too near to trouble. It then says which lead it keeps, in Lead and in Set.Warnings.
//
// It makes about twenty predictions, of loads that [etcdmodel.Predict] takes.
func For(c etcdmodel.Cluster, l etcdmodel.Load, o Options) (Set, error) {
	return newSet(c, l, o, etcdmodel.Predict)
}

// ForContext is like [For] but takes loads that take longer, too, and ends with ctx.
func ForContext(ctx context.Context, c etcdmodel.Cluster, l etcdmodel.Load, o Options) (Set, error) {
	return newSet(c, l, o, func(c etcdmodel.Cluster, l etcdmodel.Load) (etcdmodel.Prediction, error) {
		return etcdmodel.PredictContext(ctx, c, l)
	})
}

// predicts is [etcdmodel.Predict], or PredictContext with its context.
type predicts func(etcdmodel.Cluster, etcdmodel.Load) (etcdmodel.Prediction, error)

func newSet(c etcdmodel.Cluster, l etcdmodel.Load, o Options, predict predicts) (Set, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Set{}, err
	}
	p, err := predict(c, l)
	if err != nil {
		return Set{}, err
	}
	c = c.WithDefaults()
	s := Set{options: o, cluster: c, prediction: p}
	s.sizes(c, p)
	if err := s.disk(c, l, p, predict); err != nil {
		return Set{}, err
	}
	if c.Members > 1 {
		s.heartbeats(c, p)
		s.peers(c)
	}
	s.members(c, p)
	s.requests(l, p)
	if o.BesideMixin {
		s.Rules = slices.DeleteFunc(s.Rules, func(r Rule) bool { return r.alike })
	}
	return s, nil
}

// withDefaults checks the options and replaces zero fields.
func (o Options) withDefaults() (Options, error) {
	for _, f := range []struct {
		name string
		d    time.Duration
	}{{"Lead", o.Lead}, {"DiskLead", o.DiskLead}, {"Climb", o.Climb}} {
		if f.d < 0 || f.d > longestLead {
			return o, fmt.Errorf("%w: alerts: Options.%s is %v, want 0 to %v", etcdmodel.ErrInput, f.name, f.d, longestLead)
		}
	}
	o.Lead = cmp.Or(o.Lead, time.Hour)
	o.DiskLead, o.Climb = cmp.Or(o.DiskLead, 15*time.Minute), cmp.Or(o.Climb, 15*time.Minute)
	o.Name, o.Namespace = cmp.Or(o.Name, "etcd-capacity"), cmp.Or(o.Namespace, "monitoring")
	if o.MemberLabels == nil {
		o.MemberLabels = []string{"instance", "pod", "node"}
	}
	var err error
	if o.Selector, err = parseSelector(o.Selector); err != nil {
		return o, err
	}
	for _, check := range []error{
		checkLabels("MemberLabels", o.MemberLabels), checkLabels("Without", o.Without), o.checkObject(),
	} {
		if check != nil {
			return o, check
		}
	}
	return o, nil
}

func (s *Set) warn(format string, args ...any) {
	s.Warnings = append(s.Warnings, warning(fmt.Sprintf("etcdmodel: alerts: "+format, args...)))
}

// MarshalJSON leaves out a Limit that is infinite, which JSON has no number for.
func (r Rule) MarshalJSON() ([]byte, error) {
	type fields Rule
	out := struct {
		fields
		Limit *float64 `json:",omitempty"`
	}{fields: fields(r)}
	if !math.IsInf(r.Limit, 0) {
		out.Limit = &r.Limit
	}
	return json.Marshal(out)
}

// A warning is its text, in JSON too.
type warning string

func (w warning) Error() string { return string(w) }

// metric returns a metric with the options' matchers and others.
func (s *Set) metric(name string, matchers ...string) string {
	if s.options.Selector != "" {
		matchers = append([]string{s.options.Selector}, matchers...)
	}
	if len(matchers) == 0 {
		return name
	}
	return name + "{" + strings.Join(matchers, ",") + "}"
}

// each returns an expression with a value for each member: the labels of Options.Without dropped
// by an aggregation, all others kept.
func (s *Set) each(aggregation, expr string, without ...string) string {
	without = append(slices.Clone(without), s.options.Without...)
	if len(without) == 0 {
		return expr
	}
	return fmt.Sprintf("%s without (%s) (%s)", aggregation, strings.Join(without, ", "), expr)
}

// whole returns an expression with a value for each cluster.
func (s *Set) whole(aggregation, expr string) string {
	return s.each(aggregation, expr, s.options.MemberLabels...)
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

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
