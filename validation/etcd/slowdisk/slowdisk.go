// Package slowdisk makes a disk slow: a directory whose fsync and fdatasync take as long as you
// say. An unmodified etcd can run on a disk of 2, 10 or 4,000 ms, and the models can be compared
// with it.
//
//	func TestMain(m *testing.M) {
//		slowdisk.Serve() // first: the file system is served by a child process of this binary
//		os.Exit(m.Run())
//	}
//
//	func TestSlow(t *testing.T) {
//		disk := slowdisk.ForTest(t, 10*time.Millisecond)
//		... run etcd in disk.Dir() ...
//		disk.SetDelay(4 * time.Second) // while it runs
//	}
//
// The directory is a FUSE passthrough (Linux, root and /dev/fuse needed) that calls the real fsync
// first and sleeps afterwards.
//
// The process that uses the directory must not serve it. bbolt maps its file into memory, and a
// page fault on a mapped FUSE file blocks a thread that Go's garbage collector waits for. That
// collector has stopped the server that would end the fault. Hence a child process, which is told
// what to do over its standard input. It unmounts and ends when that input is closed: after Close,
// after a panic and after kill -9 alike.
package slowdisk

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// ErrUnsupported is wrapped by the errors of [Supported] and [Open] where no slow disk can be had.
var ErrUnsupported = errors.New("no slow disk here")

// A Disk is a directory on a slow disk. Its methods may be called concurrently.
type Disk struct {
	mount string

	mu     sync.Mutex
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	closed bool
}

// Open mounts a slow disk below dir, which must exist and be on the real disk. An fsync takes
// delay longer than that disk's own. It makes two directories in dir, one for the files and one
// through which they are seen. Close unmounts and leaves the files.
func Open(dir string, delay time.Duration) (*Disk, error) {
	if err := Supported(); err != nil {
		return nil, err
	}
	if delay < 0 {
		return nil, fmt.Errorf("slowdisk: delay is %v, want >= 0", delay)
	}
	backing, mount := filepath.Join(dir, "backing"), filepath.Join(dir, "slow")
	for _, d := range []string{backing, mount} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("slowdisk: %w", err)
		}
	}
	d := &Disk{mount: mount}
	if err := d.start(backing, delay); err != nil {
		return nil, err
	}
	return d, nil
}

// ForTest opens a slow disk in a temporary directory of the test and closes it when the test ends.
// It skips the test where there can be no slow disk.
func ForTest(t testing.TB, delay time.Duration) *Disk {
	t.Helper()
	if err := Supported(); errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	d, err := Open(t.TempDir(), delay)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Dir returns the slow directory.
func (d *Disk) Dir() string { return d.mount }

// SetDelay changes the time by which an fsync is longer than the real one, from the next fsync on.
// Those under way keep the delay that they began with.
func (d *Disk) SetDelay(delay time.Duration) error {
	if delay < 0 {
		return fmt.Errorf("slowdisk: delay is %v, want >= 0", delay)
	}
	_, err := d.ask("delay " + strconv.FormatInt(int64(delay), 10))
	return err
}

// Swap is like SetDelay, but the fsyncs under way end as if they had begun with the new delay: one
// that has lasted for longer ends at once. So do those that a blocked device holds, when the block
// ends.
func (d *Disk) Swap(delay time.Duration) error {
	if delay < 0 {
		return fmt.Errorf("slowdisk: delay is %v, want >= 0", delay)
	}
	_, err := d.ask("swap " + strconv.FormatInt(int64(delay), 10))
	return err
}

// SetJitter spreads the delays: each is drawn evenly from the delay times 1-share to 1+share.
func (d *Disk) SetJitter(share float64) error {
	if !(share >= 0 && share <= 1) {
		return fmt.Errorf("slowdisk: share is %v, want 0 to 1", share)
	}
	_, err := d.ask("jitter " + strconv.FormatInt(int64(1000*share), 10))
	return err
}

// Fsyncs returns the number of fsyncs and fdatasyncs since Open.
func (d *Disk) Fsyncs() (int64, error) {
	answer, err := d.ask("fsyncs")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(answer, 10, 64)
}

// Close unmounts the disk, also under files that are still open, and waits for its server to end.
func (d *Disk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	d.in.Close()
	err := waitAtMost(d.cmd, patience)
	if mounted(d.mount) { // the server was killed
		err = errors.Join(err, detach(d.mount))
	}
	if err != nil {
		return fmt.Errorf("slowdisk: close %s: %w", d.mount, err)
	}
	return nil
}

// start runs the server and waits until it has mounted.
func (d *Disk) start(backing string, delay time.Duration) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("slowdisk: %w", err)
	}
	d.cmd = exec.Command(exe)
	d.cmd.Env = append(
		os.Environ(),
		serveVariable+"="+strings.Join([]string{backing, d.mount, strconv.FormatInt(int64(delay), 10)}, "\n"),
	)
	d.cmd.SysProcAttr = ownProcessGroup() // an interrupt at the terminal is for the parent
	d.cmd.Stderr = os.Stderr
	if d.in, err = d.cmd.StdinPipe(); err != nil {
		return fmt.Errorf("slowdisk: %w", err)
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("slowdisk: %w", err)
	}
	d.out = bufio.NewReader(out)
	if err := d.cmd.Start(); err != nil {
		return fmt.Errorf("slowdisk: start the server: %w", err)
	}
	if answer, err := d.read(); err != nil || answer != "mounted" {
		d.in.Close()
		return errors.Join(
			fmt.Errorf("slowdisk: mount %s: the server says %q", d.mount, answer), err, waitAtMost(d.cmd, patience),
		)
	}
	return nil
}

// ask sends a line and returns the line that answers it.
func (d *Disk) ask(line string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return "", fmt.Errorf("slowdisk: %s is closed", d.mount)
	}
	if _, err := io.WriteString(d.in, line+"\n"); err != nil {
		return "", fmt.Errorf("slowdisk: %s: %w", d.mount, err)
	}
	return d.read()
}

func (d *Disk) read() (string, error) {
	answer, err := d.out.ReadString('\n')
	answer = strings.TrimSuffix(answer, "\n")
	if err != nil {
		return answer, fmt.Errorf("slowdisk: %s: the server is gone: %w", d.mount, err)
	}
	if reason, bad := strings.CutPrefix(answer, "error: "); bad {
		return "", fmt.Errorf("slowdisk: %s: %s", d.mount, reason)
	}
	return answer, nil
}

// patience is for a server that hangs, not for a machine that is busy.
const patience = time.Minute

// waitAtMost waits for a process that has been told to end, and kills it if it does not.
func waitAtMost(cmd *exec.Cmd, limit time.Duration) error {
	late := time.AfterFunc(limit, func() { cmd.Process.Kill() })
	defer late.Stop()
	return cmd.Wait()
}
