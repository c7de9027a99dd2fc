package etcdmodel

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
)

const (
	maxCores = 1024
	// Two cores are the test machine's. With eight, one factor of 2/8 brings every row of the etcd
	// documentation's performance page within 18 % (testdata/performance_page.csv).
	testCores, pageCores = 2, 8
)

// CPUOfCores returns the processor times of a member that has n cores to itself. It divides the
// test machine's by n/2. The raft loop and the apply loop are one goroutine each: they gain nothing
// beyond 8 cores, the most that a published figure was compared with.
func CPUOfCores(n int) (CPU, error) {
	if n < 1 || n > maxCores {
		return CPU{}, bad("cores", n, fmt.Sprintf("1 to %d", maxCores))
	}
	c := DefaultCPU().onCores(float64(testCores)/float64(n), n)
	if n > pageCores {
		loops := DefaultCPU().Scaled(float64(testCores) / pageCores)
		c.Turn, c.Append, c.AppendPerKiB = loops.Turn, loops.Append, loops.AppendPerKiB
		c.Apply, c.ApplyPerKiB, c.CommitPerKiB = loops.Apply, loops.ApplyPerKiB, loops.CommitPerKiB
	}
	return c, nil
}

// onCores returns the times multiplied by x on n cores. The time of one range that has a core to
// itself stays.
func (c CPU) onCores(x float64, n int) CPU {
	out := c.Scaled(x)
	out.Cores = n
	out.ReadPerKey, out.ReadPerKiB, out.ReadWake = c.ReadPerKey, c.ReadPerKiB, c.ReadWake
	return out
}

// Benchmark is the result of one load generator with closed clients: etcd's tools/benchmark or
// `etcdctl check perf`.
type Benchmark struct {
	// Cluster is the etcd that was measured. Its disks and RTT count, its CPU does not.
	Cluster    Cluster
	Clients    int
	Op         Op
	LeaderOnly bool    // --target-leader
	Throughput float64 // requests/s
	Limit      float64 // requests/s that the load generator keeps to; zero means none
	Cores      int     // of a member; zero means not known
}

// PerfResult returns the Benchmark of `etcdctl check perf --load=load` with the writes/s that it
// printed. load is "s" (150 writes/s of 50 clients), "m" (1,000 of 200), "l" (8,000 of 500) or "xl"
// (15,000 of 1,000). Each writes 1,024 bytes to a key of 276.
func PerfResult(load string, throughput float64) (Benchmark, error) {
	for _, level := range perfLevels {
		if level.Name == load {
			return Benchmark{
				Clients: level.Clients, Op: Op{Key: perfKey, Value: perfValue}, Throughput: throughput,
				Limit: float64(level.Rate),
			}, nil
		}
	}
	return Benchmark{}, bad("load", fmt.Sprintf("%.20q", load), `"s", "m", "l" or "xl"`)
}

// throughputLine matches the line of `etcdctl check perf`, passed or failed, or of etcd's
// tools/benchmark.
var throughputLine = regexp.MustCompile(
	`Throughput is (\d+) writes/s|Throughput too low: (\d+) writes/s|Requests/sec:\s*([0-9.]+)`,
)

// ReadThroughput returns the requests/s in the output of `etcdctl check perf` or of etcd's
// tools/benchmark. It returns an error if there is none, and for two of them.
func ReadThroughput(r io.Reader) (float64, error) {
	var found []float64
	lines := bufio.NewScanner(io.LimitReader(r, 16<<20))
	lines.Buffer(nil, 1<<20) // a progress bar is one line
	for lines.Scan() {
		for _, m := range throughputLine.FindAllStringSubmatch(lines.Text(), -1) {
			x, err := strconv.ParseFloat(cmp.Or(m[1], m[2], m[3]), 64)
			if err != nil || x <= 0 {
				return 0, bad("throughput", cmp.Or(m[1], m[2], m[3]), "a number > 0")
			}
			found = append(found, x)
		}
	}
	if err := lines.Err(); err != nil {
		return 0, fmt.Errorf("etcdmodel: benchmark output: %w", err)
	}
	if len(found) != 1 {
		return 0, bad(
			"benchmark output", fmt.Sprintf("one of %d throughputs", len(found)),
			"one of `etcdctl check perf` or tools/benchmark",
		)
	}
	return found[0], nil
}

