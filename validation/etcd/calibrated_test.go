package etcd

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/slowdisk"
)

// calibrated is what Calibrate made of a test's disks, by delay: each delay is measured once in a run.
type calibrated map[time.Duration]etcdmodel.Disk

// slowed gives a disk a delay and says what the model is told of it.
func (c calibrated) slowed(ctx context.Context, t *testing.T, disk *slowdisk.Disk, delay time.Duration) etcdmodel.Disk {
	t.Helper()
	require.NoError(t, disk.SetDelay(delay))
	d, ok := c[delay]
	if !ok {
		var err error
		d, err = etcdmodel.Calibrate(ctx, disk.Dir())
		require.NoError(t, err)
		c[delay] = d
	}
	return d
}
