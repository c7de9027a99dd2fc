package etcd

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/slowdisk"
)

// calibrated holds what Calibrate returned for a test's disks, by delay. Each delay is measured
// once in a run.
type calibrated map[time.Duration]etcdmodel.Disk

// slowed gives a disk a delay and says what the model is told of it.
func (c calibrated) slowed(ctx context.Context, t *testing.T, disk *slowdisk.Disk, delay time.Duration) etcdmodel.Disk {
	t.Helper()
	require.NoError(t, disk.SetDelay(delay))
	d, ok := c[delay]
	if !ok {
		d = calibrate(ctx, t, disk, delay)
		c[delay] = d
	}
	return d
}

// stall is the time beyond its delay that an fdatasync takes when the machine's own disk stands
// still.
const stall = 100 * time.Millisecond

// calibrate measures a disk. If one of its few hundred fdatasyncs stood still, it measures twice
// more and takes the disk in the middle: a disk that does that all the time has it there too.
func calibrate(ctx context.Context, t *testing.T, disk *slowdisk.Disk, delay time.Duration) etcdmodel.Disk {
	t.Helper()
	var all []etcdmodel.Disk
	for len(all) == 0 || len(all) < 3 && longest(all[0]) > delay+stall {
		d, err := etcdmodel.Calibrate(ctx, disk.Dir())
		require.NoError(t, err)
		all = append(all, d)
	}
	if len(all) > 1 {
		t.Logf("an fdatasync took %v on a disk of %v: calibrated %d times", longest(all[0]), delay, len(all))
	}
	slices.SortFunc(all, func(a, b etcdmodel.Disk) int { return cmp.Compare(a.FsyncMean(), b.FsyncMean()) })
	return all[len(all)/2]
}

// longest returns the longest fdatasync that was measured.
func longest(d etcdmodel.Disk) time.Duration { return d.Fsync[len(d.Fsync)-1].Latency }
