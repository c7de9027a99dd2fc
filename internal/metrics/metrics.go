// Package metrics reads the metrics pages of components, in the forms in which people have them.
// It answers which targets a page shows, and which values and histograms each of them has.
//
//	targets, err := metrics.Read([]io.Reader{page}, "etcd_disk_wal_fsync_duration_seconds")
//	h, err := targets[0].Last().Histogram("etcd_disk_wal_fsync_duration_seconds")
//
// A page is one of:
//
//   - the text of /metrics, whole or what grep left of it, with or without comments;
//   - OpenMetrics text, with exemplars and # EOF;
//   - the answer of Prometheus' /federate: untyped, with timestamps and labels of the target;
//   - the JSON of Prometheus' /api/v1/query or query_range, one answer or several in a row;
//   - what `promtool query instant` prints.
//
// It may be packed by gzip, begin with a byte order mark, be UTF-16, have CRLF line ends, and begin
// with what curl prints before a page: a progress table or the headers of HTTP.
//
// Read keeps the asked-for families only and looks at nothing else. Its memory has a bound
// whatever the page holds.
package metrics

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// A Label is a name and its value.
type Label struct{ Name, Value string }

// A Target is one component whose metrics are on the pages: one member of etcd, one kube-proxy.
type Target struct {
	// Name is the target's instance, pod or other label, or all of them where one does not tell the
	// targets apart. It is empty on a page that a component itself gave.
	Name   string
	Labels []Label // that say which target it is, by name
	// Snapshots are the target's pages in the order given. A page that holds a range of time has
	// two: its first and its last moment. If all have a time, they are in the order of time.
	Snapshots []Snapshot
}

// First returns the first snapshot.
func (t Target) First() Snapshot { return t.Snapshots[0] }

// Last returns the last snapshot.
func (t Target) Last() Snapshot { return t.Snapshots[len(t.Snapshots)-1] }

// A Snapshot holds the series of one target on one page at one moment.
type Snapshot struct {
	Page int       // index of its page
	Time time.Time // zero where the page does not say
	Cut  bool      // the page ends with a comment whose samples are missing
	// pages is the number of pages that were read. Errors name the page where there are several.
	pages  int
	series map[string][]*series // by family
	// histograms are the families that the page calls histograms.
	histograms map[string]bool
}

// A Sample is one series of a family at one moment.
type Sample struct {
	Labels []Label // without those of the target
	Value  float64
	Fell   bool // its value fell within the page's range: a counter was reset
}

// Label returns the value of a label; empty where there is none.
func (s Sample) Label(name string) string { return valueOf(s.Labels, name) }

