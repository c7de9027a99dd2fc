package proxymodel

// Memory holds the bytes that a mode's rules take on a node.
type Memory struct {
	Kernel int64 // the tables; while a legacy iptables sync commits, twice that

	// Proxy is kube-proxy's live heap: services, endpoints and buffers. With Go's default pacing it
	// grows to twice that between collections.
	Proxy int64
}

// Sizes of the structures of ip_tables on 64-bit (include/uapi/linux/netfilter_ipv4/ip_tables.h). A
// rule is its header, matches and target; a chain has a head and a tail rule; every rule has a
// counter per processor. Held against the growth of the kernel's memory, 5,000 and 10,000 services
// of one endpoint: 12.5 and 25.0 MB computed, 13.2 and 25.2 MB measured.
const (
	xtRule    = 192 // mean of a jump by chance, a masquerade mark and a DNAT
	xtService = 296 // more for a service's address, protocol and comment, in two rules per service
	xtComment = 288 // in the rules of endpoints of small clusters, three each
	xtChain   = 328
	xtCounter = 16
)

// The other modes' tables, measured as growth of the kernel's memory, kernel 6.18. iptables-nft
// took 4.8, 11.7 and 10.1 MB at 1000x1, 3000x1 and 500x10 services x endpoints. nftables took 9.1,
// 1.6 and 3.1 MB at 10000x1, 1000x10 and 2000x2. The constants are rough, to a fifth. Those of ipvs
// are sizes of its structures, not measured.
const (
	nftRule        = 730 // iptables-nft: a rule with its share of chains
	nftPortBytes   = 915 // nftables: a port's chain, rule and elements
	nftMapBytes    = 620
	nftMapElement  = 16
	ipvsServer     = 512
	ipvsRealServer = 512
	ipsetEntry     = 64
)

// Live heap of kube-proxy, measured at 100 to 10,000 services within 5 %.
const (
	heapBase        = 1_750_000
	heapPort        = 2890
	heapEndpoint    = 1140
	heapPortNFT     = 2800
	heapEndpointNFT = 620
)

func (b *backend) memory() Memory {
	s := b.shape
	ports, endpoints := int64(s.Ports), int64(s.Endpoints)
	switch b.mode {
	case NFTables:
		t := &s.NFTables
		return Memory{
			Kernel: nftPortBytes*ports + nftMapBytes*int64(t.Maps) + nftMapElement*int64(t.MapElements),
			Proxy:  heapBase + heapPortNFT*ports + heapEndpointNFT*endpoints,
		}
	case IPVS:
		t := &s.IPVS
		return Memory{
			Kernel: ipvsServer*int64(t.VirtualServers) + ipvsRealServer*int64(t.RealServers) +
				ipsetEntry*int64(t.Entries),
			Proxy: heapBase + heapPort*ports + heapEndpoint*endpoints,
		}
	}
	m := Memory{
		Kernel: nftRule * int64(s.IPTables.Rules),
		Proxy:  heapBase + heapPort*ports + heapEndpoint*endpoints,
	}
	if b.xtables == Legacy {
		m.Kernel = b.legacyMemory()
	}
	return m
}

func (b *backend) legacyMemory() int64 {
	t := &b.shape.IPTables
	rules, chains := int64(t.Rules), int64(t.Chains)
	size := xtRule*rules + 2*xtService*int64(t.Always) + xtChain*chains
	if !b.shape.large() {
		size += 3 * xtComment * int64(b.shape.Endpoints)
	}
	return size + xtCounter*int64(b.machine.cores())*(rules+2*chains)
}
