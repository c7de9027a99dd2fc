package kubeops

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/redline-go/redline/internal/metrics"
)

// A Churn says what is asked of the API servers of a cluster, and what they ask of etcd.
type Churn struct {
	Window  time.Duration // between the two pages
	Servers int

	// Requests are those that were answered with success, and creates of what exists, and were not
	// dry runs (apiserver_request_total), by resource.
	Requests []Request
	// Etcd are the requests to etcd as the API servers count them (etcd_requests_total, those with
	// errors taken off). The verb is their operation: get, list, create, update, delete ... It is
	// empty where the pages do not have them by resource, which is so before v1.34.
	Etcd []Request
	// Stored holds the number and mean size of the objects by resource, as the pages have it.
	Stored map[string]Mean

	Warnings []error
}

// A Request is one kind of request and how often it comes.
type Request struct {
	Resource, Subresource string // pods, deployments.apps
	Verb                  string
	Created               bool    // answered with 201
	Exists                bool    // a POST answered with 409: etcd wrote it to its WAL and no further
	Rate                  float64 // requests/s
}

// A Mean is the number of objects of a resource and the mean bytes of one; zero where not known.
type Mean struct {
	Objects int
	Bytes   float64
}

// The metrics of kube-apiserver that are read (apiserver's pkg/endpoints/metrics/metrics.go,
// pkg/storage/etcd3/metrics/metrics.go).
const (
	metricRequests    = "apiserver_request_total"
	metricEtcd        = "etcd_requests_total"
	metricEtcdErrors  = "etcd_request_errors_total"
	metricObjects     = "apiserver_resource_objects"
	metricObjectsOld  = "apiserver_storage_objects"
	metricObjectBytes = "apiserver_resource_size_estimate_bytes"
)

// ErrMetrics is wrapped by every error about the metrics pages of an API server.
var ErrMetrics = errors.New("kubeops")

// ChurnFromMetrics reads what is written and read in a cluster from two metrics pages of its API
// servers, the second taken `between` after the first. A page may show several servers, as one of
// Prometheus does; they are added up. Where the pages carry timestamps, between may be zero.
//
// Pages of several servers that do not say whose they are go through ChurnFromMetrics one by one,
// and [Churn.Plus] adds the results.
//
// A page that lacks apiserver_request_total, was cut short, or contradicts itself gives an error
// that names the metric. So does a counter that went backwards, because the server was restarted
// in between.
func ChurnFromMetrics(before, after io.Reader, between time.Duration) (Churn, error) {
	if between < 0 {
		return Churn{}, fmt.Errorf("%w: between is %v, want >= 0, the time from the first page to the second", ErrMetrics,
			between)
	}
	targets, err := metrics.Read([]io.Reader{before, after},
		metricRequests, metricEtcd, metricEtcdErrors, metricObjects, metricObjectsOld, metricObjectBytes)
	if err != nil {
		return Churn{}, fmt.Errorf("%w: %w", ErrMetrics, err)
	}
	c := Churn{Stored: map[string]Mean{}}
	for _, t := range targets {
		if !t.Last().Has(metricRequests) && !t.First().Has(metricRequests) {
			continue
		}
		one, err := churnOf(t, between)
		if err != nil {
			return Churn{}, fmt.Errorf("%w: %w", ErrMetrics, err)
		}
		c = c.Plus(one)
	}
	if c.Servers == 0 {
		return Churn{}, fmt.Errorf("%w: metrics page: %s is missing, want the pages of a kube-apiserver", ErrMetrics,
			metricRequests)
	}
	return c, nil
}

// Plus adds the requests of other servers of the same cluster. Rates add up; the objects are the
// same ones.
func (c Churn) Plus(other Churn) Churn {
	out := Churn{
		Window: max(c.Window, other.Window), Servers: c.Servers + other.Servers, Stored: map[string]Mean{},
		Requests: sum(c.Requests, other.Requests), Etcd: sum(c.Etcd, other.Etcd),
		Warnings: slices.Concat(c.Warnings, other.Warnings),
	}
	for _, stored := range []map[string]Mean{c.Stored, other.Stored} {
		for name, m := range stored {
			have := out.Stored[name]
			out.Stored[name] = Mean{max(have.Objects, m.Objects), max(have.Bytes, m.Bytes)}
		}
	}
	return out
}

// sum adds the rates of equal requests and sorts them.
func sum(lists ...[]Request) []Request {
	rates := map[Request]float64{}
	for _, r := range slices.Concat(lists...) {
		rate := r.Rate
		r.Rate = 0
		rates[r] += rate
	}
	var out []Request
	for r, rate := range rates {
		r.Rate = rate
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Request) int {
		return cmp.Or(strings.Compare(a.Resource, b.Resource), strings.Compare(a.Subresource, b.Subresource),
			strings.Compare(a.Verb, b.Verb), cmp.Compare(a.answer(), b.answer()))
	})
	return out
}

// answer orders requests that differ in their answer alone.
func (r Request) answer() int {
	switch {
	case r.Created:
		return 1
	case r.Exists:
		return 2
	}
	return 0
}

