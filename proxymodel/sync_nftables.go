package proxymodel

// nftWork is the units of work of one nftables sync: see [NFTablesCost].
type nftWork struct {
	execs, ops, elements, listed, pairs float64
}

// A first and a full sync list nine maps and sets, then run one transaction:
// of table-level operations, and five or three per service port (its chain,
// flushed or not; its rules; its elements). A partial one is the transaction
// of three operations per changed service.
const (
	nftLists     = 9
	nftFirstBase = 91
	nftFullBase  = 78
)

func nftablesWork(s *Shape, p phase, changed float64) nftWork {
	t := &s.NFTables
	ports, maps := float64(s.Ports), float64(t.Maps)
	w := nftWork{execs: nftLists + 1, elements: float64(t.MapElements)}
	extra := float64(max(t.Elements-s.Ports, 0)) // of node ports, load balancers, external IPs
	switch p {
	case first:
		w.ops, w.pairs = nftFirstBase+5*ports+extra, maps*maps/2
	case full:
		w.ops, w.pairs, w.listed = nftFullBase+3*ports+extra, maps*maps, 1
	case partial:
		n := max(ports, 1)
		w.execs, w.ops, w.elements = 1, 3*changed, w.elements*changed/n
		w.pairs = maps * maps * changed / n
		w.listed = min(changed, 1)
	}
	return w
}

// nftablesSync is the formula of [NFTablesCost].
func nftablesSync(c *NFTablesCost, s *Shape, p phase, changed float64) Sync {
	w := nftablesWork(s, p, changed)
	ports, maps := float64(s.Ports), float64(s.NFTables.Maps)
	user := float64(c.Op)*w.ops + float64(c.Element)*w.elements
	if p != first {
		user += float64(c.List) * ports
	}
	kernel := float64(c.OpKernel)*w.ops + float64(c.ElementKernel)*w.elements + float64(c.Pair)*w.pairs +
		w.listed*(float64(c.ListKernel)*ports+float64(c.ListMap)*maps)
	out := c.Proxy.sync(s, p, changed)
	out.Exec = nanos(float64(c.Exec) * w.execs)
	out.Restore, out.Kernel = nanos(user), nanos(kernel)
	out.Wait = nanos(float64(c.Wait) * min(w.ops, 1))
	return out
}