func valueOf(labels []Label, name string) string {
	for _, l := range labels {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

// Samples returns the series of a family that is no histogram, in the order of their labels.
func (s Snapshot) Samples(family string) []Sample {
	var out []Sample
	for _, x := range s.series[family] {
		if x.part == partValue {
			out = append(out, Sample{x.own.labels, x.value, x.fell})
		}
	}
	return out
}

// Value returns the one series of a family that is neither a histogram nor labelled. It reports
// false where there is none. It returns an error for several and for a value that is not finite.
func (s Snapshot) Value(family string) (Sample, bool, error) {
	all := s.Samples(family)
	switch {
	case len(all) == 0:
		return Sample{}, false, nil
	case len(all) > 1:
		return Sample{}, false, s.Bad(
			family, fmt.Sprintf("%d series, one%s and one%s", len(all), describe(all[0].Labels), describe(all[1].Labels)),
			"one for each instance or pod",
		)
	case math.IsNaN(all[0].Value) || math.IsInf(all[0].Value, 0):
		return Sample{}, false, s.Bad(family, fmt.Sprint(all[0].Value), "a finite number")
	}
	return all[0], true, nil
}

// Since returns the time from an earlier snapshot to this one; zero where they do not say.
func (s Snapshot) Since(earlier Snapshot) time.Duration {
	if earlier.Time.IsZero() || s.Time.IsZero() {
		return 0
	}
	return s.Time.Sub(earlier.Time)
}

// Has reports whether the snapshot has a series of a family.
func (s Snapshot) Has(family string) bool { return len(s.series[family]) > 0 }

// Read reads pages and returns the targets on them, by name. It keeps the families given. A
// histogram's family is named without _bucket, _sum and _count.
//
// Pages of the same target are put together. A target is known by the labels that Prometheus gives
// it. All pages without such labels are one target's.
//
// Errors about what is on a page are of type [*Error].
func Read(pages []io.Reader, families ...string) ([]Target, error) {
	byKey := map[string]*Target{}
	want := wanted(families)
	for i, r := range pages {
		p := newPage(i, pages, families, want)
		if err := p.read(r); err != nil {
			return nil, err
		}
		for key, t := range p.targets() {
			if byKey[key] == nil {
				byKey[key] = &Target{Labels: t.Labels}
			}
			byKey[key].add(t.Snapshots)
		}
	}
	out := make([]Target, 0, len(byKey))
	for _, t := range byKey {
		t.sort()
		out = append(out, *t)
	}
	name(out)
	return out, nil
}

// add appends a page's snapshots. A page that has nothing of what the one before has is its other
// half, as of one query for each metric: the two become one.
func (t *Target) add(more []Snapshot) {
	n := len(t.Snapshots) - len(more)
	if n < 0 || !apart(t.Snapshots[n:], more) {
		t.Snapshots = append(t.Snapshots, more...)
		return
	}
	for i, s := range more {
		into := &t.Snapshots[n+i]
		if s.Time.After(into.Time) {
			into.Time = s.Time
		}
		into.Cut = into.Cut || s.Cut
		for family, all := range s.series {
			into.series[family] = append(into.series[family], all...)
			slices.SortStableFunc(into.series[family], compare)
		}
	}
}

// apart reports whether no series of a is of the same family and part as one of b.
func apart(a, b []Snapshot) bool {
	seen := map[role]bool{}
	for _, s := range a {
		for _, all := range s.series {
			for _, x := range all {
				seen[x.role] = true
			}
		}
	}
	for _, s := range b {
		for _, all := range s.series {
			for _, x := range all {
				if seen[x.role] {
					return false
				}
			}
		}
	}
	return true
}

// sort orders the snapshots by time where each has one.
func (t *Target) sort() {
	for _, s := range t.Snapshots {
		if s.Time.IsZero() {
			return
		}
	}
	slices.SortStableFunc(t.Snapshots, func(a, b Snapshot) int { return a.Time.Compare(b.Time) })
}

// targetLabels are the labels that Prometheus, its operator and other collectors put on a series to
// say whose it is. The first that tells all targets of the pages apart names them.
var targetLabels = []string{
	"instance", "pod", "member", "endpoint", "node", "host", "hostname", "pod_name", "kubernetes_pod_name",
	"kubernetes_node", "k8s_pod_name", "k8s_node_name", "node_name", "nodename", "server", "machine", "address", "ip",
	"storage_cluster_id", "cluster", "cluster_name", "cluster_id", "k8s_cluster_name", "namespace",
	"kubernetes_namespace", "job", "container", "service", "prometheus", "prometheus_replica",
}

var isTargetLabel = func() map[string]bool {
	set := map[string]bool{}
	for _, l := range targetLabels {
		set[l] = true
	}
	return set
}()

// name names the targets and sorts them.
func name(targets []Target) {
	label := ""
	for _, l := range targetLabels {
		seen := map[string]bool{}
		for _, t := range targets {
			seen[valueOf(t.Labels, l)] = true
		}
		if len(seen) == len(targets) && (!seen[""] || len(targets) > 1) {
			label = l
			break
		}
	}
	for i, t := range targets {
		if label != "" {
			targets[i].Name = valueOf(t.Labels, label)
			continue
		}
		parts := make([]string, len(t.Labels))
		for j, l := range t.Labels {
			parts[j] = l.Name + "=" + l.Value
		}
		targets[i].Name = strings.Join(parts, ",")
	}
	slices.SortFunc(targets, func(a, b Target) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(keyOf(a.Labels), keyOf(b.Labels)))
	})
}
