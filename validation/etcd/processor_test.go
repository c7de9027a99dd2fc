package etcd

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/harness"
	"github.com/redline-go/redline/validation/internal/lost"
)

// busyLoad keeps the processors busy and the disk idle, so that etcd's throughput is the speed of
// the machine. It is in no table.
var busyLoad = etcdmodel.Load{Clients: 50, Op: etcdmodel.Op{Kind: etcdmodel.Put, Key: key, Value: 1024}}

// calibrateProcessor returns the model's processor times on this machine. They are those of the
// reference machine, all stretched by one factor. With that factor the model has the throughput
// that busyLoad has here, with fdatasyncs as long as this etcd reports them.
//
// Three members here share two processors, and a virtual machine's differ from one hour to the
// next by more than the budgets. The factor is the median of three seconds, the calmest of up to
// nine where others are on the processors.
func calibrateProcessor(ctx context.Context, t *testing.T, c *harness.Cluster) etcdmodel.CPU {
	t.Helper()
	type second struct {
		harness.Measured
		others float64
	}
	var all []second
	for calm := 0; calm < 3 && len(all) < 9; {
		before := lost.ReadProcessor()
		m, err := c.Run(ctx, busyLoad, 400*time.Millisecond, time.Second)
		require.NoError(t, err)
		all = append(all, second{m, lost.ReadProcessor().OthersSince(before)})
		if all[len(all)-1].others < 0.1 {
			calm++
		}
	}
	slices.SortStableFunc(all, func(a, b second) int { return cmp.Compare(a.others, b.others) })
	slices.SortStableFunc(all[:3], func(a, b second) int { return cmp.Compare(a.Throughput, b.Throughput) })
	all[0], all[1] = all[1], all[0] // the median first; another where that was so disturbed that no processor explains it
	for _, one := range all {
		if x, ok := processorFactor(t, c, one.Measured); ok {
			t.Logf(
				"%d clients write %.0f/s here: processor times are %.2f of the reference machine's", busyLoad.Clients,
				one.Throughput, x,
			)
			return etcdmodel.DefaultCPU().Scaled(x)
		}
	}
	require.Fail(
		t, "no factor of the processor times", "from %v to %v, gives what %d clients write: %.0f/s", leastFactor,
		mostFactor, busyLoad.Clients, all[0].Throughput,
	)
	return etcdmodel.CPU{}
}

const leastFactor, mostFactor = 0.1, 20.0

// processorFactor returns the factor with which the model has a measured throughput.
func processorFactor(t *testing.T, c *harness.Cluster, m harness.Measured) (float64, bool) {
	t.Helper()
	disk := etcdmodel.FixedDisk(time.Duration(m.Fsync.Mean() * float64(time.Second)))
	cluster := etcdmodel.Cluster{Version: c.Model(), Members: len(c.URLs), Disks: []etcdmodel.Disk{disk}}
	low, high := searchFactor(t, cluster, busyLoad, m.Throughput)
	return low, leastFactor < low && high < mostFactor
}

// searchFactor searches the factor of the reference machine's processor times with which the model
// has a throughput, and returns the last bounds.
func searchFactor(t *testing.T, c etcdmodel.Cluster, l etcdmodel.Load, throughput float64) (low, high float64) {
	t.Helper()
	low, high = leastFactor, mostFactor
	for range 16 {
		x := (low + high) / 2
		c.CPU = etcdmodel.DefaultCPU().Scaled(x)
		p, err := etcdmodel.Predict(c, l)
		require.NoError(t, err)
		if p.Throughput > throughput {
			low = x
		} else {
			high = x
		}
	}
	return low, high
}
