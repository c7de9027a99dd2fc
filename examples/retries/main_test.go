package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "plots")
	var out bytes.Buffer
	require.NoError(t, run(&out, dir, 450, 4*time.Second))
	for _, line := range []string{
		"0      |      450      450       450       475     1377 ",
		"4      |     2700        0         0         0        0      0 " +
			"|     6750        0         0         0        0      0 ",
		"13     |      450        0         0       450      450 ",
		"Events created, at most 10250 alive in etcd, an hour after the end 0",
	} {
		assert.Contains(t, out.String(), line)
	}
	for _, name := range []string{"writes.svg", "writes.png", "attempts.svg", "attempts.png", "bytes.svg", "bytes.png"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Greater(t, info.Size(), int64(5000), name)
	}
	var again bytes.Buffer
	require.NoError(t, run(&again, "", 450, 4*time.Second))
	assert.Equal(t, out.String()[:3000], again.String()[:3000], "the same every time")
}

func TestRunRefuses(t *testing.T) {
	assert.ErrorContains(t, run(&bytes.Buffer{}, "", 0, time.Second), "-pods is 0")
	assert.Error(t, run(&bytes.Buffer{}, "", 1, 0))
}
