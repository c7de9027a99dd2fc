package etcdmodel

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/redline-go/redline/internal/metrics"
)

// The metrics of etcd that tell its members and their processes apart.
const (
	metricVersion = "etcd_server_version"
	metricID      = "etcd_server_id"
	metricStart   = "process_start_time_seconds"
)

// A paged is one member of etcd on metrics pages: one snapshot a page, or two of a range.
type paged struct {
	name string
	at   []metrics.Snapshot
}

// readMembers reads metrics pages and returns the members on them, by name. families are read
// beside those that tell the members apart. A member has one of the families in need at least.
func readMembers(pages []io.Reader, need []string, families ...string) ([]paged, error) {
	if len(pages) == 0 {
		return nil, bad("pages", "empty", "one page or more")
	}
	all := append(slices.Clone(need), families...)
	targets, err := metrics.Read(pages, append(all, metricVersion, metricID, metricStart)...)
	if err != nil {
		return nil, pageError(err)
	}
	var members []paged
	for _, t := range targets {
		for _, m := range membersOf(t) {
			if m.hasAny(need) {
				members = append(members, m)
			}
		}
	}
	if len(members) == 0 {
		return nil, pageError(targets[0].Last().Missing(need[0], "the metrics of an etcd"))
	}
	return members, nil
}

// pageError wraps what is wrong with a page as an error of input.
func pageError(err error) error {
	var page *metrics.Error
	if errors.As(err, &page) {
		return fmt.Errorf("%w: %w", ErrInput, err)
	}
	return fmt.Errorf("etcdmodel: %w", err)
}

// membersOf returns the members of a target. Pages without labels, as etcd itself gives them, are
// told apart by the member's ID. A page without an ID belongs to the member of the page before.
func membersOf(t metrics.Target) []paged {
	if len(t.Labels) > 0 {
		return []paged{{t.Name, t.Snapshots}}
	}
	var out []paged
	at := map[string]int{}
	last := 0
	for _, s := range t.Snapshots {
		id := labelOf(s, metricID, "server_id")
		i, known := at[id]
		switch {
		case id == "" && len(out) > 0:
			i = last
		case !known && len(out) == 1 && out[0].name == "" && id != "":
			i, at[id], out[0].name = 0, 0, id // the first page had no ID
		case !known:
			i = len(out)
			at[id] = i
			out = append(out, paged{name: id})
		}
		out[i].at, last = append(out[i].at, s), i
	}
	slices.SortFunc(out, func(a, b paged) int { return strings.Compare(a.name, b.name) })
	if len(out) == 1 {
		out[0].name = t.Name
	}
	return out
}

// labelOf returns a label of the first series of a metric; empty where there is none.
func labelOf(s metrics.Snapshot, metric, label string) string {
	for _, x := range s.Samples(metric) {
		if x.Value != 0 {
			return x.Label(label)
		}
	}
	return ""
}

func (m paged) hasAny(families []string) bool {
	for _, s := range m.at {
		for _, f := range families {
			if s.Has(f) {
				return true
			}
		}
	}
	return false
}

// version returns the version that the member reports last, or "" if it does not say.
func (m paged) version() string {
	for _, s := range slices.Backward(m.at) {
		if v := labelOf(s, metricVersion, "server_version"); v != "" {
			return v
		}
	}
	return ""
}

// model returns the version as this package knows it. 3.4 and older are taken for 3.5, the nearest
// that was measured. It is zero where the member does not say.
func (m paged) model() Version {
	said := m.version()
	if v, err := ParseVersion(said); err == nil {
		return v
	}
	for _, old := range []string{"3.4", "3.3", "3.2"} {
		if said == old || strings.HasPrefix(said, old+".") {
			return V3_5
		}
	}
	return 0
}

// called names the member in a message.
func (m paged) called() string {
	if m.name == "" {
		return "the member"
	}
	return "member " + metrics.Show(m.name)
}

// named adds the member's name to an error about it.
func (m paged) named(err error) error {
	if err == nil || m.name == "" {
		return err
	}
	return fmt.Errorf("%w (%s)", err, m.called())
}

// value returns the value of a metric that etcd has once, under the first of its names that the
// snapshot knows.
func value(s metrics.Snapshot, names ...string) (v metrics.Sample, name string, err error) {
	for _, name := range names {
		v, ok, err := s.Value(name)
		if err != nil {
			return v, name, pageError(err)
		}
		if ok {
			return v, name, nil
		}
	}
	return v, "", nil
}

// sameProcess returns an error if the etcd was started anew between two snapshots.
func (m paged) sameProcess(a, b metrics.Snapshot) error {
	before, known, err := value(a, metricStart)
	if err != nil || known == "" {
		return err
	}
	after, known, err := value(b, metricStart)
	if err != nil || known == "" {
		return err
	}
	if before.Value != after.Value || after.Fell {
		return pageError(b.Bad(
			metricStart, "another than before", m.called()+" not restarted between its two pages, or pages of one member",
		))
	}
	return nil
}

// pagesOf returns the numbers of a member's pages, for a message.
func (m paged) pagesOf() string {
	first, last := m.at[0].Page+1, m.at[len(m.at)-1].Page+1
	if first == last {
		return fmt.Sprintf("page %d", first)
	}
	return fmt.Sprintf("pages %d and %d", first, last)
}

// names joins the members' names for a message, the first few of them.
func names(members []paged) string {
	var out []string
	for i, m := range members {
		if i == 5 {
			out = append(out, fmt.Sprintf("%d more", len(members)-i))
			break
		}
		name := m.name
		if name == "" {
			name = "on " + m.pagesOf()
		}
		out = append(out, metrics.Show(name))
	}
	return strings.Join(out, ", ")
}
