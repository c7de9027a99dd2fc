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

	compared float64 // nft: names passed in its list of chains
	names    float64 // nft: that list's length
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
	written := float64(s.Ports)
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
		written = changed
	}
	w.compare(float64(s.Ports), float64(t.Chains), written)
	return w
}

// compare is what iptables-nft-restore does to know which chains to ask for: it
// keeps a sorted list of the names that it reads, and for each chain line, and
// each rule's chain and the one that it jumps to, passes all before it in the
// list (iptables 1.8.9, cache_chain_list_insert of nft-cache.c). KUBE-SEP is
// before KUBE-SERVICES and that before KUBE-SVC, so that each rule of
// KUBE-SERVICES passes all endpoints' chains twice.
func (w *ipWork) compare(ports, chains, written float64) {
	endpoints := max(0, chains-ports) * written / max(ports, 1) // of the services written
	services := ports/4 + written/4                             // half of the list's, on average: rules that jump to them lengthen it
	w.compared = w.always*(2*endpoints+services) +
		written*(endpoints+services) + // each to its mark
		endpoints*(1.5*endpoints+services) + endpoints*endpoints + // to each endpoint, and its own two rules
		written*(endpoints/2+written/4) + endpoints*endpoints/4 // the chain lines
	w.names = chains
	if written < ports { // a name first met in a rule lies alone in memory
		w.names = min(chains, 1.5*w.always+written+endpoints)
	}
}

// coldNames is the list at which passing a name costs [IPTablesCost.Cold] more,
// and warmNames that up to which it does not: fitted, with some 100 bytes of
// memory a name 0.2 and 1.4 MB.
const (
	warmNames = 2000
	coldNames = 14_000
)

func coldness(length, warm, cold float64) float64 {
	return min(max(0, length-warm)/(cold-warm), 1)
}

// user is the units of [IPTablesCost.user].
func (w *ipWork) user(x XTables) [5]float64 {
	u := [5]float64{w.lines, w.rules * w.fetches, w.rules * w.saves}
	if x == NFT {
		u[3], u[4] = w.compared, w.compared*coldness(w.names, warmNames, coldNames)
	} else {
		u[3] = w.decls * w.chains * math.Sqrt(w.chains)
	}
	return u
}

// kernel is the units of [IPTablesCost.kernel].
func (w *ipWork) kernel(x XTables) [4]float64 {
	k := [4]float64{w.rules * w.fetches, w.commit, w.always, w.rules * w.saves}
	if x == NFT {
		k[1] = w.lines
		if w.rules == 0 {
			k[2] = 0 // no old ones to delete
		}
	}
	return k
}

// iptablesSync is the formula of [IPTablesCost].
func iptablesSync(c *IPTablesCost, x XTables, s *Shape, p phase, changed float64) Sync {
	w := iptablesWork(s, p, changed)
	user, kernel := w.user(x), w.kernel(x)
	out := c.Proxy.sync(proxyUnits(s, p, changed))
	out.Exec = nanos(float64(c.Exec) * w.execs)
	out.Restore = nanos(c.user().of(user[:]))
	out.Kernel = nanos(c.kernel().of(kernel[:]))
	out.Wait = nanos(float64(c.Wait))
	return out
}

// proxyUnits is the work of [ProxyCost.terms].
func proxyUnits(s *Shape, p phase, changed float64) [13]float64 {
	var u [13]float64
	if p == partial {
		u[0] = changed
	}
	u[1+int(p)] = 1
	u[4+int(p)], u[7+int(p)], u[10+int(p)] = float64(s.Ports), float64(s.Endpoints), float64(s.NFTables.Maps)
	return u
}

// sync is kube-proxy's own part.
func (c *ProxyCost) sync(units [13]float64) Sync {
	user := c.terms().of(units[:])
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
