package slowdisk

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dieVariable makes a copy of this binary open a slow disk in a directory and end in the way it
// names.
const dieVariable = "REDLINE_SLOWDISK_DIE"

func TestMain(m *testing.M) {
	Serve()
	if dir := os.Getenv(dieVariable); dir != "" {
		dieIn(dir)
	}
	os.Exit(m.Run())
}

// fsync times one write and fdatasync of a file.
func fsync(t *testing.T, f *os.File) time.Duration {
	t.Helper()
	_, err := f.Write([]byte("entry"))
	require.NoError(t, err)
	start := time.Now()
	require.NoError(t, syscall.Fdatasync(int(f.Fd())))
	return time.Since(start)
}

// TestDelay: an fsync takes at least the delay, the delay can be changed while a file is open, and
// the files stay.
func TestDelay(t *testing.T) {
	disk := ForTest(t, 60*time.Millisecond)
	f, err := os.Create(filepath.Join(disk.Dir(), "wal"))
	require.NoError(t, err)
	defer f.Close()
	assert.GreaterOrEqual(t, fsync(t, f), 60*time.Millisecond)
	require.NoError(t, disk.SetDelay(150*time.Millisecond))
	assert.GreaterOrEqual(t, fsync(t, f), 150*time.Millisecond)
	require.NoError(t, disk.SetDelay(0))
	quick, fsyncs := time.Hour, 2
	// the best: the machine may be busy, the delay would be there each time
	for ; fsyncs < 8 || quick >= 60*time.Millisecond && fsyncs < 200; fsyncs++ {
		quick = min(quick, fsync(t, f))
	}
	assert.Less(t, quick, 60*time.Millisecond)
	n, err := disk.Fsyncs()
	require.NoError(t, err)
	assert.EqualValues(t, fsyncs, n)

	require.NoError(t, disk.Close())
	assert.False(t, mounted(disk.Dir()))
	kept, err := os.ReadFile(filepath.Join(filepath.Dir(disk.Dir()), "backing", "wal"))
	require.NoError(t, err)
	assert.Equal(t, strings.Repeat("entry", fsyncs), string(kept))
	assert.ErrorContains(t, disk.SetDelay(0), "is closed")
}

// syncing returns a disk whose fsyncs take an hour, with one under way and what hears of its end.
func syncing(t *testing.T) (*Disk, <-chan error) {
	t.Helper()
	disk := ForTest(t, time.Hour)
	f, err := os.Create(filepath.Join(disk.Dir(), "wal"))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	done := make(chan error, 1)
	go func() { done <- f.Sync() }()
	for n := int64(0); n == 0; {
		n, err = disk.Fsyncs()
		require.NoError(t, err)
		time.Sleep(time.Millisecond)
	}
	return disk, done
}

// Close does not wait for a sleeping fsync, nor for open files.
func TestCloseWhileBusy(t *testing.T) {
	disk, done := syncing(t)
	require.NoError(t, disk.Close())
	assert.False(t, mounted(disk.Dir()))
	<-done // with or without an error: the disk was taken away
}

// Nothing is left mounted when the process that opened the disk panics or is killed.
func TestDeath(t *testing.T) {
	ForTest(t, 0) // skips where it must
	for _, way := range []string{"panic", "kill"} {
		t.Run(way, func(t *testing.T) {
			dir := t.TempDir()
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), dieVariable+"="+dir)
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			in, err := cmd.StdinPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			line, err := bufio.NewReader(out).ReadString('\n')
			require.NoError(t, err)
			mount := strings.TrimSpace(line)
			require.True(t, mounted(mount), mount)
			if way == "kill" {
				require.NoError(t, cmd.Process.Kill())
			} else {
				_, err = in.Write([]byte("panic\n"))
				require.NoError(t, err)
			}
			require.Error(t, cmd.Wait())
			assert.Eventually(t, func() bool { return !mounted(mount) }, time.Minute, 10*time.Millisecond)
		})
	}
}

// dieIn opens a disk, keeps a file open on it and panics when told.
func dieIn(dir string) {
	disk, err := Open(dir, 0)
	if err != nil {
		panic(err)
	}
	f, err := os.Create(filepath.Join(disk.Dir(), "open"))
	if err != nil {
		panic(err)
	}
	defer f.Close()
	os.Stdout.WriteString(disk.Dir() + "\n")
	bufio.NewReader(os.Stdin).ReadString('\n')
	panic("as told")
}

func TestBadDelay(t *testing.T) {
	disk := ForTest(t, 0)
	assert.ErrorContains(t, disk.SetDelay(-1), "slowdisk: delay is -1ns, want >= 0")
	_, err := Open(t.TempDir(), -1)
	assert.ErrorContains(t, err, "want >= 0")
}

// An fsync under way ends when the disk is swapped for a faster one. With SetDelay it keeps the
// delay that it began with.
func TestSwapEndsWhatIsUnderWay(t *testing.T) {
	disk, done := syncing(t)
	require.NoError(t, disk.SetDelay(0))
	select {
	case <-done:
		t.Fatal("the delay under way was to stay")
	case <-time.After(50 * time.Millisecond):
	}
	require.NoError(t, disk.Swap(0))
	require.NoError(t, <-done)
	require.ErrorContains(t, disk.Swap(-1), "want >= 0")
	require.ErrorContains(t, disk.SetJitter(2), "want 0 to 1")
}
