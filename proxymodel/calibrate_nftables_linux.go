package proxymodel

import (
	"context"
	"slices"
	"time"
)

// nftables measures nft.
func (c *calibration) nftables(ctx context.Context) error {
	path, err := lookPath("nft")
	if err != nil {
		return err
	}
	prior := c.machine.NFTables
	foresee := func(s *Shape) time.Duration {
		return nftablesSync(&prior, s, first, 0).CPU() + nftablesSync(&prior, s, full, 0).CPU()
	}
	begin := time.Now()
	failed := c.trials(ctx, nftablesTrials, foresee, func(ns *namespace, t trial, s *Shape) error {
		base, err := ns.firstPacket()
		r := nftablesRun{namespace: ns, path: path, bench: &c.nft, shape: s, script: script{services: t.services, endpoints: t.endpoints}}
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
	})
	if failed != nil {
		return failed
	}
	if time.Since(begin)+c.here(visitForeseen) > toolLimit {
		return errTooSlow
	}
	return c.visit(ctx)
}

// visitForeseen is what a [visitRun] takes on the machine of [DefaultMachine].
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

// visitAgain does so at another moment, if there is time left: whether lists as
// large stay in the processor's last cache depends on who else uses it then.
func (c *calibration) visitAgain(ctx context.Context) {
	if len(c.visited) > 0 && room(ctx, 2*c.visitTime) == nil {
		_ = c.visit(ctx) // what it measured before it failed is used
	}
}

// fitNFTables makes costs of the nftables mode's measurements.
func (c *calibration) fitNFTables() {
	b, cost := &c.nft, &c.machine.NFTables
	if len(b.rows) < 2*nftablesRows {
		return
	}
	b.rows = append(b.rows, c.visited...)
	b.into(&cost.Exec, cost.user(), cost.kernel(), c.ratio)
	if len(c.asked.rows) > 0 {
		c.asked.fit(cost.Ask.terms(), 2e4)
	} else {
		c.warn("how long kube-proxy's own listing of nftables chains and sets takes", errOutside)
	}
	cost.Wait = b.meanWait(cost.Wait)
	if last := b.lastPacket(); last.miss > 0 && last.hit >= last.miss {
		cost.Miss, cost.Hit = Nanos(last.miss), Nanos(last.hit)
	} else {
		c.warn("a first packet in nftables mode", b.noPackets())
	}
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
