package etcdmodel

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"time"
)

// The metrics of etcd that a load is read from.
const (
	metricPuts     = "etcd_mvcc_put_total"
	metricDeletes  = "etcd_mvcc_delete_total"
	metricPutBytes = "etcd_debugging_mvcc_total_put_size_in_bytes"
	metricKeys     = "etcd_debugging_mvcc_keys_total"
	metricGranted  = "etcd_debugging_lease_granted_total"
	metricRevoked  = "etcd_debugging_lease_revoked_total"
	metricProposed = "etcd_server_proposals_committed_total"
	metricHandled  = "grpc_server_handled_total"
)

// assumedKey is the length of a key where only key and value together are known: a kube-apiserver's
// /registry/pods/NAMESPACE/NAME (measured: 51 for a pod of a Deployment, 70 for its Event).
const assumedKey = 60

// LoadFromMetrics reads the load of a running etcd from two of its /metrics pages, the second
// taken `between` after the first. It returns the creates, updates, deletes, failed compares,
// lease grants and revokes that the cluster applied each second, and the reads that this member
// served.
//
// Sizes are means: etcd counts the bytes of keys and values together, and a key of 60 bytes is
// assumed. Writes count as kube-apiserver's transactions if this member answered more transactions
// than puts.
//
// A page that lacks a counter or was cut short gives an error that names the metric. So does a
// counter that went backwards, because etcd was restarted in between.
func LoadFromMetrics(before, after io.Reader, between time.Duration) (Load, error) {
	if between <= 0 {
		return Load{}, bad("between", between, "> 0, the time from the first page to the second")
	}
	first, err := readPage(before)
	if err != nil {
		return Load{}, fmt.Errorf("first page: %w", err)
	}
	second, err := readPage(after)
	if err != nil {
		return Load{}, fmt.Errorf("second page: %w", err)
	}
	d := &difference{first: first, second: second, seconds: between.Seconds()}
	load := d.load()
	if d.err != nil {
		return Load{}, d.err
	}
	return load, load.Check()
}

// A difference is two pages and the time between them. Its err is the first that happened.
type difference struct {
	first, second page
	seconds       float64
	err           error
}

// counted returns the growth of a counter.
func (d *difference) counted(metric string) float64 {
	grew := d.changed(metric)
	if grew < 0 && d.err == nil {
		d.err = badMetric(
			metric, fmt.Sprintf("%v less on the second page", -grew),
			"a counter that grows: was etcd restarted in between?",
		)
	}
	return max(grew, 0)
}

// changed returns the change of a gauge or counter.
func (d *difference) changed(metric string) float64 {
	a, err := d.first.value(metric)
	if err == nil {
		var b float64
		if b, err = d.second.value(metric); err == nil {
			return b - a
		}
	}
	if d.err == nil {
		d.err = err
	}
	return 0
}

// answered returns the number of requests of a gRPC method that this member answered with OK.
func (d *difference) answered(method string) float64 {
	grew := d.second.handled(method) - d.first.handled(method)
	if (grew < 0 || math.IsNaN(grew)) && d.err == nil {
		d.err = badMetric(
			fmt.Sprintf("%s{grpc_method=%q}", metricHandled, method), "less on the second page", "a counter that grows",
		)
	}
	return grew
}

func (p page) handled(method string) float64 {
	sum := 0.0
	for _, m := range p[metricHandled].GetMetric() {
		match := 0
		for _, l := range m.GetLabel() {
			if l.GetName() == "grpc_method" && l.GetValue() == method || l.GetName() == "grpc_code" && l.GetValue() == "OK" {
				match++
			}
		}
		if match == 2 {
			sum += m.GetCounter().GetValue()
		}
	}
	return sum
}

// load returns the load that the counters show.
func (d *difference) load() Load {
	puts, deletes := d.counted(metricPuts), d.counted(metricDeletes)
	bytes := d.counted(metricPutBytes)
	created := min(max(d.changed(metricKeys)+deletes, 0), puts)
	live, _ := d.second.value(metricKeys)
	granted, revoked := d.counted(metricGranted), d.counted(metricRevoked)
	// proposals that put nothing: deletes of their own, failed compares
	others := max(d.counted(metricProposed)-puts-granted-revoked, 0)
	deletes = min(deletes, others) // the rest went with their leases
	create, update, remove := Put, Put, Delete
	if d.answered("Txn") > d.answered("Put") {
		create, update, remove = TxnCreate, TxnUpdate, TxnDelete
	}
	key, value := 0, 0
	if puts > 0 {
		mean := int(math.Round(min(bytes/puts, MaxRequestBytes)))
		key = min(mean, assumedKey)
		value = mean - key
	}
	var streams []Stream
	add := func(name string, op Op, n float64, keys int) {
		if n > 0 {
			streams = append(streams, Stream{Name: name, Op: op, Rate: n / d.seconds, Keys: keys})
		}
	}
	add("creates", Op{Kind: create, Key: key, Value: value}, created, 0)
	add("updates", Op{Kind: update, Key: key, Value: value}, puts-created, int(min(max(live, 1), math.MaxInt32)))
	add("deletes", Op{Kind: remove, Key: cmp.Or(key, assumedKey)}, deletes, 0)
	if update == TxnUpdate {
		add("conflicts", Op{Kind: TxnConflict, Key: key, Value: value}, others-deletes, 0)
	}
	add("lease grants", Op{Kind: LeaseGrant}, granted, 0)
	add("lease revokes", Op{Kind: LeaseRevoke}, revoked, 0)
	add("reads", Op{Kind: Range, Key: assumedKey, Value: value}, d.answered("Range"), 0)
	return Load{Streams: streams}
}
