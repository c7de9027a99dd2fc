package proxymodel

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Predict answers what a kube-proxy of mode m and version v costs a node like
// machine: its syncs, how often they come and how stale that leaves the node,
// its share of the processors, the first packet of a connection, memory, and
// the updates that the API server sends for it.
//
//	p, err := proxymodel.Predict(proxymodel.IPTables, proxymodel.V1_29,
//		proxymodel.DefaultMachine(), proxymodel.Uniform(4500, 2),
//		proxymodel.Churn{Changes: 10, Nodes: 100})
//
// Errors name what is out of range. A shape beyond what was measured gets a
// warning that wraps [ErrExtrapolated].
func Predict(m Mode, v Version, machine Machine, s Shape, c Churn) (Prediction, error) {
	if err := checkAsked(m, v, &s); err != nil {
		return Prediction{}, err
	}
	if err := c.check(); err != nil {
		return Prediction{}, err
	}
	if machine.Source == "" {
		machine = DefaultMachine()
	}
	c = c.withDefaults(m)
	b := backendOf(m, v, &machine, &s)
	var p Prediction
	p.First, p.Full = b.sync(first, 0), b.sync(full, 0)
	p.settle(b, v, c)
	p.CPUShare = p.share(b, v, c)
	p.FirstPacket = b.packet()
	p.Memory = b.memory()
	p.FanOut = c.Changes * float64(c.Nodes) * float64(watchEvent(s.sliceBytes()))
	p.Warnings = warnings(m, v, &machine, &s)
	return p, nil
}

// PartialSync is the cost of one sync in which changed services differ: what
// [Predict] gives for as many as come under its churn.
func PartialSync(m Mode, v Version, machine Machine, s Shape, changed int) (Sync, error) {
	if changed < 0 || changed > s.Ports {
		return Sync{}, fmt.Errorf("proxymodel: PartialSync: changed is %d, want 0 to the shape's %d ports", changed, s.Ports)
	}
	if err := checkAsked(m, v, &s); err != nil {
		return Sync{}, err
	}
	if machine.Source == "" {
		machine = DefaultMachine()
	}
	return backendOf(m, v, &machine, &s).sync(partial, float64(changed)), nil
}

// checkAsked refuses modes, versions and shapes that there are none of.
func checkAsked(m Mode, v Version, s *Shape) error {
	switch {
	case m < IPTables || m > IPVS:
		return fmt.Errorf("proxymodel: unknown mode %v, want iptables, nftables or ipvs", m)
	case v < V1_29 || v > V1_37:
		return fmt.Errorf("proxymodel: unknown version %v, want v1.29 or v1.37", v)
	}
	return s.check()
}

// phase is a kind of sync.
type phase int

const (
	first phase = iota
	full
	partial
)

// backend is one mode's cost, by value so that Predict allocates nothing.
type backend struct {
	mode    Mode
	xtables XTables
	shape   *Shape
	machine *Machine
	noPart  bool // every sync is a full one
}

func backendOf(m Mode, v Version, machine *Machine, s *Shape) backend {
	return backend{
		mode: m, xtables: machine.XTables, shape: s, machine: machine,
		noPart: m == IPVS || m == NFTables && v == V1_29,
	}
}

// sync is the cost of one sync of a phase in which changed services differ.
func (b backend) sync(p phase, changed float64) Sync {
	if b.noPart && p == partial {
		p = full
	}
	switch b.mode {
	case IPTables:
		if b.xtables == NFT {
			return iptablesSync(&b.machine.IPTablesNFT, NFT, b.shape, p, changed)
		}
		return iptablesSync(&b.machine.Legacy, Legacy, b.shape, p, changed)
	case NFTables:
		return nftablesSync(&b.machine.NFTables, b.shape, p, changed)
	}
	return ipvsSync(&b.machine.IPVS, b.shape, p, changed)
}

