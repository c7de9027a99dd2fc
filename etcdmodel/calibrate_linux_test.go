package etcdmodel

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// These make this test binary a calibration that does not end by itself, in that directory, with
// files that have names or none.
const (
	childDir   = "REDLINE_CALIBRATE_DIR"
	childNames = "REDLINE_CALIBRATE_NAMES"
)

// TestCalibrateChild is a process for the tests below to kill, and nothing by itself.
func TestCalibrateChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		return
	}
	keepNames = os.Getenv(childNames) != ""
	for {
		_, err := Calibrate(context.Background(), dir)
		require.NoError(t, err)
	}
}

// killCalibration starts a calibration in dir and kills it once both its files are open.
func killCalibration(t *testing.T, dir, names string) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCalibrateChild$")
	child.Env = append(os.Environ(), childDir+"="+dir, childNames+"="+names)
	require.NoError(t, child.Start())
	require.Eventually(t, func() bool {
		open := 0
		fds, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(child.Process.Pid), "fd", "*"))
		for _, fd := range fds {
			to, err := os.Readlink(fd)
			info, statErr := os.Stat(fd)
			if err == nil && statErr == nil && strings.HasPrefix(to, dir) && info.Mode().IsRegular() && info.Size() > 0 {
				open++
			}
		}
		return open == 2
	}, time.Minute, time.Millisecond)
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait(), "killed")
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// A killed calibration leaves nothing: its files have no names.
func TestKilledCalibrationLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	killCalibration(t, dir, "")
	assert.Empty(t, filesIn(t, dir))
}

// Where they need one, the next calibration removes what a killed one left, and nothing else.
func TestNextCalibrationSweeps(t *testing.T) {
	dir := t.TempDir()
	killCalibration(t, dir, "yes")
	require.Len(t, filesIn(t, dir), 1)
	dead := filesIn(t, dir)[0]

	for _, d := range []string{scratchPrefix + "1", scratchPrefix + "x", "other-2", scratchPrefix + "3"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, d), 0o700))
	}
	for _, f := range []string{scratchPrefix + "1/mine", "other-2/wal", scratchPrefix + "4"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, f), nil, 0o600))
	}
	require.NoError(t, os.Symlink("other-2", filepath.Join(dir, scratchPrefix+"5")))
	alive, err := os.Open(filepath.Join(dir, scratchPrefix+"3"))
	require.NoError(t, err)
	defer alive.Close()
	require.NoError(t, lock(alive))
	before := filesIn(t, dir)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Calibrate(ctx, dir)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, before, filesIn(t, dir), "a call that does not begin removes nothing")
	ctx, cancel = context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err = Calibrate(ctx, dir)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.NotContains(t, filesIn(t, dir), dead)
	assert.Len(t, filesIn(t, dir), len(before)-1, "what is another's or has a living owner stays")
}

// Files with names are removed at the end, too, and their names at once where that is possible.
func TestCalibrateWithNames(t *testing.T) {
	defer func(was bool) { keepNames = was }(keepNames)
	for _, keepNames = range []bool{true, false} {
		dir := t.TempDir()
		s := &scratch{}
		require.NoError(t, s.openNamed(dir))
		assert.Equal(t, keepNames, len(filesIn(t, dir)) > 0)
		require.NoError(t, s.close())
		assert.Empty(t, filesIn(t, dir))
	}
}
