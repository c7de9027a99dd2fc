package proxymodel

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// kernelSpace measures iptables, both kinds, and nft.
func kernelSpace(ctx context.Context, m *Machine, p *pace) {
	dir, err := os.MkdirTemp("", "redline-proxy-")
	if err != nil {
		m.Warnings = append(m.Warnings, unmeasured("iptables and nft", err))
		return
	}
	defer os.RemoveAll(dir)
	c := calibration{machine: m, pace: p, ratio: p.ratio(), lock: filepath.Join(dir, "xtables.lock")}
	ns, err := newNamespace(ctx, c.lock)
	if err != nil {
		m.Warnings = append(m.Warnings, unmeasured("iptables and nft, for want of a network namespace", err))
		return
	}
	c.ipvs(ctx, ns)
	ns.close()
	if x, err := defaultXTables(ctx); err == nil {
		m.XTables = x
	} else {
		c.warn("which iptables this node calls", err)
	}
	for _, tool := range []struct {
		name    string
		measure func(context.Context) error
	}{
		{"nftables", c.nftables},
		{"iptables-legacy", func(ctx context.Context) error { return c.iptables(ctx, Legacy) }},
		{"iptables-nft", func(ctx context.Context) error { return c.iptables(ctx, NFT) }},
	} {
		if err := tool.measure(ctx); err != nil {
			c.warn(tool.name, err)
		}
	}
	c.visitAgain(ctx)
	c.fitNFTables()
}

// defaultXTables asks the iptables of the PATH which kind it is.
func defaultXTables(ctx context.Context) (XTables, error) {
	out, err := exec.CommandContext(ctx, "iptables", "--version").Output()
	if strings.Contains(string(out), "nf_tables") {
		return NFT, err
	}
	return Legacy, err
}

type calibration struct {
	machine *Machine
	pace    *pace
	ratio   float64 // of this machine's user space to the reference's
	lock    string  // file in place of /run/xtables.lock

	nft, asked bench    // the nftables mode: nft itself, and kube-proxy's own listing
	visited    []fitRow // and the kernel's visits of large lists
	visitTime  time.Duration
}

// room tells whether what takes so long can still be done. The kernel is not
// interrupted while it walks a list.
func room(ctx context.Context, need time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < need {
		return errTooSlow
	}
	return nil
}

// here is what takes that long on the machine of [DefaultMachine].
func (c *calibration) here(reference time.Duration) time.Duration {
	return time.Duration(float64(reference) * c.ratio)
}

// warn says that something keeps the reference's proportions.
func (c *calibration) warn(what string, why error) {
	c.machine.Warnings = append(c.machine.Warnings, unmeasured(what, why))
}

var (
	// errOutside is why an ordinary user's calibration lacks what this process
	// must do itself in the namespace.
	errOutside = errors.New("without root no thread of this process can enter the namespace")
	errTooBusy = errors.New("this machine was too busy to tell")
)

// noPackets is why first packets tell nothing.
func (b *bench) noPackets() error {
	if len(b.packets) == 0 {
		return errOutside
	}
	return errTooBusy
}

// toolLimit is what one tool may take; a trial that would go beyond is left out.
const toolLimit = 4500 * time.Millisecond

// minRows is two trials: the smallest alone says nothing about large tables.
const minRows = 12

// trials runs measure in a fresh namespace for each trial that fits the limit,
// foreseen from those before it and the reference's proportions.
func (c *calibration) trials(ctx context.Context, trials []trial, foresee func(*Shape) time.Duration, measure func(*namespace, trial, *Shape) error) error {
	begin, foreseen := time.Now(), time.Duration(0)
	for i, t := range trials {
		s := Uniform(t.services, t.endpoints)
		next := foresee(&s)
		if spent := time.Since(begin); i > 1 && spent+time.Duration(float64(next)*float64(spent)/float64(foreseen)) > toolLimit {
			return errTooSlow
		}
		ns, err := newNamespace(ctx, c.lock)
		if err != nil {
			return err
		}
		c.pace.take(4)
		err = measure(ns, t, &s)
		ns.close()
		if err != nil {
			return err
		}
		foreseen += next
	}
	return nil
}

// meanWait is the least a commit waited, over what it computed: more is the
// machine being busy.
func (b *bench) meanWait(unknown Nanos) Nanos {
	if len(b.wait) == 0 || unknown == 0 { // ip_tables does not wait
		return unknown
	}
	slices.Sort(b.wait)
	return Nanos(max(0, b.wait[0]))
}

// lastPacket is that of the last table.
func (b *bench) lastPacket() packetTime {
	if len(b.packets) == 0 {
		return packetTime{}
	}
	return b.packets[len(b.packets)-1]
}

// medianUsage is the run of median processor time.
func medianUsage(u []usage) usage {
	slices.SortFunc(u, func(a, b usage) int { return int(a.cpu() - b.cpu()) })
	return u[len(u)/2]
}

// lookPath also looks where an ordinary user's PATH does not.
func lookPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if err == nil {
			break
		}
		path, err = exec.LookPath(filepath.Join(dir, name))
	}
	return path, err
}

// threadTime is the processor time that work takes on its thread. The clock is
// exact, which getrusage's of a running thread is not: that moves with the tick.
func threadTime(work func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	used := func() time.Duration {
		var t unix.Timespec
		if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
			return 0
		}
		return time.Duration(t.Nano())
	}
	before := used()
	work()
	return max(used()-before, time.Microsecond)
}

// usageOf is what a process used that has ended.
func usageOf(s *os.ProcessState, wall time.Duration) usage {
	r, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return usage{wall: wall}
	}
	return usage{user: time.Duration(r.Utime.Nano()), kernel: time.Duration(r.Stime.Nano()), wall: wall}
}
