package etcdmodel

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nodes returns a population with thirty pods a node, a fifth of which is replaced in an hour.
func nodes(n int) Population { return Population{Nodes: n, Pods: 30 * n, Churn: 6 * float64(n)} }

// published are the four examples of etcd's hardware page (etcd.io/docs/v3.6/op-guide/hardware):
// nodes of a Kubernetes cluster, the least data and memory in GB, and its text on disks: typically
// 50 sequential IOPS, for heavily loaded clusters 500. fio's recipe asks for an fdatasync p99 of
// 10 ms.
var published = []struct {
	name         string
	nodes        int
	fsyncs       float64
	data, memory float64
}{
	{"small", 50, 50, 0.1, 8}, {"medium", 250, 50, 0.5, 16}, {"large", 1000, 500, 1, 32}, {"xlarge", 3000, 500, 1, 64},
}

// TestSizeForBesidePublished compares with etcd's hardware page. Its disks hold what they are
// recommended for. They are several times quicker than the verdict needs: the page leaves room for
// latency and growth and has no limit, the verdict's p99 is one second.
func TestSizeForBesidePublished(t *testing.T) {
	for _, x := range published {
		disk := FixedDisk(time.Duration(1e9 / x.fsyncs))
		s, err := SizeFor(nodes(x.nodes), disk)
		require.NoError(t, err)
		quick := nodes(x.nodes)
		quick.Limits.P99 = 100 * time.Millisecond
		tight, err := SizeFor(quick, disk)
		require.NoError(t, err)
		t.Logf("%-7s %4d nodes: fsyncs/s %5.1f (p99 of writes 1 s), %5.1f (100 ms), published %3.0f: ratios %.2f, %.2f; "+
			"fsync p99 %3.0f ms, published 10; db %4d MB of %3.0f published: %.1f; memory %4d MB of %2.0f GB: %.2f",
			x.name, x.nodes, s.Smallest.Fsyncs, tight.Smallest.Fsyncs, x.fsyncs, s.Smallest.Fsyncs/x.fsyncs,
			tight.Smallest.Fsyncs/x.fsyncs, s.Smallest.P99.Seconds()*1e3, s.Plateau/1e6, x.data*1e3,
			float64(s.Plateau)/1e9/x.data, s.Memory/1e6, x.memory, float64(s.Memory)/1e9/x.memory)
		assert.True(t, s.Holds, "%s: %v", x.name, s.Reasons)
		assert.Less(t, s.Smallest.Fsyncs, x.fsyncs)
		assert.Greater(t, s.Smallest.Fsyncs, x.fsyncs/200)
		assert.Greater(t, tight.Smallest.Fsyncs, s.Smallest.Fsyncs, "a shorter p99 wants a quicker disk")
		assert.Less(t, float64(s.Memory), x.memory*1e9)
		share := float64(s.Plateau) / 1e9 / x.data // the page says "no more than", and of xlarge "more than"
		assert.True(t, 0.1 < share && (share <= 1 || x.name == "xlarge"), "%s: %.2f of its data", x.name, share)
	}
}

// The smallest disk holds and one half as slow again does not. Nearer to the edge chance decides.
func TestSmallestDiskIsTheVerdicts(t *testing.T) {
	for _, d := range Presets() {
		s, err := SizeFor(nodes(100), d)
		require.NoError(t, err)
		assert.Equal(t, s.Smallest.Factor >= 1, s.Holds, "%s: %v", d.Name, s.Reasons)
		edge := func(x float64) Prediction {
			c := s.Cluster
			c.Quota = mostSize
			c.Disks = []Disk{s.Smallest.Disk.slowed(x)}
			return must(t, Predict, c, nodes(100).grown())
		}
		assert.True(t, edge(1).Holds, "%s: %v", d.Name, edge(1).Reasons)
		assert.False(t, edge(1.5).Holds, d.Name)
		assert.InEpsilon(t, 1/s.Smallest.Disk.FsyncMean().Seconds(), s.Smallest.Fsyncs, 1e-9)
	}
}

// More of anything takes no less room, no slower disk and no less memory.
func TestSizeForIsMonotone(t *testing.T) {
	var last Sizing
	for _, n := range []int{10, 100, 1000, 3000} {
		s, err := SizeFor(nodes(n), SATASSD())
		require.NoError(t, err)
		assert.GreaterOrEqual(t, s.Quota, last.Quota)
		assert.Greater(t, s.Plateau, last.Plateau)
		assert.Greater(t, s.Memory, last.Memory)
		assert.GreaterOrEqual(t, s.Smallest.Fsyncs*1.15, last.Smallest.Fsyncs)
		assert.LessOrEqual(t, float64(s.Peak), full*float64(s.Quota))
		assert.LessOrEqual(t, s.Objects, s.Plateau)
		last = s
	}
}

// What no stream writes is in the db, too; too much of it wants a quota beyond what etcd suggests,
// and a disk that is too slow is not blamed on it.
func TestSizeForManyObjects(t *testing.T) {
	p := nodes(100)
	p.Others = []Objects{
		{Name: "crd", Count: 1_000_000, Bytes: 10_000}, {Name: "secrets", Count: 1000, Bytes: 2000, Updates: 1},
	}
	s, err := SizeFor(p, NVMe())
	require.NoError(t, err)
	assert.True(t, s.Holds, "%v", s.Reasons)
	assert.Greater(t, s.Plateau, int64(10_000_000_000))
	assert.Equal(t, int64(16<<30), s.Quota)
	require.NotEmpty(t, s.Warnings)
	require.ErrorContains(t, s.Warnings[0], "etcd suggests 8 GiB at most")
	alone, err := SizeFor(nodes(100), NVMe())
	require.NoError(t, err)
	assert.InEpsilon(t, alone.Smallest.Fsyncs, s.Smallest.Fsyncs, 0.5)

	p.Others[0].Count = 300_000 // compacting more often does not help what does not change
	p.Others = append(p.Others, Objects{Name: "status", Count: 100, Bytes: 100_000, Updates: 60})
	s, err = SizeFor(p, NVMe())
	require.NoError(t, err)
	assert.Equal(t, int64(8<<30), s.Quota)
	assert.Equal(t, 2*time.Minute, s.CompactEvery)
}

