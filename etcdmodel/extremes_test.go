package etcdmodel

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Inputs at their bounds give an error or finite, ordered answers. Each call ends.
func TestReadsAndWatchersAtTheirBounds(t *testing.T) {
	read := Op{Kind: Range, Key: 40, Value: 500, Puts: 3}
	slow := func(c CPU) Cluster { return Cluster{CPU: c} }
	century := 100 * 365 * 24 * time.Hour
	for _, c := range []Cluster{
		{}, {Network: 5e-324}, {Network: 1}, {Network: math.MaxFloat64}, slow(CPU{Cores: maxCores}), slow(CPU{Read: century}),
		slow(CPU{ReadWake: century}), slow(CPU{Event: century}), slow(CPU{Read: 1, ReadIndex: 1, ReadPerKiB: 1, ReadWake: 1}),
		{State: State{Keys: math.MaxInt, Total: math.MaxInt64}}, {SnapshotCount: math.MaxInt, Version: V3_5}, {Patch: 999},
	} {
		for _, l := range []Load{
			{Clients: 3, Op: read},
			{Clients: 2, Op: Op{Kind: SerializableRange, Value: math.MaxInt, Puts: math.MaxInt}},
			{Clients: 2, Op: Op{Key: 9}, Watchers: maxWatchers},
			{Clients: 2, Op: Op{Key: 9}, Watchers: maxWatchers, WatchStreams: maxWatchers},
			{Clients: 1, Op: read, Streams: []Stream{{Op: Op{Key: 9}, Rate: 50, Watchers: 7}, {Op: read, Rate: 1e-9}}},
		} {
			l.For = 300 * time.Millisecond
			for _, predict := range []func(Cluster, Load) (Prediction, error){Predict, Estimate} {
				p, err := predict(c, l)
				if err != nil {
					assert.ErrorIs(t, err, ErrInput)
					continue
				}
				for _, x := range []float64{
					p.Throughput, p.Writes, p.Sustainable, p.Fanout.Events, p.Fanout.Bytes, p.Fanout.Behind, p.Fanout.Processor,
				} {
					assert.False(t, math.IsNaN(x) || x < 0, "%+v %+v: %v", c, l, p)
				}
				for _, x := range []int64{p.Memory.Resident, p.Memory.Index, p.Memory.Log, p.Memory.Pages, p.Memory.Watchers} {
					assert.GreaterOrEqual(t, x, int64(0), "%+v", c)
				}
				for _, d := range []time.Duration{
					p.Recovery.Restart, p.Recovery.CatchUpLog, p.Recovery.CatchUpSnapshot, p.Recovery.Restore,
					p.Reads.P99, p.Commit.P99,
				} {
					assert.GreaterOrEqual(t, d, time.Duration(0), "%+v", c)
				}
			}
		}
	}
}
