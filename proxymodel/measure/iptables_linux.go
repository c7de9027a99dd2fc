package measure

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redline-go/redline/proxymodel"
	"github.com/redline-go/redline/proxymodel/internal/work"
)

// iptables measures one of the implementations.
func (c *calibration) iptables(ctx context.Context, x proxymodel.XTables) error {
	cost, trials, multi := &c.machine.Legacy, legacyTrials, "xtables-legacy-multi"
	if x == proxymodel.NFT {
		cost, trials, multi = &c.machine.IPTablesNFT, nftTrials, "xtables-nft-multi"
	}
	path, err := lookPath(multi)
	if err != nil {
		return err
	}
	prior := *c.machine
	prior.XTables = x
	foresee := func(s proxymodel.Shape) time.Duration {
		p := predict(proxymodel.IPTables, prior, s)
		return 2*p.First.Restore + 8*p.Partial.CPU()
	}
	var b bench
	failed := c.trials(ctx, trials, foresee, func(ns *namespace, t trial, size work.Size, s proxymodel.Shape) error {
		base, err := ns.firstPacket()
		r := iptablesRun{namespace: ns, path: path, x: x, bench: &b, size: size,
			script: script{services: t.services, endpoints: t.endpoints}}
		if err := r.all(ctx); err != nil {
			return err
		}
		if err == nil {
			err = b.packet(ns, base, s.IPTables.Walk)
		}
		return ignoreUnsupported(err)
	})
	if failed == nil && x == proxymodel.NFT {
		if failed = room(ctx, c.here(namesForeseen)); failed == nil {
			failed = c.names(ctx, path, &b)
		}
	}
	if len(b.rows) < minRows {
		return failed
	}
	b.into(&cost.Exec, iptablesTerms(cost), c.ratio)
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
	x      proxymodel.XTables
	bench  *bench
	size   work.Size
	script script
}

func (r *iptablesRun) all(ctx context.Context) error {
	if err := r.jumps(ctx); err != nil {
		return err
	}
	restore := []string{"iptables-restore", "-w", "5", "--noflush", "--counters"}
	units := func(p work.Phase) work.IPTables { // of iptables-restore alone
		w := work.IPTablesSync(&r.size, p, 0)
		w.Fetches, w.Saves = min(w.Fetches, 1), 0
		return w
	}
	everything := slices.Clone(r.script.iptables(true))
	unchanged := r.script.iptables(false)
	rules := float64(r.size.Rules)
	fetched, saved := work.IPTables{Rules: rules, Fetches: 1}, work.IPTables{Rules: rules, Saves: 1}
	newChain := []string{"iptables", "-w", "5", "-t", "nat", "-N", "KUBE-SERVICES"}
	checkRule := []string{"iptables", "-w", "5", "-t", "nat", "-C", "POSTROUTING", "-j", "KUBE-POSTROUTING"}
	for _, step := range []struct {
		work  work.IPTables
		input []byte
		args  []string
	}{
		{units(work.First), everything, restore},
		{units(work.Partial), unchanged, restore},
		{units(work.Partial), unchanged, restore},
		{units(work.Partial), unchanged, restore},
		{units(work.Full), everything, restore},
		{fetched, nil, newChain},
		{fetched, nil, checkRule},
		{saved, nil, []string{"iptables-save", "-t", "nat"}},
	} {
		u, err := r.run(ctx, step.input, r.path, step.args...)
		if err != nil && step.input != nil { // -N and -C fail by design: the chain is there, the rule is not
			return err
		}
		r.bench.add(u, iptablesUnits(&step.work, r.x))
		if step.input != nil && len(step.input) == len(unchanged) {
			r.bench.wait = append(r.bench.wait, u.wall-u.cpu())
		}
	}
	return ctx.Err()
}

// jumps makes the rules that lead to kube-proxy's chains: without them the kernel need not follow
// the chains, nor packets pass them. These processes work on tables as good as empty, so they
// measure the cost of a process.
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

// jumpRules holds half of the questions of a full sync: chains and the rules that lead to them,
// with the matches that they use. The first of a table makes the table.
var jumpRules = [][]string{
	{"-t", "filter", "-N", "KUBE-SERVICES"},
	{"-t", "nat", "-N", "KUBE-SERVICES"},
	{"-t", "nat", "-N", "KUBE-POSTROUTING"},
	newJump("filter", "OUTPUT", "KUBE-SERVICES", "kubernetes service portals", "-m", "conntrack", "--ctstate", "NEW"),
	{"-t", "filter", "-N", "KUBE-FORWARD"},
	newJump("filter", "FORWARD", "KUBE-FORWARD", "kubernetes forwarding rules"),
	{"-t", "filter", "-N", "KUBE-PROXY-FIREWALL"},
	newJump("filter", "INPUT", "KUBE-PROXY-FIREWALL", "kubernetes load balancer firewall",
		"-m", "conntrack", "--ctstate", "NEW"),
	newJump("nat", "PREROUTING", "KUBE-SERVICES", "kubernetes service portals"),
	newJump("nat", "OUTPUT", "KUBE-SERVICES", "kubernetes service portals"),
	newJump("nat", "POSTROUTING", "KUBE-POSTROUTING", "kubernetes postrouting rules"),
}

// newJump returns the arguments that insert a jump between two chains.
func newJump(table, from, to, comment string, match ...string) []string {
	rule := append([]string{"-t", table, "-I", from}, match...)
	return append(rule, "-m", "comment", "--comment", comment, "-j", to)
}

// comparedNames is the length of the list that [calibration.names] measures. kube-proxy's is as
// long at 6,000 services of one endpoint, and the trials' a quarter of that.
const comparedNames = 12_000

// namesForeseen is the time that this takes on the machine of [proxymodel.DefaultMachine].
const namesForeseen = 700 * time.Millisecond

// names measures the cost of a long list of chains to iptables-nft-restore. It times chain lines as
// unordered as kube-proxy's. From that it takes the time of lines in falling order, each of which
// passes no other name.
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
		input := []byte("*nat\n" + strings.Join(lines, "") + "COMMIT\n")
		u, err := ns.run(ctx, input, path, "iptables-restore", "-w", "5", "--noflush")
		ns.close()
		if err != nil {
			return err
		}
		took[i] = u.cpu()
		slices.SortFunc(lines, func(a, b string) int { return strings.Compare(b, a) })
	}
	w := work.IPTables{
		Compared: comparedNames * comparedNames / 4,
		Names:    comparedNames * 2. / 3, // as long on average while it is passed
	}
	b.rows = append(b.rows, work.Row{
		Units: iptablesUnits(&w, proxymodel.NFT), Nanos: float64(max(0, took[0]-took[1])),
	})
	return nil
}
