package etcdmodel

import (
	"fmt"
	"io"

	"github.com/redline-go/redline/internal/metrics"
)

// A gauge says which metrics fill a field of a State, the newest name first.
type gauge struct {
	names []string
	least float64
	set   func(*State, int64)
}

// stateGauges are the fields of a State. 3.3 has the size as a debugging metric only. The last
// three names of the size are kube-apiserver's, which asks etcd for it (k8s.io/apiserver v0.37.2
// pkg/storage/etcd3/metrics/metrics.go:99; older versions have the other two).
var stateGauges = []gauge{
	{
		[]string{
			"etcd_mvcc_db_total_size_in_bytes", "etcd_debugging_mvcc_db_total_size_in_bytes",
			"apiserver_storage_size_bytes", "apiserver_storage_db_total_size_in_bytes", "etcd_db_total_size_in_bytes",
		}, 0, func(s *State, n int64) { s.Total = n },
	},
	{[]string{"etcd_mvcc_db_total_size_in_use_in_bytes"}, 0, func(s *State, n int64) { s.InUse = n }},
	{[]string{"etcd_server_quota_backend_bytes"}, 0, func(s *State, n int64) { s.Quota = n }},
	{[]string{metricKeys}, 0, func(s *State, n int64) { s.Keys = int(n) }},
	{[]string{"etcd_debugging_mvcc_current_revision"}, 0, func(s *State, n int64) { s.Revision = n }},
	{[]string{"etcd_debugging_mvcc_compact_revision"}, -1, func(s *State, n int64) { s.Compacted = n }},
}

// StateFromMetrics reads the databases of running members of etcd from metrics pages, in any of
// the forms that [DisksFromMetrics] takes. It returns one State for each member, by name. Of
// several pages of one member, or of a range of time, the last that has a field fills it.
//
// A field that no page has stays zero, which means that it is not known. Pages of kube-apiserver
// give Total, by endpoint. Version is V3_5 for 3.4 and older.
//
// A page that has none of the metrics, was cut short, or has a size that cannot be gives an error
// that names the metric.
func StateFromMetrics(pages ...io.Reader) ([]State, error) {
	var need []string
	for _, g := range stateGauges {
		need = append(need, g.names...)
	}
	members, err := readMembers(pages, need)
	if err != nil {
		return nil, err
	}
	out := make([]State, len(members))
	for i, m := range members {
		out[i] = State{Member: m.name, Version: m.model()}
		for _, s := range m.at {
			if err := out[i].fill(s); err != nil {
				return nil, m.named(err)
			}
		}
	}
	return out, nil
}

// maxState bounds a size or a count: beyond it a float64 holds no whole numbers.
const maxState = 1 << 53

func (s *State) fill(page metrics.Snapshot) error {
	for _, g := range stateGauges {
		v, name, err := value(page, g.names...)
		switch {
		case err != nil:
			return err
		case name == "":
			continue
		case v.Value < g.least || v.Value > maxState:
			return pageError(page.Bad(name, fmt.Sprint(v.Value), fmt.Sprintf("%v to 2^53", g.least)))
		}
		g.set(s, int64(v.Value))
	}
	return nil
}
