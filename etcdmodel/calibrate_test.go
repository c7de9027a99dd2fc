//go:build !js

package etcdmodel

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A calibrated disk is a valid input, says how it was measured, and leaves nothing behind.
func TestCalibrate(t *testing.T) {
	dir := t.TempDir()
	d, err := Calibrate(context.Background(), dir)
	require.NoError(t, err)
	require.NoError(t, d.Check("Disk"))
	assert.Contains(t, d.Source, "appends of 2300 bytes")
	assert.Positive(t, d.FsyncMean())
	assert.GreaterOrEqual(t, len(d.Fsync), 3)
	assert.LessOrEqual(t, d.FsyncQuantile(0.5), d.FsyncQuantile(0.99))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
	t.Log(d)
}

// Cancelled, it returns the context's error and leaves nothing behind either.
func TestCalibrateCancelled(t *testing.T) {
	for _, after := range []time.Duration{0, 300 * time.Millisecond} {
		dir := t.TempDir()
		ctx, cancel := context.WithTimeout(context.Background(), after)
		_, err := Calibrate(ctx, dir)
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Empty(t, left)
	}
}

func TestCalibrateNowhere(t *testing.T) {
	_, err := Calibrate(context.Background(), t.TempDir()+"/none")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// The knots of a sample are those of its distribution, as many as it can support.
func TestKnotsOf(t *testing.T) {
	var sample []time.Duration
	for i := range 1000 {
		sample = append(sample, time.Duration((i*7)%1000)*time.Millisecond) // a permutation of 0..999 ms
	}
	knots := knotsOf(sample)
	require.NoError(t, checkKnots("Disk.Fsync", knots))
	for _, k := range knots {
		assert.InDelta(t, k.P*1000, float64(k.Latency.Milliseconds()), 1)
	}
	assert.Len(t, knotsOf(sample[:3]), 3) // least, median, most
	assert.Len(t, knotsOf(sample[:1]), 2)
	assert.Nil(t, knotsOf(nil))
}
