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

// user is the units of [IPTablesCost.user].
func (w *ipWork) user(x XTables) [5]float64 {
	u := [5]float64{w.lines, w.rules * w.fetches, w.rules * w.saves}
	if x == NFT {
		u[3], u[4] = w.lines*w.decls*math.Sqrt(w.decls), w.always*w.always
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
