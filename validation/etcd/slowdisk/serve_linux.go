package slowdisk

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// serveVariable names the environment variable that turns a process into the server of one slow
// disk. It holds the backing directory, the mount point and the delay in nanoseconds, a line each.
const serveVariable = "REDLINE_SLOWDISK_SERVE"

// serveCalled records that this binary can serve: Open would otherwise run the caller's main a
// second time.
var serveCalled atomic.Bool

// Serve must be called first in main or TestMain of a binary that opens slow disks. In the child
// process that serves a disk it does that and never returns. Anywhere else it returns at once.
func Serve() {
	serveCalled.Store(true)
	task := os.Getenv(serveVariable)
	if task == "" {
		return
	}
	part := strings.Split(task, "\n")
	if len(part) != 3 {
		fmt.Printf("error: %s is %q, want three lines\n", serveVariable, task)
		os.Exit(2)
	}
	delay, err := strconv.ParseInt(part[2], 10, 64)
	if err == nil {
		err = serve(part[0], part[1], delay)
	}
	if err != nil {
		fmt.Printf("error: %v\n", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Supported returns nil where a slow disk can be opened, and otherwise an error that names what is
// missing.
func Supported() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("slowdisk: mounting needs root: %w", ErrUnsupported)
	}
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("slowdisk: %v: %w", err, ErrUnsupported)
	}
	f.Close()
	if !serveCalled.Load() {
		return errors.New("slowdisk: Serve has not been called, want it first in main or TestMain")
	}
	return nil
}

// A server is one mounted slow disk.
type server struct {
	delay  atomic.Int64 // nanoseconds
	jitter atomic.Int64 // thousandths of the delay
	fsyncs atomic.Int64
	ended  chan struct{} // closed at unmount: sleeping fsyncs return
	swap   swap
}

// A swap tells the fsyncs under way that they are on another disk.
type swap struct {
	mu     sync.Mutex
	signal chan struct{} // closed at the next one
}

// next returns the channel that the next swap closes.
func (w *swap) next() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.signal == nil {
		w.signal = make(chan struct{})
	}
	return w.signal
}

// tell wakes all fsyncs under way.
func (w *swap) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.signal != nil {
		close(w.signal)
	}
	w.signal = nil
}

// A node is a file or directory of the slow disk: a loopback whose fsync is followed by a sleep.
type node struct {
	fs.LoopbackNode
	server *server
}

// Fsync does the real one and then sleeps. The FUSE library asks the node before the open file,
// for fdatasync too.
func (n *node) Fsync(ctx context.Context, f fs.FileHandle, flags uint32) syscall.Errno {
	var errno syscall.Errno
	if file, ok := f.(fs.FileFsyncer); ok {
		errno = file.Fsync(ctx, flags)
	}
	n.server.fsyncs.Add(1)
	n.server.sleep()
	return errno
}

// sleep waits for the delay. If the disk is swapped meanwhile, it lasts as if it had begun on the
// new one.
func (s *server) sleep() {
	began := time.Now()
	share := 1 + float64(s.jitter.Load())/1000*(2*rand.Float64()-1)
	for {
		swapped := s.swap.next()
		left := time.Duration(float64(s.delay.Load())*share) - time.Since(began)
		if left <= 0 {
			return
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
			return
		case <-swapped:
		case <-s.ended:
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// serve mounts and answers standard input until it ends.
func serve(backing, mount string, delay int64) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE) // the end of the parent is the sign
	s := &server{ended: make(chan struct{})}
	s.delay.Store(delay)
	root := &fs.LoopbackRoot{Path: backing}
	root.NewNode = func(r *fs.LoopbackRoot, _ *fs.Inode, _ string, _ *syscall.Stat_t) fs.InodeEmbedder {
		return &node{LoopbackNode: fs.LoopbackNode{RootData: r}, server: s}
	}
	var st syscall.Stat_t
	if err := syscall.Stat(backing, &st); err != nil {
		return err
	}
	root.Dev = uint64(st.Dev)
	root.RootNode = root.NewNode(root, nil, "", &st)
	second := time.Second
	fuseServer, err := fs.Mount(mount, root.RootNode, &fs.Options{
		AttrTimeout: &second, EntryTimeout: &second,
		MountOptions: fuse.MountOptions{DirectMountStrict: true, FsName: "slowdisk", Name: "slowdisk", MaxBackground: 64},
	})
	if err != nil {
		return err
	}
	fmt.Println("mounted")
	s.answer()
	close(s.ended)
	if err := fuseServer.Unmount(); err != nil { // busy: files are open
		return detach(mount)
	}
	return nil
}

// answer reads commands until standard input is closed.
func (s *server) answer() {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		word, value, _ := strings.Cut(in.Text(), " ")
		switch word {
		case "delay", "swap", "jitter":
			number, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				fmt.Printf("error: %v\n", err)
				continue
			}
			if word == "jitter" {
				s.jitter.Store(number)
			} else {
				s.delay.Store(number)
			}
			if word == "swap" {
				s.swap.tell()
			}
			fmt.Println("ok")
		case "fsyncs":
			fmt.Println(s.fsyncs.Load())
		default:
			fmt.Printf("error: unknown command %q\n", word)
		}
	}
}

// detach unmounts a directory that is in use. It disappears now, and the file system with its last
// open file.
func detach(mount string) error { return syscall.Unmount(mount, syscall.MNT_DETACH) }

// mounted reports whether a slow disk is mounted at a directory.
func mounted(dir string) bool {
	table, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(table)) {
		if field := strings.Fields(line); len(field) > 2 && field[1] == dir && strings.HasPrefix(field[2], "fuse") {
			return true
		}
	}
	return false
}

func ownProcessGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
