package proxymodel

import "github.com/redline-go/redline/proxymodel/internal/work"

// backend is one mode's cost. It is a value so that Predict allocates nothing.
type backend struct {
	mode    Mode
	xtables XTables
	shape   *Shape
	size    work.Size
	machine *Machine
	noPart  bool // every sync is a full one
}

func backendOf(m Mode, v Version, machine *Machine, s *Shape) backend {
	return backend{
		mode: m, xtables: machine.XTables, shape: s, size: s.size(), machine: machine,
		noPart: m == IPVS || m == NFTables && v == V1_29,
	}
}

// size returns what the units of work depend on.
func (s *Shape) size() work.Size {
	return work.Size{
		Ports: s.Ports, Endpoints: s.Endpoints, Large: s.large(),
		Rules: s.IPTables.Rules, Chains: s.IPTables.Chains, Always: s.IPTables.Always,
		Listed: s.NFTables.Chains, Elements: s.NFTables.Elements, Maps: s.NFTables.Maps,
		MapElements: s.NFTables.MapElements, AffinitySets: s.NFTables.AffinitySets,
	}
}

// sync returns the cost of one sync of a phase in which changed services differ.
func (b *backend) sync(p work.Phase, changed float64) Sync {
	if b.noPart && p == work.Partial {
		p = work.Full
	}
	switch b.mode {
	case IPTables:
		return b.iptables().sync(b.xtables, &b.size, p, changed)
	case NFTables:
		return b.machine.NFTables.sync(&b.size, p, changed)
	}
	return b.machine.IPVS.sync(b.shape, &b.size, p, changed)
}

// iptables returns the costs of the binary that the node's kube-proxy calls.
func (b *backend) iptables() *IPTablesCost {
	if b.xtables == NFT {
		return &b.machine.IPTablesNFT
	}
	return &b.machine.Legacy
}

// sync evaluates the formula of [IPTablesCost].
func (c *IPTablesCost) sync(x XTables, s *work.Size, p work.Phase, changed float64) Sync {
	w := work.IPTablesSync(s, p, changed)
	user, kernel := w.User(x == NFT), w.Kernel(x == NFT)
	out := c.Proxy.sync(work.Proxy(s, p, changed))
	out.Exec = nanos(float64(c.Exec) * w.Execs)
	out.Restore = nanos(c.user().of(user[:]))
	out.Kernel = nanos(c.kernel().of(kernel[:]))
	out.Wait = nanos(float64(c.Wait))
	return out
}

// sync evaluates the formula of [NFTablesCost].
func (c *NFTablesCost) sync(s *work.Size, p work.Phase, changed float64) Sync {
	w := work.NFTablesSync(s, p, changed)
	user, kernel := w.User(), w.Kernel()
	out := c.Proxy.sync(work.NFTablesProxy(s, p, changed))
	out.User += nanos(c.listing(s, p))
	out.Exec = nanos(float64(c.Exec) * w.Execs)
	out.Restore = nanos(c.user().of(user[:]))
	out.Kernel = nanos(c.kernel().of(kernel[:]))
	out.Wait = nanos(float64(c.Wait) * min(w.Ops, 1))
	return out
}

// listing returns the nanoseconds of kube-proxy's own listing in one sync.
func (c *NFTablesCost) listing(s *work.Size, p work.Phase) float64 {
	units := work.Listed(s, p)
	return c.Ask.terms().of(units[:])
}

// The processes of one ipvs sync, counted in the real proxier: 20 iptables calls and a restore of
// 19 rules, 17 ipsets created and listed (pkg/proxy/ipvs/proxier.go:658).
const (
	ipvsIPTables = 21
	ipvsIPSets   = 34
)

// sync counts the processes and calls of one ipvs sync, and prices them. Each virtual server costs
// two gets and a list of its real servers. What is new costs a process for each ipset entry, and a
// call for each virtual server, real server and address.
func (c *IPVSCost) sync(shape *Shape, s *work.Size, p work.Phase, changed float64) Sync {
	t := &shape.IPVS
	execs := float64(ipvsIPTables + ipvsIPSets)
	calls := 3*float64(t.VirtualServers) + 2
	entries := float64(t.Entries)
	if p == work.First {
		execs += entries
		calls += float64(t.VirtualServers + t.RealServers + t.Addresses)
		entries = 0
	} else {
		calls += 2 * changed // the endpoint that left and the one that came
	}
	out := c.Proxy.sync(work.Proxy(s, p, changed))
	out.Exec = nanos(float64(c.Exec) * execs)
	out.Restore = nanos(float64(c.Entry) * entries)
	out.Kernel = nanos(float64(c.Call) * calls)
	return out
}

// sync prices kube-proxy's own part.
func (c *ProxyCost) sync(units [13]float64) Sync {
	user := c.terms().of(units[:])
	return Sync{User: nanos(user * (1 - c.Background)), Background: nanos(user * c.Background)}
}

// cleanup returns what a large cluster adds once per sync period: table nat is printed to find
// stale chains.
func (b *backend) cleanup() Sync {
	c := b.iptables()
	r := float64(b.shape.IPTables.Rules)
	return Sync{
		Exec:    nanos(float64(c.Exec)),
		Restore: nanos(float64(c.Save) * r),
		Kernel:  nanos(float64(c.SaveKernel) * r),
	}
}

// costs lists coefficients in the order of their units in package work.
type costs []*Nanos

// of returns the nanoseconds of so many units of each.
func (c costs) of(units []float64) float64 {
	sum := 0.0
	for i, p := range c {
		sum += float64(*p) * units[i]
	}
	return sum
}
