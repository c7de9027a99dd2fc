package etcd

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/harness"
	"github.com/redline-go/redline/validation/internal/lost"
)

// A cell is one point of a grid: a load on an etcd whose disks have a delay.
type cell struct {
	delay   time.Duration
	clients int     // closed
	rate    float64 // open, where clients is 0
	value   int     // bytes
	fitted  bool    // a coefficient of the model was fitted to this point, or to one like it
}

func (c cell) op() etcdmodel.Op { return etcdmodel.Op{Kind: etcdmodel.Put, Key: key, Value: c.value} }

func (c cell) load() etcdmodel.Load {
	if c.clients > 0 {
		return etcdmodel.Load{Clients: c.clients, Op: c.op()}
	}
	return etcdmodel.Load{Streams: []etcdmodel.Stream{{Name: "puts", Op: c.op(), Rate: c.rate}}}
}

func (c cell) String() string {
	if c.clients > 0 {
		return fmt.Sprintf("%d clients", c.clients)
	}
	return fmt.Sprintf("%.0f/s", c.rate)
}

// A result holds the figures of one cell. Times are in ms.
type result struct {
	throughput, p50, p99, opsFsync, walBytes pair
}

// outcome sets measurement beside prediction.
func outcome(m harness.Measured, p etcdmodel.Prediction) result {
	return result{
		throughput: pair{m.Throughput, p.Throughput},
		p50:        pair{millis(m.Quantile(0.5)), millis(p.Commit.P50)},
		p99:        pair{millis(m.Quantile(0.99)), millis(p.Commit.P99)},
		opsFsync:   pair{m.OpsPerFsync, p.OpsPerFsync},
		walBytes:   pair{m.WALBytesOp, p.WALBytesOp},
	}
}

// repeats is the number of measurements of a cell whose first one is far from the prediction. The
// median counts, so that neither a hiccup of the machine nor a lucky hit decides.
const repeats = 3

// measure drives a cell, again if the first time is outside the budgets, and notes how far the
// repeats are apart.
func measure(
	ctx context.Context, t *testing.T, c *harness.Cluster, load etcdmodel.Load, p etcdmodel.Prediction,
	into *comparison, warm, seconds time.Duration,
) (result, harness.Measured) {
	t.Helper()
	var results []result
	var last harness.Measured
	for len(results) == 0 || len(results) < repeats && results[0].far() && into.again() {
		last = governed(ctx, t, c, load, into, warm, seconds)
		results = append(results, outcome(last, p))
	}
	return middle(results, into), last
}

// tries is the number of times that a run is made again in which the machine was elsewhere. If
// that was for a second the leader may have changed: requests fail in an election, and afterwards
// another member with another disk leads.
const tries = 3

// mostRetried is the number of runs that one table makes again at most, since a machine may be
// elsewhere all the time.
const mostRetried = 25

// governed drives a cell while the first member leads, and gives the least disturbed of its tries.
func governed(
	ctx context.Context, t *testing.T, c *harness.Cluster, load etcdmodel.Load, into *comparison, warm,
	seconds time.Duration,
) (best harness.Measured) {
	t.Helper()
	var least time.Duration
	var others float64
	for try := range tries {
		require.NoError(t, c.Lead(ctx, 0))
		before, watch := lost.ReadProcessor(), lost.Start()
		m, err := c.Run(ctx, load, warm, seconds)
		gone := watch.Stop().Gone()
		require.NoError(t, err)
		if m.LeaderChanges > 0 || m.Errors > 0 {
			gone += seconds
		}
		if try == 0 || gone < least {
			best, least, others = m, gone, lost.ReadProcessor().OthersSince(before)
		}
		if least == 0 || try == tries-1 || into.retried == mostRetried {
			break
		}
		into.retried++
		t.Logf("%v of a run lost, %v leader changes, %d requests failed: measured again", gone, m.LeaderChanges, m.Errors)
	}
	require.Zero(t, best.Errors, "requests that failed")
	into.others = append(into.others, others)
	return best
}

// again reports whether there is time for another repeat: a run on a busy machine has its limit
// too.
func (c *comparison) again() bool {
	c.extra++
	return long() || c.extra <= mostExtra
}

// mostExtra is the number of repeats that the short form makes in all.
const mostExtra = 10

// far reports whether a cell is worth a second look.
func (r result) far() bool {
	return r.throughput.err() > 0.15 || r.p50.err() > 0.15 || r.p99.err() > 0.35 || r.opsFsync.err() > 0.10
}

// middle returns the median of each quantity over the repeats of a cell.
func middle(results []result, into *comparison) result {
	each := func(name string, of func(result) pair) pair {
		var x []float64
		for _, r := range results {
			x = append(x, of(r).measured)
		}
		m := median(x)
		if len(x) > 1 {
			into.spread[name] = append(into.spread[name], spread(x)/2)
		}
		return pair{m, of(results[0]).predicted}
	}
	return result{
		throughput: each("throughput", func(r result) pair { return r.throughput }),
		p50:        each("p50", func(r result) pair { return r.p50 }),
		p99:        each("p99", func(r result) pair { return r.p99 }),
		opsFsync:   each("ops/fsync", func(r result) pair { return r.opsFsync }),
		walBytes:   each("WAL bytes", func(r result) pair { return r.walBytes }),
	}
}

// spread returns the range of some measurements over their median.
func spread(x []float64) float64 {
	least := x[0]
	for _, v := range x {
		least = min(least, v)
	}
	return (worst(x) - least) / median(x)
}
