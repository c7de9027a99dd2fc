package alerts_test

import (
	"fmt"
	"time"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/etcdmodel/alerts"
)

// From which db size on should an alert fire, if Events fill the db and an hour is needed to act?
func ExampleFor() {
	events := etcdmodel.Op{Kind: etcdmodel.TxnCreate, Key: 70, Value: 834, Lease: true}
	set, err := alerts.For(
		etcdmodel.Cluster{Members: 1, CompactEvery: etcdmodel.NoCompaction},
		etcdmodel.Load{Streams: []etcdmodel.Stream{{Op: events, Rate: 100}}, For: 3 * time.Second},
		alerts.Options{Lead: time.Hour, Selector: `job="etcd"`},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	rule := set.Rules[0]
	fmt.Println(rule.Name)
	fmt.Println(rule.Expr)
	fmt.Println("fires", rule.Lead.Round(time.Minute), "before the db is full")
	// Output:
	// EtcdDatabaseNearQuota
	// etcd_mvcc_db_total_size_in_bytes{job="etcd"} > (etcd_server_quota_backend_bytes{job="etcd"} > 0) - 520745514
	// fires 1h0m0s before the db is full
}