// churnOf returns the churn of one server.
func churnOf(t metrics.Target, between time.Duration) (Churn, error) {
	first, last := t.First(), t.Last()
	if len(t.Snapshots) < 2 {
		return Churn{}, last.Bad(metricRequests, "there once for this server", "two pages of it")
	}
	if stamped := last.Since(first); stamped > 0 {
		between = stamped
	}
	if between <= 0 {
		return Churn{}, last.Bad(metricRequests, "without timestamps", "the time between the pages")
	}
	for _, s := range []metrics.Snapshot{first, last} {
		if s.Cut || !s.Has(metricRequests) {
			return Churn{}, s.Missing(metricRequests, "the whole page of a kube-apiserver")
		}
	}
	c := Churn{Window: between, Servers: 1, Stored: storedOn(last)}
	var err error
	if c.Requests, err = c.requests(t); err != nil {
		return Churn{}, err
	}
	c.Etcd, err = c.etcd(t)
	return c, err
}

// grown returns by how much each series of a counter grew, by its labels. A series that the first
// page does not have grew from zero.
func grown(t metrics.Target, family string) (map[string]metrics.Sample, error) {
	out := map[string]metrics.Sample{}
	before := map[string]float64{}
	for _, s := range t.First().Samples(family) {
		before[fmt.Sprint(s.Labels)] = s.Value
	}
	for _, s := range t.Last().Samples(family) {
		key := fmt.Sprint(s.Labels)
		was := before[key]
		delete(before, key)
		if math.IsNaN(s.Value) || math.IsInf(s.Value, 0) || s.Value < was || s.Fell || was < 0 {
			return nil, t.Last().Bad(family, "smaller than on the first page, or no number",
				"two pages of one process, the older one first")
		}
		s.Value -= was
		out[key] = s
	}
	if len(before) > 0 {
		return nil, t.Last().Bad(family, "without series that the first page has",
			"two pages of one process, the older one first")
	}
	return out, nil
}

// requests returns the requests that succeeded.
func (c *Churn) requests(t metrics.Target) ([]Request, error) {
	counts, err := grown(t, metricRequests)
	if err != nil {
		return nil, err
	}
	var out []Request
	dry, failed := 0.0, 0.0
	for _, key := range sortedKeys(counts) {
		s := counts[key]
		code := s.Label("code")
		exists := code == "409" && s.Label("verb") == "POST" && s.Label("subresource") == ""
		switch {
		case s.Value == 0 || s.Label("resource") == "":
		case s.Label("dry_run") != "":
			dry += s.Value
		case !exists && !strings.HasPrefix(code, "2") && !(code == "0" && s.Label("verb") == "WATCH"):
			failed += s.Value
		default:
			resource := schema.GroupResource{Group: s.Label("group"), Resource: s.Label("resource")}
			out = append(out, Request{
				Resource: storedName(resource), Subresource: s.Label("subresource"), Verb: s.Label("verb"), Created: code == "201",
				Exists: exists, Rate: s.Value / c.Window.Seconds(),
			})
		}
	}
	if dry > 0 || failed > 0 {
		c.Warnings = append(c.Warnings, warn("%.0f dry runs and %.0f requests without success are left out; "+
			"of the latter, conflicts and retries cost etcd a little", dry, failed))
	}
	return sum(out), nil
}

// storedName names a resource as it is stored: both groups of events are one.
func storedName(r schema.GroupResource) string {
	if r.Resource == "events" && r.Group == "events.k8s.io" {
		return "events"
	}
	return r.String()
}

// etcd returns the requests to etcd that succeeded.
func (c *Churn) etcd(t metrics.Target) ([]Request, error) {
	counts, err := grown(t, metricEtcd)
	if err != nil {
		return nil, err
	}
	failed, err := grown(t, metricEtcdErrors)
	if err != nil {
		return nil, err
	}
	var out []Request
	for _, key := range sortedKeys(counts) {
		s := counts[key]
		n := s.Value - failed[key].Value
		if n <= 0 || s.Label("resource") == "" {
			continue
		}
		resource := schema.GroupResource{Group: s.Label("group"), Resource: s.Label("resource")}
		out = append(out, Request{Resource: storedName(resource), Verb: s.Label("operation"), Rate: n / c.Window.Seconds()})
	}
	return sum(out), nil
}

// storedOn returns the objects by resource as a page has them: their number, and since v1.34 an
// estimate of their bytes.
func storedOn(s metrics.Snapshot) map[string]Mean {
	out := map[string]Mean{}
	for _, x := range s.Samples(metricObjectsOld) { // its label has the group in it
		if x.Value > 0 && x.Value < math.MaxInt32 {
			out[storedName(schema.ParseGroupResource(x.Label("resource")))] = Mean{Objects: int(x.Value)}
		}
	}
	bytes := map[string]float64{}
	name := func(x metrics.Sample) string {
		return storedName(schema.GroupResource{Group: x.Label("group"), Resource: x.Label("resource")})
	}
	for _, x := range s.Samples(metricObjectBytes) {
		bytes[name(x)] = x.Value
	}
	for _, x := range s.Samples(metricObjects) {
		if x.Value > 0 && x.Value < math.MaxInt32 {
			m := Mean{Objects: int(x.Value)}
			if b := bytes[name(x)]; b > 0 && !math.IsInf(b, 0) {
				m.Bytes = b / x.Value
			}
			out[name(x)] = m
		}
	}
	return out
}
