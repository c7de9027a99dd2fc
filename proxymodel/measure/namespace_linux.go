package measure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// namespace is a network namespace of its own. A process keeps it alive that ends when its input
// does: when close is called, or when this process ends, however that comes.
type namespace struct {
	holder   *exec.Cmd
	input    io.Closer
	rootless bool
	lock     string
	enter    []string // the command that enters it, without root
	overhead usage    // of that command
}

// newNamespace makes one. An ordinary user's is inside a user namespace.
func newNamespace(ctx context.Context, lock string) (*namespace, error) {
	holder, err := lookPath("cat")
	if err != nil {
		return nil, err
	}
	n := &namespace{rootless: os.Geteuid() != 0, lock: lock}
	n.holder = exec.CommandContext(ctx, holder)
	n.holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if n.rootless {
		n.holder.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		n.holder.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		n.holder.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	input, err := n.holder.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := n.holder.Start(); err != nil {
		return nil, err
	}
	n.input = input
	if n.rootless {
		if err := n.prepareEnter(ctx); err != nil {
			n.close()
			return nil, err
		}
	}
	return n, nil
}

// prepareEnter finds nsenter and measures its cost, which is taken off every run.
func (n *namespace) prepareEnter(ctx context.Context) error {
	path, err := lookPath("nsenter")
	if err != nil {
		return err
	}
	n.enter = []string{path, "--preserve-credentials", "-U", "-n", "-t", strconv.Itoa(n.holder.Process.Pid), "--"}
	nothing, err := lookPath("true")
	if err != nil {
		return err
	}
	entered, err := n.run(ctx, nil, nothing)
	if err != nil {
		return err
	}
	plain := namespace{lock: n.lock}
	alone, err := plain.start(ctx, nil, nothing)
	n.overhead = entered.less(alone)
	return err
}

func (n *namespace) close() {
	n.input.Close()
	_ = n.holder.Wait() // killed by the context, or ended by its input
}

// run runs a command in the namespace and returns what it used.
func (n *namespace) run(ctx context.Context, input []byte, path string, args ...string) (usage, error) {
	if n.rootless {
		u, err := n.start(ctx, input, n.enter[0], slices.Concat(n.enter[1:], []string{path}, args)...)
		return u.less(n.overhead), err
	}
	var u usage
	err := n.inside(func() (err error) {
		u, err = n.start(ctx, input, path, args...)
		return err
	})
	return u, err
}

// inside calls do on a thread that is in the namespace, as its children will be. The thread goes
// back. One that cannot is ended with its goroutine.
func (n *namespace) inside(do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			done <- err
			return
		}
		defer home.Close()
		there, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", n.holder.Process.Pid))
		if err != nil {
			done <- err
			return
		}
		defer there.Close()
		if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		err = do()
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

func (n *namespace) start(ctx context.Context, input []byte, path string, args ...string) (usage, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "XTABLES_LOCKFILE="+n.lock)
	if input != nil {
		cmd.Stdin = bytes.NewReader(input)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	begin := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s %s: %w: %.200s", path, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	if cmd.ProcessState == nil {
		return usage{}, err
	}
	return usageOf(cmd.ProcessState, time.Since(begin)), err
}

// usageOf returns what a process used that has ended.
func usageOf(s *os.ProcessState, wall time.Duration) usage {
	r, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return usage{wall: wall}
	}
	return usage{user: time.Duration(r.Utime.Nano()), kernel: time.Duration(r.Stime.Nano()), wall: wall}
}
