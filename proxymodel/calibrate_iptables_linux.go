package proxymodel

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

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
	if failed == nil && x == NFT {
		if failed = room(ctx, c.here(namesForeseen)); failed == nil {
			failed = c.names(ctx, path, &b)
		}
	}
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

// comparedNames is the list that [calibration.names] measures: kube-proxy's is
// as long at 6,000 services of one endpoint, and the trials' a quarter of that.
const comparedNames = 12_000

// namesForeseen is what that takes on the machine of [DefaultMachine].
const namesForeseen = 700 * time.Millisecond

// names measures what a long list of chains costs iptables-nft-restore: to read
// chain lines as unordered as kube-proxy's, less to read them in falling order,
// each of which passes no other name.
func (c *calibration) names(ctx context.Context, path string, b *bench) error {
	lines := make([]string, comparedNames)
	for i := range lines {
		lines[i] = ":KUBE-SVC-" + (&script{}).hash(i, -1) + " - [0:0]\n"
	}
	var took [2]time.Duration
	for i := range took {
		ns, err := newNamespace(ctx, c.lock)
		if err != nil {
			return err
		}
		u, err := ns.run(ctx, []byte("*nat\n"+strings.Join(lines, "")+"COMMIT\n"), path, "iptables-restore", "-w", "5", "--noflush")
		ns.close()
		if err != nil {
			return err
		}
		took[i] = u.cpu()
		slices.SortFunc(lines, func(a, b string) int { return strings.Compare(b, a) })
	}
	w := ipWork{compared: comparedNames * comparedNames / 4, names: comparedNames * 2. / 3} // as long on average while it is passed
	user, kernel := w.user(NFT), w.kernel(NFT)
	b.rows = append(b.rows, fitRow{units: append(user[:], kernel[:]...), nanos: float64(max(0, took[0]-took[1]))})
	return nil
}
