package etcdmodel_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/redline-go/redline/etcdmodel"
)

// How many writes do members of 2 and of 8 cores take in?
func ExampleCPUOfCores() {
	load := etcdmodel.Load{Clients: 1000, Op: etcdmodel.Op{Key: 8, Value: 256}}
	for _, cores := range []int{2, 8} {
		cpu, err := etcdmodel.CPUOfCores(cores)
		if err != nil {
			fmt.Println(err)
			return
		}
		p, err := etcdmodel.Estimate(etcdmodel.Cluster{CPU: cpu}, load)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d cores: %.0f writes/s, %v binds\n", cores, p.Throughput, p.Bound)
	}
	// Output:
	// 2 cores: 13635 writes/s, apply binds
	// 8 cores: 53729 writes/s, apply binds
}

// How fast is a machine of which tools/benchmark printed this, with 1,000 clients at the leader?
func ExampleCPUFromBenchmark() {
	rate, err := etcdmodel.ReadThroughput(strings.NewReader("Summary:\n  Total: 2.2553 secs.\n  Requests/sec: 44341.0\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	cpu, err := etcdmodel.CPUFromBenchmark(etcdmodel.Benchmark{
		Clients: 1000, LeaderOnly: true, Op: etcdmodel.Op{Key: 8, Value: 256}, Throughput: rate,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("it takes in a write every %v\n", cpu.Accept.Round(time.Microsecond))
	// Output:
	// it takes in a write every 22µs
}

// What does a member need that keeps 200,000 keys of 1 KiB, and how long is it away when it starts
// again?
func ExamplePrediction_memory() {
	p, err := etcdmodel.Estimate(
		etcdmodel.Cluster{State: etcdmodel.State{Keys: 200_000, Total: 276e6}},
		etcdmodel.Load{
			Streams: []etcdmodel.Stream{
				{Op: etcdmodel.Op{Kind: etcdmodel.TxnUpdate, Key: 46, Value: 1024}, Rate: 100, Keys: 1000, Watchers: 3},
			},
			WatchStreams: 3,
		},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d MB, of which %d MB are the db and twice %d MB the index\n",
		p.Memory.Resident/1e6, p.Memory.Pages/1e6, p.Memory.Index/1e6)
	fmt.Printf("%.0f events/s to watchers\n", p.Fanout.Events)
	fmt.Printf("a start takes %v; the log lasts for an absence of %v\n",
		p.Recovery.Restart.Round(100*time.Millisecond), p.Recovery.LogLasts)
	// Output:
	// 424 MB, of which 276 MB are the db and twice 49 MB the index
	// 300 events/s to watchers
	// a start takes 2.7s; the log lasts for an absence of 51s
}

// How fast must a machine be to pass `etcdctl check perf --load=xl`?
func ExamplePerfResult() {
	b, err := etcdmodel.PerfResult("xl", 13_501)
	if err != nil {
		fmt.Println(err)
		return
	}
	b.LeaderOnly = true
	cpu, err := etcdmodel.CPUFromBenchmark(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.1f times the test machine\n", float64(etcdmodel.DefaultCPU().Accept)/float64(cpu.Accept))
	// Output:
	// 1.5 times the test machine
}

// What does a LIST of 5,000 keys cost, twice a second?
func ExampleOp_range() {
	load := etcdmodel.Load{
		Streams: []etcdmodel.Stream{
			{Op: etcdmodel.Op{Kind: etcdmodel.Range, Key: 46, Value: 1024, Puts: 5000}, Rate: 2},
		},
		For: 30 * time.Second,
	}
	p, err := etcdmodel.Predict(etcdmodel.Cluster{}, load)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("p50 %v, at most %.0f/s, %v bind\n", p.Reads.P50.Round(time.Millisecond), p.Sustainable, p.Bound)
	// Output:
	// p50 37ms, at most 163/s, ranges bind
}
