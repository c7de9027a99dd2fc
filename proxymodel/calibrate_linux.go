package proxymodel

import (
	"context"
	"errors"
	"fmt"
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

// iptables measures one of the implementations.
func (c *calibration) iptables(ctx context.Context, x XTables) error {
	cost, trials, multi := &c.machine.Legacy, legacyTrials, "xtables-legacy-multi"
	if x == NFT {
		cost, trials, multi = &c.machine.IPTablesNFT, nftTrials, "xtables-nft-multi"
	}
	path, err := lookPath(multi)
	if err != nil {
		return err
	}
	prior := *cost
	foresee := func(s *Shape) time.Duration {
		return 2*iptablesSync(&prior, x, s, first, 0).Restore + 8*iptablesSync(&prior, x, s, partial, 0).CPU()
	}
	var b bench
	failed := c.trials(ctx, trials, foresee, func(ns *namespace, t trial, s *Shape) error {
		base, err := ns.firstPacket()
		r := iptablesRun{namespace: ns, path: path, x: x, bench: &b, shape: s, script: script{services: t.services, endpoints: t.endpoints}}
		if err := r.all(ctx); err != nil {
			return err
		}
		if err == nil {
			err = b.packet(ns, base, s.IPTables.Walk)
		}
		return ignoreUnsupported(err)
	})
	if len(b.rows) < minRows {
		return failed
	}
	b.into(&cost.Exec, cost.user(), cost.kernel(), c.ratio)
	cost.Wait = b.meanWait(cost.Wait)
	if hit, walk, ok := b.walk(); ok {
		cost.Hit, cost.Walk = hit, walk
	} else {
		c.warn(fmt.Sprintf("a first packet past the rules of iptables (%v)", x), b.noPackets())
	}
	return failed
}

// iptablesRun is one trial of an iptables.
type iptablesRun struct {
	*namespace
	path   string
	x      XTables
	bench  *bench
	shape  *Shape
	script script
}

func (r *iptablesRun) all(ctx context.Context) error {
	if err := r.jumps(ctx); err != nil {
		return err
	}
	restore := []string{"iptables-restore", "-w", "5", "--noflush", "--counters"}
	work := func(p phase) ipWork { // of iptables-restore alone
		w := iptablesWork(r.shape, p, 0)
		w.fetches, w.saves = min(w.fetches, 1), 0
		return w
	}
	everything := slices.Clone(r.script.iptables(true))
	unchanged := r.script.iptables(false)
	rules := ipWork{rules: float64(r.shape.IPTables.Rules)}
	fetched, saved := rules, rules
	fetched.fetches, saved.saves = 1, 1
	for _, step := range []struct {
		work  ipWork
		input []byte
		args  []string
	}{
		{work(first), everything, restore},
		{work(partial), unchanged, restore},
		{work(partial), unchanged, restore},
		{work(partial), unchanged, restore},
		{work(full), everything, restore},
		{fetched, nil, []string{"iptables", "-w", "5", "-t", "nat", "-N", "KUBE-SERVICES"}},
		{fetched, nil, []string{"iptables", "-w", "5", "-t", "nat", "-C", "POSTROUTING", "-j", "KUBE-POSTROUTING"}},
		{saved, nil, []string{"iptables-save", "-t", "nat"}},
	} {
		u, err := r.run(ctx, step.input, r.path, step.args...)
		if err != nil && step.input != nil { // -N and -C fail by design: the chain is there, the rule is not
			return err
		}
		user, kernel := step.work.user(r.x), step.work.kernel(r.x)
		r.bench.add(u, user[:], kernel[:])
		if step.input != nil && len(step.input) == len(unchanged) {
			r.bench.wait = append(r.bench.wait, u.wall-u.cpu())
		}
	}
	return ctx.Err()
}

// jumps makes the rules that lead to kube-proxy's chains: without them the
// kernel need not follow the chains, nor packets pass them. These processes
// work on tables as good as empty, so that they measure what a process is.
func (r *iptablesRun) jumps(ctx context.Context) error {
	first := len(r.bench.exec) == 0
	for i, rule := range jumpRules {
		u, err := r.run(ctx, nil, r.path, append([]string{"iptables", "-w", "5"}, rule...)...)
		if err != nil {
			return err
		}
		if first && i > 1 {
			r.bench.exec = append(r.bench.exec, u)
		}
	}
	return nil
}

// jumpRules are what kube-proxy asks for in a full sync, or half of it: chains
// and the rules that lead to them, with the matches that they use. The first of
// a table makes the table.
var jumpRules = [][]string{
	{"-t", "filter", "-N", "KUBE-SERVICES"},
	{"-t", "nat", "-N", "KUBE-SERVICES"},
	{"-t", "nat", "-N", "KUBE-POSTROUTING"},
	{"-t", "filter", "-I", "OUTPUT", "-m", "conntrack", "--ctstate", "NEW", "-m", "comment", "--comment", "kubernetes service portals", "-j", "KUBE-SERVICES"},
	{"-t", "filter", "-N", "KUBE-FORWARD"},
	{"-t", "filter", "-I", "FORWARD", "-m", "comment", "--comment", "kubernetes forwarding rules", "-j", "KUBE-FORWARD"},
	{"-t", "filter", "-N", "KUBE-PROXY-FIREWALL"},
	{"-t", "filter", "-I", "INPUT", "-m", "conntrack", "--ctstate", "NEW", "-m", "comment", "--comment", "kubernetes load balancer firewall", "-j", "KUBE-PROXY-FIREWALL"},
	{"-t", "nat", "-I", "PREROUTING", "-m", "comment", "--comment", "kubernetes service portals", "-j", "KUBE-SERVICES"},
	{"-t", "nat", "-I", "OUTPUT", "-m", "comment", "--comment", "kubernetes service portals", "-j", "KUBE-SERVICES"},
	{"-t", "nat", "-I", "POSTROUTING", "-m", "comment", "--comment", "kubernetes postrouting rules", "-j", "KUBE-POSTROUTING"},
}

// nftables measures nft.
func (c *calibration) nftables(ctx context.Context) error {
	path, err := lookPath("nft")
	if err != nil {
		return err
	}
	cost := &c.machine.NFTables
	prior := *cost
	foresee := func(s *Shape) time.Duration {
		return nftablesSync(&prior, s, first, 0).CPU() + nftablesSync(&prior, s, full, 0).CPU()
	}
	var b, asked bench
	failed := c.trials(ctx, nftablesTrials, foresee, func(ns *namespace, t trial, s *Shape) error {
		base, err := ns.firstPacket()
		r := nftablesRun{namespace: ns, path: path, bench: &b, shape: s, script: script{services: t.services, endpoints: t.endpoints}}
		if err := r.all(ctx); err != nil {
			return err
		}
		rows, listErr := r.ask()
		if listErr != nil {
			return listErr
		}
		asked.rows = append(asked.rows, rows...)
		if err == nil {
			err = b.packet(ns, base, 0)
		}
		return ignoreUnsupported(err)
	})
	if len(b.rows) < 2*nftablesRows {
		return failed
	}
	b.into(&cost.Exec, cost.user(), cost.kernel(), c.ratio)
	if len(asked.rows) > 0 {
		asked.fit(cost.Ask.terms(), 2e4)
	} else {
		c.warn("how long kube-proxy's own listing of nftables chains and sets takes", errOutside)
	}
	cost.Wait = b.meanWait(cost.Wait)
	if last := b.lastPacket(); last.miss > 0 && last.hit >= last.miss {
		cost.Miss, cost.Hit = Nanos(last.miss), Nanos(last.hit)
	} else {
		c.warn("a first packet in nftables mode", b.noPackets())
	}
	return failed
}

// nftablesRows is how many rows a trial of nft adds.
const nftablesRows = 4

// nftablesRun is one trial of nft.
type nftablesRun struct {
	*namespace
	path   string
	bench  *bench
	shape  *Shape
	script script
}

func (r *nftablesRun) all(ctx context.Context) error {
	if len(r.bench.exec) == 0 {
		for range 8 {
			u, err := r.run(ctx, []byte("add table ip redline-empty\n"), r.path, "-f", "-")
			if err != nil {
				return err
			}
			r.bench.exec = append(r.bench.exec, u)
		}
	}
	for _, step := range []struct {
		phase          phase
		changed, times int
	}{{first, 0, 1}, {partial, 1, 5}, {partial, min(50, r.script.services), 3}, {full, 0, 1}} {
		var used []usage
		for range step.times {
			u, err := r.sync(ctx, step.phase, step.changed)
			if err != nil {
				return err
			}
			used = append(used, u)
		}
		w := nftablesWork(r.shape, step.phase, float64(step.changed))
		user, kernel := w.user(), w.kernel()
		r.bench.add(medianUsage(used), user[:], kernel[:])
	}
	return ctx.Err()
}

// sync is what the processes of one sync use, beside being started.
func (r *nftablesRun) sync(ctx context.Context, p phase, changed int) (usage, error) {
	u, err := r.run(ctx, r.script.nftables(p, changed), r.path, "-f", "-")
	if err != nil {
		return usage{}, err
	}
	if changed == 1 {
		r.bench.wait = append(r.bench.wait, u.wall-u.cpu())
	}
	if p != full {
		return u, nil
	}
	empty := r.bench.empty()
	for _, list := range [][2]string{{"map", "service-ips"}, {"set", "cluster-ips"}} { // what is there, to compare
		dump, err := r.run(ctx, nil, r.path, "--json", "list", list[0], "ip", "kube-proxy", list[1])
		if err != nil {
			return usage{}, err
		}
		u.user += max(0, dump.user-empty.user)
		u.kernel += max(0, dump.kernel-empty.kernel)
	}
	return u, nil
}

// ask times the listings that kube-proxy makes itself, on every sync that does
// not find the table empty.
func (r *nftablesRun) ask() ([]fitRow, error) {
	if r.rootless { // this process can't enter the namespace
		return nil, nil
	}
	chains, sets := nftListing(r.shape)
	var rows []fitRow
	err := r.inside(func() error {
		for _, list := range []struct {
			listed
			units []float64
		}{{listedChains, []float64{chains, chains * chains, 0, 0}}, {listedSets, []float64{0, 0, sets, sets * sets}}} {
			var times []time.Duration
			for range 7 {
				var err error
				times = append(times, threadTime(func() { _, err = list.names() }))
				if err != nil {
					return err
				}
			}
			slices.Sort(times)
			rows = append(rows, fitRow{units: list.units, nanos: float64(times[len(times)/2])})
		}
		return nil
	})
	return rows, err
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
