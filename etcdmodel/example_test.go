package etcdmodel_test

import (
	"fmt"
	"time"

	"github.com/redline-go/redline/etcdmodel"
)

// Will a spinning disk hold 100 node leases and 20 events a second, and when is the db full?
func ExampleEstimate() {
	load := etcdmodel.Load{Streams: []etcdmodel.Stream{
		{Name: "leases", Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 60, Value: 525}, Rate: 10, Keys: 100},
		{
			Name: "events", Op: etcdmodel.Op{Kind: etcdmodel.TxnCreate, Key: 70, Value: 834, Lease: true}, Rate: 20,
			TTL: time.Hour,
		},
	}}
	for _, disk := range []etcdmodel.Disk{etcdmodel.NVMe(), etcdmodel.HDD7200()} {
		p, err := etcdmodel.Estimate(etcdmodel.Cluster{Disks: []etcdmodel.Disk{disk}}, load)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: p50 %v, p99 %v; %.1f KB/s of WAL; the db levels off at %d MB\n", disk.Name,
			p.Commit.P50.Round(100*time.Microsecond), p.Commit.P99.Round(100*time.Microsecond), p.WALBytes/1e3, p.DB.Plateau/1e6)
	}
	// Output:
	// NVMe: p50 800µs, p99 1ms; 30.1 KB/s of WAL; the db levels off at 122 MB
	// 7,200 rpm: p50 72.2ms, p99 134ms; 29.6 KB/s of WAL; the db levels off at 122 MB
}

// What does a commit cost while every fdatasync takes 200 ms?
func ExamplePredict() {
	p, err := etcdmodel.Predict(
		etcdmodel.Cluster{Members: 1, Disks: []etcdmodel.Disk{etcdmodel.FixedDisk(200 * time.Millisecond)}},
		etcdmodel.Load{Clients: 50, Op: etcdmodel.Op{Kind: etcdmodel.Put, Key: 46, Value: 1024}},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.0f writes/s, %.0f a fdatasync, p50 %v, backend commits of %v\n",
		p.Throughput, p.OpsPerFsync, p.Commit.P50.Round(time.Millisecond), p.BackendCommit.P50.Round(time.Millisecond))
	// Output:
	// 100 writes/s, 25 a fdatasync, p50 500ms, backend commits of 400ms
}

// A disk fails for a minute under the idle load of 100 nodes.
func ExampleServer() {
	leases := etcdmodel.Stream{Name: "leases", Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 60, Value: 525}, Keys: 100}
	server, err := etcdmodel.NewServer(etcdmodel.Cluster{Version: etcdmodel.V3_5, Members: 1}, []etcdmodel.Stream{leases})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, disk := range []etcdmodel.Disk{etcdmodel.NVMe(), etcdmodel.FixedDisk(4 * time.Second), etcdmodel.NVMe()} {
		if err := server.SetDisks(disk); err != nil {
			fmt.Println(err)
			return
		}
		var landed, timedOut int
		for range 600 {
			step := server.Step(100*time.Millisecond, []float64{1.1})
			landed += step.Classes[0].Committed
			timedOut += step.Classes[0].TimedOut
		}
		fmt.Printf("%s: %d landed, %d timed out\n", disk.Name, landed, timedOut)
	}
	// Output:
	// NVMe: 675 landed, 0 timed out
	// fixed 4s: 223 landed, 364 timed out
	// NVMe: 700 landed, 8 timed out
}

// A 1500-byte value packs two to a page, a 2000-byte one does not.
func ExampleOp_DBBytes() {
	for _, value := range []int{1500, 2000} {
		op := etcdmodel.Op{Kind: etcdmodel.Put, Key: 48, Value: value}
		fmt.Printf("%d bytes: %.0f of WAL, %.0f of db\n", value, op.WALBytes(etcdmodel.V3_6, 1), op.DBBytes(etcdmodel.V3_6))
	}
	// Output:
	// 1500 bytes: 1640 of WAL, 2066 of db
	// 2000 bytes: 2144 of WAL, 4114 of db
}

// A running etcd at its plateau stays there: free pages are filled before the file grows.
func ExampleState() {
	cluster := etcdmodel.Cluster{State: etcdmodel.State{
		Total: 313e6, InUse: 240e6, Quota: 8 << 30, Keys: 30_000, Revision: 52_300_000, Compacted: 52_180_000,
	}}
	load := etcdmodel.Load{Streams: []etcdmodel.Stream{
		{Name: "leases", Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 45, Value: 525}, Rate: 270, Keys: 5000},
	}}
	p, err := etcdmodel.Estimate(cluster, load)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.0f MB, full: %v\n", float64(p.DB.Plateau)/1e6, p.DB.QuotaIn >= 0)
	fmt.Printf("a defragmentation leaves %.0f MB at least and makes %d fsyncs\n", float64(p.DB.Live)/1e6, p.Defrag.Fsyncs)
	// Output:
	// 313 MB, full: false
	// a defragmentation leaves 141 MB at least and makes 44 fsyncs
}

// Creates and deletes at the same rate keep the size of the db.
func ExampleLoad_deletes() {
	load := etcdmodel.Load{Streams: []etcdmodel.Stream{
		{Op: etcdmodel.Op{Kind: etcdmodel.TxnCreate, Key: 55, Value: 2000}, Rate: 20},
		{Op: etcdmodel.Op{Kind: etcdmodel.TxnDelete, Key: 55}, Rate: 20},
	}}
	p, err := etcdmodel.Estimate(etcdmodel.Cluster{}, load)
	if err != nil {
		fmt.Println(err)
		return
	}
	plateau := float64(p.DB.Plateau) / 1e6
	fmt.Printf("%.0f MB: ten minutes of what was created and deleted; %d bytes live\n", plateau, p.DB.Live)
	// Output:
	// 51 MB: ten minutes of what was created and deleted; 0 bytes live
}
