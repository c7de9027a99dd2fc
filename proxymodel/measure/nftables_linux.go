package measure

import (
	"context"
	"time"

	"github.com/redline-go/redline/proxymodel"
	"github.com/redline-go/redline/proxymodel/internal/work"
)

// nftables measures nft.
func (c *calibration) nftables(ctx context.Context) error {
	path, err := lookPath("nft")
	if err != nil {
		return err
	}
	prior := *c.machine
	foresee := func(s proxymodel.Shape) time.Duration {
		p := predict(proxymodel.NFTables, prior, s)
		return p.First.CPU() + p.Full.CPU()
	}
	begin := time.Now()
	run := func(ns *namespace, t trial, s work.Size, _ proxymodel.Shape) error {
		base, err := ns.firstPacket()
		r := nftablesRun{namespace: ns, path: path, bench: &c.nft, size: s,
			script: script{services: t.services, endpoints: t.endpoints}}
		if err := r.all(ctx); err != nil {
			return err
		}
		rows, listErr := r.ask()
		if listErr != nil {
			return listErr
		}
		c.asked.rows = append(c.asked.rows, rows...)
		if err == nil {
			err = c.nft.packet(ns, base, 0)
		}
		return ignoreUnsupported(err)
	}
	if err := c.trials(ctx, nftablesTrials, foresee, run); err != nil {
		return err
	}
	if time.Since(begin)+c.here(visitForeseen) > toolLimit {
		return errTooSlow
	}
	return c.visit(ctx)
}

// visitForeseen is the time of a [visitRun] on the machine of [proxymodel.DefaultMachine].
const visitForeseen = time.Second

// visit measures the visits of large lists in a namespace of its own.
func (c *calibration) visit(ctx context.Context) error {
	begin := time.Now()
	ns, err := newNamespace(ctx, c.lock)
	if err != nil {
		return err
	}
	defer ns.close()
	r := visitRun{namespace: ns}
	rows, err := r.rows(ctx)
	c.visited = append(c.visited, rows...)
	c.visitTime = time.Since(begin)
	return err
}

// visitAgain does so at another moment, if there is time left. Whether lists as large stay in the
// processor's last cache depends on who else uses it then.
func (c *calibration) visitAgain(ctx context.Context) {
	if len(c.visited) > 0 && room(ctx, 2*c.visitTime) == nil {
		_ = c.visit(ctx) // what it measured before it failed is used
	}
}

// fitNFTables turns the nftables mode's measurements into costs.
func (c *calibration) fitNFTables() {
	b, cost := &c.nft, &c.machine.NFTables
	if len(b.rows) < 2*nftablesRows {
		return
	}
	b.rows = append(b.rows, c.visited...)
	b.into(&cost.Exec, nftablesTerms(cost), c.ratio)
	if len(c.asked.rows) > 0 {
		c.asked.fit(listTerms(&cost.Ask), 2e4)
	} else {
		c.warn("how long kube-proxy's own listing of nftables chains and sets takes", errOutside)
	}
	cost.Wait = b.meanWait(cost.Wait)
	if last := b.lastPacket(); last.miss > 0 && last.hit >= last.miss {
		cost.Miss, cost.Hit = proxymodel.Nanos(last.miss), proxymodel.Nanos(last.hit)
	} else {
		c.warn("a first packet in nftables mode", b.noPackets())
	}
}

// nftablesRows counts the rows that a trial of nft adds.
const nftablesRows = 4

// nftablesRun is one trial of nft.
type nftablesRun struct {
	*namespace
	path   string
	bench  *bench
	size   work.Size
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
		phase          work.Phase
		changed, times int
	}{
		{phase: work.First, times: 1},
		{phase: work.Partial, changed: 1, times: 5},
		{phase: work.Partial, changed: min(50, r.script.services), times: 3},
		{phase: work.Full, times: 1},
	} {
		var used []usage
		for range step.times {
			u, err := r.sync(ctx, step.phase, step.changed)
			if err != nil {
				return err
			}
			used = append(used, u)
		}
		w := work.NFTablesSync(&r.size, step.phase, float64(step.changed))
		r.bench.add(medianUsage(used), nftablesUnits(&w))
	}
	return ctx.Err()
}

// sync returns what the processes of one sync use, beside being started.
func (r *nftablesRun) sync(ctx context.Context, p work.Phase, changed int) (usage, error) {
	u, err := r.run(ctx, r.script.nftables(p, changed), r.path, "-f", "-")
	if err != nil {
		return usage{}, err
	}
	if changed == 1 {
		r.bench.wait = append(r.bench.wait, u.wall-u.cpu())
	}
	if p != work.Full {
		return u, nil
	}
	empty := r.bench.empty()
	// A full sync lists what is there, to compare.
	for _, list := range [][2]string{{"map", "service-ips"}, {"set", "cluster-ips"}} {
		dump, err := r.run(ctx, nil, r.path, "--json", "list", list[0], "ip", "kube-proxy", list[1])
		if err != nil {
			return usage{}, err
		}
		dump = dump.less(empty)
		u.user += dump.user
		u.kernel += dump.kernel
	}
	return u, nil
}

// ask times the listings that kube-proxy makes itself, on every sync that does not find the table
// empty. It returns no rows without root: this process cannot enter the namespace then.
func (r *nftablesRun) ask() ([]work.Row, error) {
	if r.rootless {
		return nil, nil
	}
	var rows []work.Row
	err := r.inside(func() error {
		for _, list := range []struct {
			listed
			units [4]float64
		}{{listedChains, work.ListedChains(&r.size)}, {listedSets, work.ListedSets(&r.size)}} {
			var times []time.Duration
			for range 7 {
				var err error
				times = append(times, threadTime(func() { _, err = list.names() }))
				if err != nil {
					return err
				}
			}
			rows = append(rows, work.Row{Units: list.units[:], Nanos: float64(medianTime(times))})
		}
		return nil
	})
	return rows, err
}
