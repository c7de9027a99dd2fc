package scheduler_test

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/scheduler"
	"github.com/redline-go/redline/validation/oracle"
)

// The peers of a benchmark run once, in the same run, and their results are kept: the oracle needs
// over a minute at (c).
type peers struct {
	loop, oracle oracle.Result
}

var measured = map[string]*peers{}

// peersOf measures the real scheduler loop and the pinned oracle; the loop only where it makes
// sense.
func peersOf(b *testing.B, c oracle.Cluster, loop bool) *peers {
	if p, ok := measured[c.Name]; ok {
		return p
	}
	p := &peers{}
	var err error
	if loop {
		p.loop, err = oracle.Loop(b.Context(), c.Objects, c.Pod, c.Want)
		require.NoError(b, err)
	}
	p.oracle, err = oracle.Run(b.Context(), c.Objects, c.Pod, c.Want, oracle.Options{})
	require.NoError(b, err)
	runtime.GC()
	measured[c.Name] = p
	return p
}

// race places a workload over and over. It reports pods/s, the ratio to the peers, and the peak
// memory of the process while it ran.
func race(b *testing.B, c oracle.Cluster, loop, peer bool) {
	var p *peers
	if peer {
		p = peersOf(b, c, loop)
	}
	s, err := capacity.NewSnapshot(c.Objects...)
	require.NoError(b, err)
	e, err := scheduler.New(scheduler.Config{})
	require.NoError(b, err)
	start := time.Now()
	_, answer, err := e.Place(context.Background(), s, workload(c.Pod, c.Want))
	require.NoError(b, err)
	first := time.Since(start)
	runtime.GC()
	resetPeak()
	for b.Loop() {
		if _, answer, err = e.Place(context.Background(), s, workload(c.Pod, c.Want)); err != nil {
			b.Fatal(err)
		}
	}
	per := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(float64(answer.Fits)/per.Seconds(), "pods/s")
	b.ReportMetric(float64(first)/1e6, "first-ms")
	b.ReportMetric(peakMiB(), "peak-MiB")
	if peer {
		require.Len(b, p.oracle.Nodes, answer.Fits)
		b.ReportMetric(p.oracle.Elapsed.Seconds()/per.Seconds(), "x-oracle")
		b.ReportMetric(p.oracle.Elapsed.Seconds(), "oracle-s")
	}
	if loop && peer {
		require.Len(b, p.loop.Nodes, answer.Fits)
		b.ReportMetric(p.loop.Elapsed.Seconds()/per.Seconds(), "x-loop")
		b.ReportMetric(p.loop.Elapsed.Seconds(), "loop-s")
	}
}

func BenchmarkBulk(b *testing.B) {
	for _, c := range []func() oracle.Cluster{oracle.A, oracle.B, oracle.C} {
		c := c()
		b.Run(c.Name, func(b *testing.B) { race(b, c, true, true) })
	}
}

// BenchmarkAlone runs the engine without its peers, for profiles.
func BenchmarkAlone(b *testing.B) {
	for _, c := range []struct {
		name string
		// It is made when its turn comes: the pods of all would count in each other's peak.
		make func() oracle.Cluster
	}{
		{"a", oracle.A}, {"b", oracle.B}, {"c", oracle.C},
		{"spread-1000x1000", func() oracle.Cluster { return spread(1000, 1000) }},
		{"spread-5000x5000", func() oracle.Cluster { return spread(5000, 5000) }},
		{"apart-5000x5000", func() oracle.Cluster { return apart(5000, 5000) }},
		{"serviced-5000x5000", func() oracle.Cluster { return serviced(5000, 5000) }},
	} {
		b.Run(c.name, func(b *testing.B) { race(b, c.make(), false, false) })
	}
}

// spread returns n nodes, room for more than want replicas, zone and hostname spread of skew 1.
func spread(n, want int) oracle.Cluster {
	c := oracle.Bulk("spread-"+strconv.Itoa(n)+"x"+strconv.Itoa(want), n, want, 0, func(int) int { return 4 })
	c.Pod.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{
		{MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.DoNotSchedule,
			LabelSelector: web},
		{MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: web},
	}
	return c
}

var web = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}

// apart returns a workload with anti-affinity on hostname.
func apart(n, want int) oracle.Cluster {
	c := oracle.Bulk("apart-"+strconv.Itoa(n)+"x"+strconv.Itoa(want), n, want, 0, func(int) int { return 4 })
	c.Pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
			{TopologyKey: corev1.LabelHostname, LabelSelector: web}}}}
	return c
}

// serviced has a service, so that the default spread constraints score.
func serviced(n, want int) oracle.Cluster {
	c := oracle.Bulk("serviced-"+strconv.Itoa(n)+"x"+strconv.Itoa(want), n, want, 0, func(int) int { return 4 })
	c.Objects = append(c.Objects, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
		Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "web"}}})
	return c
}

func BenchmarkSpread(b *testing.B) {
	race(b, spread(1000, 1000), false, true)
}

func BenchmarkExplain(b *testing.B) {
	c := oracle.C()
	s, err := capacity.NewSnapshot(c.Objects...)
	require.NoError(b, err)
	e, err := scheduler.New(scheduler.Config{})
	require.NoError(b, err)
	start := time.Now()
	_, err = e.Explain(context.Background(), s, c.Pod)
	require.NoError(b, err)
	first := time.Since(start)
	defer func() { b.ReportMetric(float64(first)/1e6, "first-ms") }()
	for b.Loop() {
		if _, err := e.Explain(context.Background(), s, c.Pod); err != nil {
			b.Fatal(err)
		}
	}
}

// resetPeak and peakMiB read the high-water mark of the resident memory, where Linux has one.
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

func peakMiB() float64 {
	data, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
			kb, _ := strconv.ParseFloat(f[1], 64)
			return kb / 1024
		}
	}
	return 0
}
