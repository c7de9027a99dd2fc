package work

import "math"

// NFTables holds the units of one nftables sync. proxymodel.NFTablesCost has the formula.
type NFTables struct {
	Execs, Ops, Elements, Dumped float64
	Visits, BindVisits, Cold     float64
	ListedPorts, ListedMaps      float64
}

// A first and a full sync list seven maps and sets, then run one transaction. It holds table-level
// operations, and five or three for each service port: its chain, flushed or not; its rules; its
// elements. A partial sync's transaction has three operations for each changed service. One
// without any does not commit.
const (
	nftLists     = 7
	nftFirstBase = 91
	nftFullBase  = 78
)

// nftSets counts the table's named sets and maps, beside the anonymous maps of endpoints.
const nftSets = 7

// NFTablesSync counts a sync in which changed services differ.
func NFTablesSync(s *Size, p Phase, changed float64) NFTables {
	ports, maps := float64(s.Ports), float64(s.Maps)
	w := NFTables{Execs: nftLists + 1, Elements: float64(s.MapElements)}
	extra := float64(max(s.Elements-2*s.Ports, 0)) // of node ports, load balancers, external IPs
	switch p {
	case First:
		w.Ops = nftFirstBase + 5*ports + extra
		w.write(maps, 0, w.Ops-ports) // a new chain has nothing to flush
	case Full:
		w.Ops = nftFullBase + 3*ports + extra
		w.Dumped, w.ListedPorts, w.ListedMaps = ports+extra, ports, maps
		w.write(maps, maps, w.Ops)
	case Partial:
		n := max(ports, 1)
		w.Execs, w.Ops, w.Elements = 1, 3*changed, w.Elements*changed/n
		w.ListedPorts, w.ListedMaps = ports*min(changed, 1), maps*min(changed, 1)
		w.write(maps*changed/n, maps, w.Ops)
	}
	return w
}

// write adds the visits of a transaction that creates maps maps while existing maps are in the
// table. The transaction has objects objects, and two more for each map.
//
// A map that replaces another is in the list beside it until the commit. It costs four fifths
// then, measured: its name is not read to the end. The lists are two thirds of their final length
// when the mean object is visited.
func (w *NFTables) write(maps, existing, objects float64) {
	sets := nftSets + existing + maps/2
	if existing > 0 {
		sets = nftSets + existing + 0.4*maps
	}
	objects += 2 * maps
	w.Visit(maps, sets, objects/2, SetSize*(nftSets+existing)+2./3*(objects+SetSize*maps))
}

// A visit costs proxymodel.NFTablesCost.Cold more in lists of ColdList objects, and nothing more in
// lists of up to warmList. An object has some 100 bytes, of which the kernel reads the first 64. A
// set counts as SetSize objects. A map goes through the sets four times and through the objects
// once, so it misses a set in the caches coldSet times as often. All of this is measured, with 1 MB
// of L2 and 32 MB of shared L3.
const (
	warmList = 50_000
	ColdList = 90_000
	SetSize  = 4
	coldSet  = 4
)

// Visit sets the visits of maps that each go through sets sets and objects objects, in lists of
// the given length.
func (w *NFTables) Visit(maps, sets, objects, length float64) {
	w.Visits = maps * sets
	w.BindVisits = maps * objects
	w.Cold = maps * (coldSet*sets + objects) * Coldness(length, warmList, ColdList)
}

// User returns the units of Run, Op, Element and Dump.
func (w *NFTables) User() [4]float64 {
	return [4]float64{min(w.Ops, 1), w.Ops, w.Elements, w.Dumped}
}

// Kernel returns the units of OpKernel, ElementKernel, Visit, Bind, Cold, DumpKernel, List and
// ListMap.
func (w *NFTables) Kernel() [8]float64 {
	return [8]float64{w.Ops, w.Elements, w.Visits, w.BindVisits, w.Cold, w.Dumped, w.ListedPorts, w.ListedMaps}
}

// NFTablesProxy returns the units of kube-proxy's own work in nftables mode. In a partial sync,
// ports and maps cost their number to the power 7/6: larger tables miss the processor's caches
// more.
func NFTablesProxy(s *Size, p Phase, changed float64) [13]float64 {
	u := Proxy(s, p, changed)
	u[6] *= sixthRoot(u[6])
	u[12] *= sixthRoot(u[12])
	return u
}

func sixthRoot(x float64) float64 { return math.Cbrt(math.Sqrt(x)) }

// ListedChains returns the units of listing the table's chains: Chain, ChainWalk, Set and SetWalk.
func ListedChains(s *Size) [4]float64 {
	n := float64(s.Listed)
	return [4]float64{n, n * n, 0, 0}
}

// ListedSets returns the units of listing its sets and maps: Chain, ChainWalk, Set and SetWalk.
func ListedSets(s *Size) [4]float64 {
	n := float64(nftSets + s.Maps + s.AffinitySets)
	return [4]float64{0, 0, n, n * n}
}

// Listed returns the units of both listings, which kube-proxy makes in every sync but the first.
func Listed(s *Size, p Phase) [4]float64 {
	if p == First {
		return [4]float64{}
	}
	chains, sets := ListedChains(s), ListedSets(s)
	return [4]float64{chains[0], chains[1], sets[2], sets[3]}
}