// leastFactor and mostFactor bound the processor times that a benchmark can show, against the test
// machine's.
const leastFactor, mostFactor = 0.02, 50.0

// CPUFromBenchmark returns the processor times with which the model has the benchmark's
// throughput: the test machine's, all multiplied by one factor. It returns an error if no factor
// does, or if the processor does not bind: more clients are wanted then, or a faster disk.
//
// A load generator that reached its Limit shows a bound only. The answer is then the test machine,
// or a faster one if that is too slow for the Limit.
func CPUFromBenchmark(b Benchmark) (CPU, error) {
	if err := b.check(); err != nil {
		return CPU{}, err
	}
	if b.Limit > 0 && b.Throughput > 0.9*b.Limit && b.at(1) >= b.Throughput {
		return b.cpu(1), nil
	}
	low, high := b.bracket()
	if b.at(low) < b.Throughput {
		low = leastFactor
		if most := b.at(low); most < b.Throughput {
			return CPU{}, bad(
				"Benchmark.Throughput", b.Throughput, fmt.Sprintf("<= %.0f, the most on these disks with any processor", most),
			)
		}
	}
	for high/low > 1.005 {
		if x := math.Sqrt(low * high); b.at(x) >= b.Throughput {
			low = x
		} else {
			high = x
		}
	}
	if slower := b.at(2 * low); slower > 0.9*b.Throughput {
		return CPU{}, bad(
			"Benchmark.Throughput", b.Throughput,
			"one that the processor bounds: more clients (a processor half as fast would have "+
				strconv.FormatFloat(slower, 'f', 0, 64)+"/s)",
		)
	}
	return b.cpu(low), nil
}

// bracket returns two factors about that with which the closed form has the throughput.
func (b Benchmark) bracket() (low, high float64) {
	low, high = leastFactor, mostFactor
	for range 12 {
		x := math.Sqrt(low * high)
		b.Cluster.CPU = b.cpu(x)
		p, err := Estimate(b.Cluster, Load{Clients: b.Clients, Op: b.Op, LeaderOnly: b.LeaderOnly})
		if err == nil && p.Throughput >= b.Throughput {
			low = x
		} else {
			high = x
		}
	}
	return math.Max(leastFactor, low/1.5), math.Min(mostFactor, high*1.5)
}

func (b Benchmark) cpu(x float64) CPU {
	if b.Cores > 0 {
		return DefaultCPU().onCores(x, b.Cores)
	}
	return DefaultCPU().Scaled(x)
}

func (b Benchmark) check() error {
	if b.Clients < 1 {
		return bad("Benchmark.Clients", b.Clients, fmt.Sprintf("1 to %d", maxClients))
	}
	if !(b.Throughput > 0) {
		return bad("Benchmark.Throughput", b.Throughput, "> 0 requests/s")
	}
	if err := checkAll("Benchmark", benchmarkLimits, &b); err != nil {
		return err
	}
	if err := b.Op.Check("Benchmark.Op"); err != nil {
		return err
	}
	b.Cluster.CPU = CPU{}
	return b.Cluster.Check()
}

// at returns the throughput in simulation with the test machine's processor times multiplied by x.
func (b Benchmark) at(x float64) float64 {
	c := b.Cluster
	c.CPU = b.cpu(x)
	s := newSimulation(c, Load{Clients: b.Clients, Op: b.Op, LeaderOnly: b.LeaderOnly, RoundRobin: true})
	// Every client has its answers to some thirty requests, unless that takes long.
	span := math.Min(math.Max(0.6, 30*float64(b.Clients)/b.Throughput), 10)
	s.e.run(int64(span / 3 * 1e9))
	s.measure()
	s.e.run(s.e.now + int64(span*1e9))
	return float64(s.written+s.read) / span
}
