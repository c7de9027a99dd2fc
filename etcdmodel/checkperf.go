package etcdmodel

import (
	"context"
	"fmt"
	"math"
	"time"
)

// PerfLevel is one level of `etcdctl check perf`, as a cluster would pass or fail it.
type PerfLevel struct {
	Name    string // s, m, l, xl
	Rate    int    // puts/s that it sends
	Clients int    // that share them

	Pass       bool
	Throughput float64       // puts/s
	Slowest    time.Duration // NoSample where the level was not simulated or nothing was answered
	Deviation  time.Duration // standard deviation; the same
	Why        string        // why it fails; empty if it passes
}

// The levels and limits of `etcdctl check perf` (etcdctl/ctlv3/command/check.go: checkPerfCfgMap
// and the end of newCheckPerfCommand). It puts 1 KiB under keys of 256 bytes behind a prefix of 20,
// for a minute.
var perfLevels = []PerfLevel{
	{Name: "s", Rate: 150, Clients: 50}, {Name: "m", Rate: 1000, Clients: 200},
	{Name: "l", Rate: 8000, Clients: 500}, {Name: "xl", Rate: 15_000, Clients: 1000},
}

const (
	perfKey       = 20 + 256
	perfValue     = 1024
	perfShare     = 0.9 // of Rate
	perfSlowest   = 500 * time.Millisecond
	perfDeviation = 100 * time.Millisecond
	perfRequests  = 9000 // that are simulated, of a level's minute: those of level s
)

// CheckPerf answers which levels of `etcdctl check perf` a cluster would pass. It simulates the
// minute of level s and the first 9,000 puts of the others, so their slowest put is one of fewer.
// It ends with ctx.
func CheckPerf(ctx context.Context, c Cluster) ([]PerfLevel, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	c = c.WithDefaults()
	c.DB, c.State, c.Quota = 0, State{}, mostSize
	out := make([]PerfLevel, 0, len(perfLevels))
	for _, level := range perfLevels {
		if err := level.run(ctx, c); err != nil {
			return nil, err
		}
		out = append(out, level)
	}
	return out, nil
}

func (p *PerfLevel) run(ctx context.Context, c Cluster) error {
	rate := float64(p.Rate)
	l := Load{Streams: []Stream{{Op: Op{Kind: Put, Key: perfKey, Value: perfValue}, Rate: rate}}}
	most, bound := c.sustainable(newMix(c, l, 0), false)
	p.Throughput, p.Slowest, p.Deviation = math.Min(rate, most), NoSample, NoSample
	if most <= perfShare*rate {
		p.Why = fmt.Sprintf("%.0f puts/s can be sustained (%v), want %.0f", most, bound, perfShare*rate)
		return nil
	}
	s := newSimulation(c, l)
	if err := s.drive(ctx, int64(time.Second)); err != nil {
		return err
	}
	s.measure()
	span := math.Min(60, perfRequests/rate)
	if err := s.drive(ctx, s.from+int64(span*1e9)); err != nil {
		return err
	}
	latency := s.commits.latency()
	if latency.N == 0 {
		p.Throughput, p.Why = 0, "no put was answered"
		return nil
	}
	p.Slowest, p.Deviation = latency.Max, s.commits.deviation()
	// Each client waits for its answer: so many puts are under way at most.
	p.Throughput = math.Min(p.Throughput, float64(p.Clients)/latency.Mean.Seconds())
	switch {
	case s.timedOut+s.refusedAll > 0:
		p.Why = "puts time out or are refused"
	case p.Throughput <= perfShare*rate:
		p.Why = fmt.Sprintf("%.0f puts/s, want %.0f: %d clients wait %v each", p.Throughput, perfShare*rate, p.Clients,
			latency.Mean.Round(time.Millisecond))
	case p.Slowest > perfSlowest:
		p.Why = fmt.Sprintf("the slowest put takes %v, want %v at most", p.Slowest.Round(time.Millisecond), perfSlowest)
	case p.Deviation > perfDeviation:
		p.Why = fmt.Sprintf("puts deviate by %v, want %v at most", p.Deviation.Round(time.Millisecond), perfDeviation)
	}
	p.Pass = p.Why == ""
	return nil
}

// deviation returns the standard deviation of the durations, from the middle of each bin.
func (h *latencies) deviation() time.Duration {
	n := h.counts.Total()
	if n == 0 {
		return 0
	}
	mean, sum := h.sum/float64(n), 0.0
	for rank := 1; rank <= n; {
		place, _ := h.counts.At(rank)
		middle := math.Min(float64(place.Low+place.High)/2, h.max)
		sum += float64(place.In) * (middle - mean) * (middle - mean)
		rank += place.In
	}
	return time.Duration(math.Sqrt(sum / float64(n)))
}
