package etcdmodel_test

import (
	"context"
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

// Does a slow disk hold 0.6 writes a second, and if not, why?
func ExamplePrediction() {
	load := etcdmodel.Load{Streams: []etcdmodel.Stream{
		{Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 60, Value: 525}, Rate: 0.6, Keys: 10},
	}}
	for _, disk := range []etcdmodel.Disk{etcdmodel.SATASSD(), etcdmodel.FixedDisk(8 * time.Second)} {
		p, err := etcdmodel.Predict(etcdmodel.Cluster{Members: 1, Disks: []etcdmodel.Disk{disk}}, load)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: holds %v, %d writes answered in %v\n", disk.Name, p.Holds, p.Commit.N, p.Simulated)
		for _, reason := range p.Reasons {
			fmt.Printf("  %v: %v\n", reason.What, reason)
		}
	}
	// Output:
	// SATA SSD: holds true, 1536 writes answered in 42m40s
	// fixed 8s: holds false, 0 writes answered in 42m40s
	//   timeouts: 0.6 writes/s time out
	//   samples: 0 writes were answered in 42m40s of simulated time, too few for a p99
}

// A simulation that may take minutes ends with its context.
func ExamplePredictContext() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // as a user who has waited long enough
	load := etcdmodel.Load{
		Streams: []etcdmodel.Stream{{Op: etcdmodel.Op{Kind: etcdmodel.Put, Key: 60, Value: 525}, Rate: 10_000}},
		For:     time.Hour,
	}
	_, err := etcdmodel.Predict(etcdmodel.Cluster{}, load)
	fmt.Println(err)
	_, err = etcdmodel.PredictContext(ctx, etcdmodel.Cluster{}, load)
	fmt.Println(err)
	// Output:
	// etcdmodel: Load is the work of 1.7e+08 requests, want 3e+06 at most (about a second); PredictContext takes more
	// etcdmodel: context canceled
}

// Does it matter which of three disks is slow?
func ExampleFaultsContext() {
	load := etcdmodel.Load{Streams: []etcdmodel.Stream{
		{Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 60, Value: 525}, Rate: 20, Keys: 100},
	}}
	faults, err := etcdmodel.FaultsContext(
		context.Background(), etcdmodel.Cluster{}, load, etcdmodel.FixedDisk(300*time.Millisecond),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range faults {
		fmt.Printf("%s: holds %v\n", f.Name, f.Holds)
	}
	// Output:
	// none: holds true
	// one follower: holds false
	// all followers: holds false
	// leader: holds false
	// all members: holds false
}

// Which etcd does a cluster of 500 nodes and 15,000 pods need, if a tenth of them is replaced in an
// hour?
func ExampleSizeFor() {
	s, err := etcdmodel.SizeFor(etcdmodel.Population{Nodes: 500, Pods: 15_000, Churn: 1500}, etcdmodel.SATASSD())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("quota %d GiB, compaction every %v, db %d MB at the plateau\n", s.Quota>>30, s.CompactEvery, s.Plateau/1e6)
	fmt.Printf("%s holds: %v; the smallest such disk makes %.0f fdatasyncs/s\n", s.Cluster.Disks[0].Name, s.Holds,
		s.Smallest.Fsyncs)
	for _, level := range s.Perf {
		fmt.Printf("check perf %s: %v\n", level.Name, level.Pass)
	}
	// Output:
	// quota 2 GiB, compaction every 5m0s, db 130 MB at the plateau
	// SATA SSD holds: true; the smallest such disk makes 13 fdatasyncs/s
	// check perf s: true
	// check perf m: true
	// check perf l: true
	// check perf xl: false
}

// Which levels of etcdctl check perf does a spinning disk pass?
func ExampleCheckPerf() {
	levels, err := etcdmodel.CheckPerf(
		context.Background(), etcdmodel.Cluster{Disks: []etcdmodel.Disk{etcdmodel.HDD7200()}},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range levels {
		fmt.Printf("%s: %.0f of %d puts/s, passes: %v\n", l.Name, l.Throughput, l.Rate, l.Pass)
	}
	// Output:
	// s: 150 of 150 puts/s, passes: true
	// m: 1000 of 1000 puts/s, passes: true
	// l: 7030 of 8000 puts/s, passes: false
	// xl: 7030 of 15000 puts/s, passes: false
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
