package measure

import (
	"context"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/redline-go/redline/proxymodel"
	"github.com/redline-go/redline/proxymodel/internal/work"
)

// kernelSpace measures iptables, both kinds, and nft.
func kernelSpace(ctx context.Context, m *proxymodel.Machine, p *pace) {
	dir, done, err := newScratch()
	if err != nil {
		m.Warnings = append(m.Warnings, unmeasured("iptables and nft", err))
		return
	}
	defer done()
	c := calibration{machine: m, pace: p, ratio: p.ratio(), lock: filepath.Join(dir, lockName)}
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
		{"iptables-legacy", func(ctx context.Context) error { return c.iptables(ctx, proxymodel.Legacy) }},
		{"iptables-nft", func(ctx context.Context) error { return c.iptables(ctx, proxymodel.NFT) }},
	} {
		if err := tool.measure(ctx); err != nil {
			c.warn(tool.name, err)
		}
	}
	c.visitAgain(ctx)
	c.fitNFTables()
}

// defaultXTables asks the iptables of the PATH which kind it is.
func defaultXTables(ctx context.Context) (proxymodel.XTables, error) {
	out, err := exec.CommandContext(ctx, "iptables", "--version").Output()
	if strings.Contains(string(out), "nf_tables") {
		return proxymodel.NFT, err
	}
	return proxymodel.Legacy, err
}

// calibration is a machine being measured.
type calibration struct {
	machine *proxymodel.Machine
	pace    *pace
	ratio   float64 // of this machine's user space to the reference's
	lock    string  // file in place of /run/xtables.lock

	nft, asked bench      // the nftables mode: nft itself, and kube-proxy's own listing
	visited    []work.Row // and the kernel's visits of large lists
	visitTime  time.Duration
}

// room returns an error if there is no time left for what takes so long. The kernel is not
// interrupted while it walks a list.
func room(ctx context.Context, need time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < need {
		return errTooSlow
	}
	return nil
}

// here returns how long this machine takes for what the reference does in the given time.
func (c *calibration) here(reference time.Duration) time.Duration {
	return time.Duration(float64(reference) * c.ratio)
}

// warn records that something keeps the reference's proportions.
func (c *calibration) warn(what string, why error) {
	c.machine.Warnings = append(c.machine.Warnings, unmeasured(what, why))
}

// toolLimit bounds the time of one tool. A trial that would go beyond is left out.
const toolLimit = 4500 * time.Millisecond

// minRows is two trials: the smallest alone says nothing about large tables.
const minRows = 12

// trials runs measure in a fresh namespace for each trial that fits the limit. It foresees a
// trial's time from the trials before it and from foresee, the reference's cost of a shape.
func (c *calibration) trials(ctx context.Context, trials []trial, foresee func(proxymodel.Shape) time.Duration,
	measure func(*namespace, trial, work.Size, proxymodel.Shape) error) error {
	begin, foreseen := time.Now(), time.Duration(0)
	for i, t := range trials {
		s := proxymodel.Uniform(t.services, t.endpoints)
		next := foresee(s)
		if spent := time.Since(begin); i > 1 &&
			spent+time.Duration(float64(next)*float64(spent)/float64(foreseen)) > toolLimit {
			return errTooSlow
		}
		ns, err := newNamespace(ctx, c.lock)
		if err != nil {
			return err
		}
		c.pace.take(4)
		err = measure(ns, t, sizeOf(&s), s)
		ns.close()
		if err != nil {
			return err
		}
		foreseen += next
	}
	return nil
}

// lookPath also looks where an ordinary user's PATH does not.
func lookPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/bin", "/bin"} {
		if err == nil {
			break
		}
		path, err = exec.LookPath(filepath.Join(dir, name))
	}
	return path, err
}

// threadTime returns the processor time that work takes on its thread. The clock is exact.
// getrusage's clock of a running thread is not: it moves with the tick.
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
