package proxymodel

import "math"

// ipWork is the units of work of one iptables sync: see [IPTablesCost].
type ipWork struct {
	execs   float64 // processes
	lines   float64 // rules read by iptables-restore
	decls   float64 // chain lines read by it
	fetches float64 // times table nat is fetched
	saves   float64 // times it is printed
	rules   float64 // of table nat before the sync; none at the first
	commit  float64 // rules of table nat after the sync
	chains  float64
	always  float64
}

// Every full sync asks for its 14 jumps by name, `iptables -N` and `iptables
// -C`: three of them are in table nat (pkg/proxy/iptables/proxier.go:364,686).
const (
	ensureExecs    = 28
	ensureNATExecs = 6
)

func iptablesWork(s *Shape, p phase, changed float64) ipWork {
	t := &s.IPTables
	w := ipWork{
		execs: 1, fetches: 1, rules: float64(t.Rules), commit: float64(t.Rules), chains: float64(t.Chains),
		lines: float64(t.Rules), decls: float64(t.Chains), always: float64(t.Always),
	}
	if !s.large() {
		w.execs, w.saves = 2, 1
	}
	switch p {
	case first:
		w.execs, w.saves, w.rules, w.fetches = ensureExecs+2, 0, 0, 0
	case full:
		w.execs += ensureExecs
		w.fetches += ensureNATExecs
	case partial:
		e := float64(s.Endpoints) / float64(max(s.Ports, 1))
		w.lines = min(w.lines, w.always+changed*(1+3*e))
		w.decls = min(w.decls, 4+changed*(1+e))
	}
	return w
}

// iptablesSync is the formula of [IPTablesCost].
func iptablesSync(c *IPTablesCost, x XTables, s *Shape, p phase, changed float64) Sync {
	w := iptablesWork(s, p, changed)
	fetched := w.rules * w.fetches
	user := float64(c.Line)*w.lines + float64(c.Parse)*fetched + float64(c.Save)*w.rules*w.saves
	kernel := float64(c.Fetch)*fetched + float64(c.SaveKernel)*w.rules*w.saves
	if x == NFT {
		user += float64(c.Chains)*w.decls*w.decls + float64(c.LineChain)*w.lines*w.chains
		kernel += float64(c.Commit) * w.lines
		if p != first { // the old ones are deleted
			kernel += float64(c.Rewrite) * w.always
		}
	} else {
		user += float64(c.Chains) * w.decls * w.chains * math.Sqrt(w.chains)
		kernel += float64(c.Commit)*w.commit + float64(c.Rewrite)*w.always
	}
	out := c.Proxy.sync(s, p, changed)
	out.Exec = nanos(float64(c.Exec) * w.execs)
	out.Restore, out.Kernel, out.Wait = nanos(user), nanos(kernel), nanos(float64(c.Wait))
	return out
}

// sync is kube-proxy's own part.
func (c *ProxyCost) sync(s *Shape, p phase, changed float64) Sync {
	at := func(b ByPhase) float64 {
		switch p {
		case first:
			return float64(b.First)
		case full:
			return float64(b.Full)
		}
		return float64(b.Partial)
	}
	user := float64(c.Base) + at(c.Port)*float64(s.Ports) + at(c.Endpoint)*float64(s.Endpoints) + at(c.Map)*float64(s.NFTables.Maps)
	if p == partial {
		user += float64(c.Change) * changed
	}
	return Sync{User: nanos(user * (1 - c.Background)), Background: nanos(user * c.Background)}
}

// cleanup is what a large cluster adds once per sync period: printing table
// nat to find stale chains.
func (b backend) cleanup() Sync {
	c := &b.machine.Legacy
	if b.xtables == NFT {
		c = &b.machine.IPTablesNFT
	}
	r := float64(b.shape.IPTables.Rules)
	return Sync{Exec: nanos(float64(c.Exec)), Restore: nanos(float64(c.Save) * r), Kernel: nanos(float64(c.SaveKernel) * r)}
}
