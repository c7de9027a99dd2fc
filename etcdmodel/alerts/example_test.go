package alerts_test

import (
	"encoding/json"
	"errors"
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

// What becomes of a selector, and of one that is more than label matchers?
func ExampleOptions() {
	cluster := etcdmodel.Cluster{Members: 1}
	load := etcdmodel.Load{
		Streams: []etcdmodel.Stream{{Op: etcdmodel.Op{Kind: etcdmodel.Put, Value: 100}, Rate: 10}}, For: time.Second,
	}
	for _, selector := range []string{`job = 'etcd', cluster=~"prod-.*"`, `job="etcd"} or vector(1) #`} {
		set, err := alerts.For(cluster, load, alerts.Options{Selector: selector})
		if err != nil {
			fmt.Println("refused:", errors.Is(err, etcdmodel.ErrInput))
			continue
		}
		for _, r := range set.Rules {
			if r.Name == "EtcdNoLeader" {
				fmt.Println(r.Expr)
			}
		}
	}
	// Output:
	// etcd_server_has_leader{job="etcd",cluster=~"prod-.*"} == 0
	// refused: true
}

// Where does the dashboard draw its lines?
func ExampleSet_Dashboard() {
	set, err := alerts.For(
		etcdmodel.Cluster{Members: 1},
		etcdmodel.Load{
			Streams: []etcdmodel.Stream{{Op: etcdmodel.Op{Kind: etcdmodel.Put, Value: 100}, Rate: 10}}, For: time.Second,
		}, alerts.Options{Selector: `job="etcd"`},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := set.Dashboard()
	if err != nil {
		fmt.Println(err)
		return
	}
	var board struct {
		Panels []struct{ Title string }
	}
	if err := json.Unmarshal(text, &board); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(board.Panels), "panels; the third is", board.Panels[2].Title)
	// Output:
	// 10 panels; the third is Db size
}