// A disk too slow for the population does not hold, and one that would is named.
func TestSizeForASlowDisk(t *testing.T) {
	s, err := SizeFor(nodes(10), FixedDisk(2*time.Second))
	require.NoError(t, err)
	assert.False(t, s.Holds)
	assert.NotEmpty(t, s.Reasons)
	assert.Less(t, s.Smallest.Factor, 1.0)
	assert.Positive(t, s.Smallest.Factor)
}

func TestSizeForBadInput(t *testing.T) {
	for want, p := range map[string]Population{
		"Population.Nodes is -1, want >= 0":                   {Nodes: -1},
		"Population.Churn is NaN, want 0, or 0.001 to 1e+09":  {Churn: math.NaN()},
		"Population.Others[0].Bytes is -1":                    {Others: []Objects{{Bytes: -1}}},
		"Population.Cluster.Quota is set, want zero":          {Cluster: Cluster{Quota: 1}},
		"Cluster.Members is 10, want <= 9":                    {Cluster: Cluster{Members: 10}},
		"SizeForContext takes more":                           {Nodes: 200_000},
		"Population.Margin is 0.5, want 0, or 1 to 100":       {Margin: 0.5},
		"Load.Limits.P99 is -1ns, want >= 0":                  {Limits: Limits{P99: -1}},
		"Population.LeaseEvery is 1ms, want 0, or 1s to 1h0m": {LeaseEvery: time.Millisecond},
	} {
		_, err := SizeFor(p, NVMe())
		require.ErrorIs(t, err, ErrInput, want)
		assert.ErrorContains(t, err, want)
	}
	_, err := SizeFor(Population{}, Disk{Bandwidth: -1})
	require.ErrorIs(t, err, ErrInput)
	_, err = SizeForContext(&countdown{context.Background(), 100}, nodes(1000), NVMe())
	require.ErrorIs(t, err, context.Canceled)
}

// Each numeric field of a population takes hostile values, as those of a cluster and a load do.
func TestHostilePopulation(t *testing.T) {
	ordinary := func() Population {
		p := nodes(5)
		p.Others = []Objects{{Count: 10, Bytes: 100, Updates: 1, Churn: 0.1}}
		return p
	}
	asked := 0
	fields := eachHostile(ordinary, func(what string, p Population) {
		s := Sizing{Cluster: p.Cluster, Load: p.load()}
		err := p.Check()
		if asked++; err == nil && asked%oneIn(12) > 0 { // the whole takes its time
			s.room(p)
			s.Prediction, err = Estimate(s.Cluster, p.grown())
			require.NoError(t, err, what)
		} else if s, err = SizeFor(p, NVMe()); err != nil {
			require.ErrorIs(t, err, ErrInput, what)
			return
		}
		s.Prediction.DB.Plateau, s.Prediction.DB.QuotaIn = 0, 0 // may be -1
		requireSane(t, what, s)
	})
	require.Greater(t, fields, 40)
}

// TestCheckPerf: the levels are a ladder, and each limit of the command is one of the model's.
func TestCheckPerf(t *testing.T) {
	passed := func(c Cluster) (names []string) {
		levels, err := CheckPerf(context.Background(), c)
		require.NoError(t, err)
		require.Len(t, levels, 4)
		for _, l := range levels {
			assert.Equal(t, l.Pass, l.Why == "")
			if l.Pass {
				names = append(names, l.Name)
			}
		}
		return names
	}
	quick := DefaultCPU().Scaled(0.25) // that of the machines of etcd's performance page
	assert.Equal(t, []string{"s", "m", "l", "xl"}, passed(Cluster{CPU: quick}))
	assert.Equal(t, []string{"s", "m", "l"}, passed(Cluster{}))
	assert.Equal(t, []string{"s", "m"}, passed(Cluster{Disks: []Disk{HDD7200()}}))
	assert.Empty(t, passed(Cluster{Disks: []Disk{FixedDisk(200 * time.Millisecond)}}))
	_, err := CheckPerf(context.Background(), Cluster{Members: -1})
	require.ErrorIs(t, err, ErrInput)
}

// The deviation is that of the durations counted, to the width of a bin.
func TestDeviation(t *testing.T) {
	h := newLatencies()
	assert.Zero(t, h.deviation())
	for range 100 {
		h.add(int64(10 * time.Millisecond))
		h.add(int64(30 * time.Millisecond))
	}
	assert.InEpsilon(t, 10*time.Millisecond, h.deviation(), 0.02)
}

func BenchmarkSizeFor(b *testing.B) {
	for _, n := range []int{100, 5000} {
		b.Run(fmt.Sprintf("%d nodes", n), func(b *testing.B) {
			for b.Loop() {
				_, err := SizeFor(nodes(n), NVMe())
				require.NoError(b, err)
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/sizing")
		})
	}
}
