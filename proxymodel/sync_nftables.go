package proxymodel

import "math"

// nftWork is the units of work of one nftables sync: see [NFTablesCost].
type nftWork struct {
	execs, ops, elements, dumped float64
	visits, bindVisits, cold     float64
	listed, listedMaps           float64
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
	w := nftWork{execs: nftLists + 1, elements: float64(t.MapElements)}
	extra := float64(max(t.Elements-2*s.Ports, 0)) // of node ports, load balancers, external IPs
	switch p {
	case first:
		w.ops = nftFirstBase + 5*ports + extra
		w.write(maps, 0, w.ops-ports) // a new chain has nothing to flush
	case full:
		w.ops = nftFullBase + 3*ports + extra
		w.dumped, w.listed, w.listedMaps = ports+extra, ports, maps
		w.write(maps, maps, w.ops)
	case partial:
		n := max(ports, 1)
		w.execs, w.ops, w.elements = 1, 3*changed, w.elements*changed/n
		w.listed, w.listedMaps = ports*min(changed, 1), maps*min(changed, 1)
		w.write(maps*changed/n, maps, w.ops)
	}
	return w
}

// write is the visits of a transaction of so many objects, and two more for
// each map, that writes maps among them to a table where so many are. One that
// replaces another is in the list beside it until the commit, and costs then
// four fifths: measured, its name is not read to the end. The lists are two
// thirds of what they become when the mean object is visited.
func (w *nftWork) write(maps, existing, objects float64) {
	sets := nftSets + existing + maps/2
	if existing > 0 {
		sets = nftSets + existing + 0.4*maps
	}
	objects += 2 * maps
	w.visit(maps, sets, objects/2, setSize*(nftSets+existing)+2./3*(objects+setSize*maps))
}

// Lists as long as coldList make a visit cost [NFTablesCost.Cold] more, and up
// to warmList they do not: in objects, of some 100 bytes of which the kernel
// reads the first 64. A set is as long as setSize of them, and missed in the
// caches coldSet times as often by a map that goes through the sets four times
// and through the objects once. All measured, with 1 MB of L2 and 32 MB of L3
// that are shared.
const (
	warmList = 50_000
	coldList = 90_000
	setSize  = 4
	coldSet  = 4
)

// visit is maps that each visit so many sets and objects, in lists of length.
func (w *nftWork) visit(maps, sets, objects, length float64) {
	w.visits = maps * sets
	w.bindVisits = maps * objects
	w.cold = maps * (coldSet*sets + objects) * coldness(length, warmList, coldList)
}

// user is the units of [NFTablesCost.user].
func (w *nftWork) user() [4]float64 {
	return [4]float64{min(w.ops, 1), w.ops, w.elements, w.dumped}
}

// kernel is the units of [NFTablesCost.kernel].
func (w *nftWork) kernel() [8]float64 {
	return [8]float64{w.ops, w.elements, w.visits, w.bindVisits, w.cold, w.dumped, w.listed, w.listedMaps}
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
