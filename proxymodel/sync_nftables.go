package proxymodel

import "math"

// nftWork is the units of work of one nftables sync: see [NFTablesCost].
type nftWork struct {
	execs, ops, elements, dumped float64
	pairs, listed, listedMaps    float64
}

// A first and a full sync list seven maps and sets, then run one transaction:
// of table-level operations, and five or three per service port (its chain,
// flushed or not; its rules; its elements). A partial one is the transaction
// of three operations per changed service; one without any does not commit.
const (
	nftLists     = 7
	nftFirstBase = 91
	nftFullBase  = 78
)

func nftablesWork(s *Shape, p phase, changed float64) nftWork {
	t := &s.NFTables
	ports, maps := float64(s.Ports), float64(t.Maps)
	pairs := maps * maps * sixthRoot(maps)
	w := nftWork{execs: nftLists + 1, elements: float64(t.MapElements)}
	extra := float64(max(t.Elements-2*s.Ports, 0)) // of node ports, load balancers, external IPs
	switch p {
	case first:
		w.ops, w.pairs = nftFirstBase+5*ports+extra, pairs/2
	case full:
		w.ops, w.pairs = nftFullBase+3*ports+extra, pairs*5/4
		w.dumped, w.listed, w.listedMaps = ports+extra, ports, maps
	case partial:
		n := max(ports, 1)
		w.execs, w.ops, w.elements = 1, 3*changed, w.elements*changed/n
		w.pairs = pairs * changed / n
		w.listed, w.listedMaps = ports*min(changed, 1), maps*min(changed, 1)
	}
	return w
}

// user is the units of [NFTablesCost.user].
func (w *nftWork) user() [3]float64 { return [3]float64{w.ops, w.elements, w.dumped} }

// kernel is the units of [NFTablesCost.kernel].
func (w *nftWork) kernel() [6]float64 {
	return [6]float64{w.ops, w.elements, w.pairs, w.dumped, w.listed, w.listedMaps}
}

// nftablesSync is the formula of [NFTablesCost].
func nftablesSync(c *NFTablesCost, s *Shape, p phase, changed float64) Sync {
	w := nftablesWork(s, p, changed)
	user, kernel := w.user(), w.kernel()
	out := c.Proxy.sync(nftablesProxyUnits(s, p, changed))
	out.Exec = nanos(float64(c.Exec) * w.execs)
	out.Restore = nanos(c.user().of(user[:]))
	out.Kernel = nanos(c.kernel().of(kernel[:]))
	out.Wait = nanos(float64(c.Wait) * min(w.ops, 1))
	return out
}

// nftablesProxyUnits is the work of [ProxyCost.terms] in nftables mode. Every
// partial sync lists all chains and sets, and the kernel starts each piece of a
// listing at the beginning again: it grows faster than they do.
func nftablesProxyUnits(s *Shape, p phase, changed float64) [11]float64 {
	u := proxyUnits(s, p, changed)
	u[4] *= sixthRoot(u[4])
	u[10] *= sixthRoot(u[10])
	return u
}

func sixthRoot(x float64) float64 { return math.Cbrt(math.Sqrt(x)) }