// settle finds the sync that follows itself: the longer a sync takes, the more
// changes wait for the next. The cost is linear in them, so that a few rounds
// of substitution are enough; a sync can't hold more services than there are.
func (p *Prediction) settle(b backend, v Version, c Churn) {
	n := float64(max(b.shape.Ports, 1))
	s0, s1 := b.sync(partial, 0), b.sync(partial, 1)
	slope := float64(s1.Duration() - s0.Duration())
	k, d := 0.0, float64(s0.Duration())
	for range 50 {
		before := k
		k = n * -math.Expm1(-c.Changes*runnerPeriod(v, seconds(d), c)/n)
		if k > 0 {
			k = max(k, 1)
		}
		d = float64(s0.Duration()) + slope*k
		if math.Abs(k-before) <= 1e-3*k {
			break
		}
	}
	p.Changed = min(k, n)
	p.Partial = b.sync(partial, p.Changed)
	p.Period = duration(runnerPeriod(v, p.Partial.Duration().Seconds(), c))
	p.Staleness = staleness(v, p.Partial.Duration(), c)
}

// share is the mean processor use: syncs at their period, forced full ones,
// kube-proxy's own full sync once an hour, and in large clusters the clean-up.
func (p *Prediction) share(b backend, v Version, c Churn) float64 {
	perSecond := 0.0
	if c.Changes > 0 {
		perSecond = p.Partial.CPU().Seconds() / p.Period.Seconds()
	}
	idle := 1 / time.Hour.Seconds()
	if b.noPart {
		idle = 1 / c.SyncPeriod.Seconds()
	}
	if hourly := b.noPart || v == V1_37 && !(b.mode == IPTables && b.shape.large()); hourly && c.Changes*p.Period.Seconds() < 1 {
		perSecond += idle * p.Full.CPU().Seconds()
	}
	perSecond += c.Fulls * p.Full.CPU().Seconds()
	if b.mode == IPTables && b.shape.large() && c.Changes > 0 {
		perSecond += b.cleanup().CPU().Seconds() / max(c.SyncPeriod.Seconds(), p.Period.Seconds())
	}
	return min(1, perSecond/float64(b.machine.cores()))
}

// ErrExtrapolated is wrapped by the warnings of a prediction that leaves the
// range its coefficients were measured in.
var ErrExtrapolated = errors.New("outside the measured range")

// ErrUnmeasured is wrapped by the warnings of a prediction that stands on
// assumed coefficients.
var ErrUnmeasured = errors.New("not measured")

// The range of the measurements behind the coefficients.
const (
	measuredPorts     = 20_000
	measuredEndpoints = 100_000
)

var (
	errLarge = fmt.Errorf("proxymodel: Shape has more than %d ports or %d endpoints: %w", measuredPorts, measuredEndpoints, ErrExtrapolated)
	errIPVS  = fmt.Errorf("proxymodel: the netlink calls of ipvs mode are assumed from their number: %w", ErrUnmeasured)
	errAlpha = fmt.Errorf("proxymodel: nftables mode is alpha in v1.29 and other rules than v1.37's, whose cost is given: %w", ErrUnmeasured)

	warnSets = [8][]error{
		1: {errLarge}, 2: {errIPVS}, 3: {errLarge, errIPVS}, 4: {errAlpha}, 5: {errLarge, errAlpha},
	}
)

// warnings answers a shared slice, or the machine's own followed by it.
func warnings(m Mode, v Version, machine *Machine, s *Shape) []error {
	i := 0
	if s.Ports > measuredPorts || s.Endpoints > measuredEndpoints {
		i = 1
	}
	switch {
	case m == IPVS:
		i += 2
	case m == NFTables && v == V1_29:
		i += 4
	}
	if len(machine.Warnings) == 0 {
		return warnSets[i][:len(warnSets[i]):len(warnSets[i])]
	}
	return append(machine.Warnings[:len(machine.Warnings):len(machine.Warnings)], warnSets[i]...)
}

func nanos(x float64) time.Duration    { return time.Duration(math.Round(min(x, math.MaxInt64/4))) }
func seconds(ns float64) float64       { return ns / 1e9 }
func duration(s float64) time.Duration { return nanos(s * 1e9) }
