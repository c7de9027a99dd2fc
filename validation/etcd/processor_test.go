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
)

// busyLoad keeps the processors busy and the disk idle: what etcd then does in a second is the speed of the machine. It is in no
// table.
var busyLoad = etcdmodel.Load{Clients: 50, Op: etcdmodel.Op{Kind: etcdmodel.Put, Key: key, Value: 1024}}

// calibrateProcessor is the model's processor times on this machine: those of the reference machine, all stretched by
// the one factor with which the model has the throughput that busyLoad has here, the fdatasyncs being as long as this etcd
// says they were. Three members here share two processors, and a virtual machine's differ from one hour to the next by more than
// the budgets.
func calibrateProcessor(ctx context.Context, t *testing.T, c *harness.Cluster) etcdmodel.CPU {
	t.Helper()
	var runs []harness.Measured
	for range 3 { // the median of three: a second in which the machine was busy is not what it is like
		m, err := c.Run(ctx, busyLoad, 400*time.Millisecond, time.Second)
		require.NoError(t, err)
		runs = append(runs, m)
	}
	slices.SortFunc(runs, func(a, b harness.Measured) int { return cmp.Compare(a.Throughput, b.Throughput) })
	m := runs[1]
	disk := etcdmodel.FixedDisk(time.Duration(m.Fsync.Mean() * float64(time.Second)))
	const least, most = 0.1, 20.0
	low, high := least, most
	for range 16 {
		x := (low + high) / 2
		p, err := etcdmodel.Predict(etcdmodel.Cluster{Version: c.Model(), Members: len(c.URLs), Disks: []etcdmodel.Disk{disk}, CPU: etcdmodel.DefaultCPU().Scaled(x)}, busyLoad)
		require.NoError(t, err)
		if p.Throughput > m.Throughput {
			low = x
		} else {
			high = x
		}
	}
	require.True(t, least < low && high < most, "%d clients write %.0f/s: no factor of the processor times from %v to %v gives that", busyLoad.Clients, m.Throughput, least, most)
	t.Logf("%d clients write %.0f/s here: processor times are %.2f of the reference machine's", busyLoad.Clients, m.Throughput, low)
	return etcdmodel.DefaultCPU().Scaled(low)
}
