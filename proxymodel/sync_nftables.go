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
	pairs := maps * maps * math.Sqrt(math.Sqrt(maps))
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
func (w *nftWork) user() [4]float64 {
	return [4]float64{min(w.ops, 1), w.ops, w.elements, w.dumped}
}

// kernel is the units of [NFTablesCost.kernel].
func (w *nftWork) kernel() [6]float64 {
	return [6]float64{w.ops, w.elements, w.pairs, w.dumped, w.listed, w.listedMaps}
}

// nftablesSync is the formula of [NFTablesCost].
func nftablesSync(c *NFTablesCost, s *Shape, p phase, changed float64) Sync {
	w := nftablesWork(s, p, changed)
	user, kernel := w.user(), w.kernel()
	out := c.Proxy.sync(nftablesProxyUnits(s, p, changed))
	out.User += nanos(c.Ask.listing(s, p))
	out.Exec = nanos(float64(c.Exec) * w.execs)
	out.Restore = nanos(c.user().of(user[:]))
	out.Kernel = nanos(c.kernel().of(kernel[:]))
	out.Wait = nanos(float64(c.Wait) * min(w.ops, 1))
	return out
}

// nftablesProxyUnits is the work of [ProxyCost.terms] in nftables mode: with
// the ports and maps of a partial sync grow the processor's cache misses.
func nftablesProxyUnits(s *Shape, p phase, changed float64) [13]float64 {
	u := proxyUnits(s, p, changed)
	u[6] *= sixthRoot(u[6])
	u[12] *= sixthRoot(u[12])
	return u
}

// nftSets is how many named sets and maps the table has beside the anonymous
// maps of endpoints.
const nftSets = 7

// nftListing is the chains, and the sets and maps, that kube-proxy lists.
func nftListing(s *Shape) (chains, sets float64) {
	return float64(s.NFTables.Chains), float64(nftSets + s.NFTables.Maps + s.NFTables.AffinitySets)
}

// listing is the cost of that in one sync.
func (c *ListCost) listing(s *Shape, p phase) float64 {
	if p == first {
		return 0
	}
	chains, sets := nftListing(s)
	return c.terms().of([]float64{chains, chains * chains, sets, sets * sets})
}

func sixthRoot(x float64) float64 { return math.Cbrt(math.Sqrt(x)) }
