package proxymodel

// nft129Base and nft129Jumps list the hooks and jumps of v1.29, where the mode was alpha
// (pkg/proxy/nftables/proxier.go at v1.29.2).
var nft129Base = [][4]string{
	{"filter-input", "filter", "input", "-101"},
	{"filter-forward", "filter", "forward", "-101"},
	{"filter-output", "filter", "output", "-101"},
	{"nat-prerouting", "nat", "prerouting", "-100"},
	{"nat-output", "nat", "output", "-100"},
	{"nat-postrouting", "nat", "postrouting", "100"},
}

var nft129Jumps = [][3]string{
	{"filter-input", "ct state new ", "endpoints-check"},
	{"filter-forward", "ct state new ", "endpoints-check"},
	{"filter-output", "ct state new ", "endpoints-check"},
	{"filter-forward", "", "forward"},
	{"filter-input", "ct state new ", "firewall-check"},
	{"filter-output", "ct state new ", "firewall-check"},
	{"filter-forward", "ct state new ", "firewall-check"},
	{"nat-output", "", "services"},
	{"nat-prerouting", "", "services"},
	{"nat-postrouting", "", "masquerading"},
}

// These are the sets and maps of v1.29 that hold elements per service.
const (
	services129 = iota
	noServices129
	noNodePorts129
	nodePorts129
	firewall129
	allow129
	numMaps129
)

var maps129 = [numMaps129]string{"service-ips", "no-endpoint-services", "no-endpoint-nodeports",
	"service-nodeports", "firewall", "firewall-allow"}

// nft129Frame writes the part of every sync of v1.29 that does not depend on the services.
func nft129Frame(f *family, n *Node) (*nftScript, int) {
	s := newScript(f)
	addr := "ipv4_addr"
	if f.v6 {
		addr = "ipv6_addr"
	}
	s.op("add", "table", `{ comment "rules for kube-proxy" ; }`)
	for _, c := range nft129Base {
		s.baseChain(c[0], c[1], c[2], c[3])
	}
	for _, j := range nft129Jumps {
		s.chain(j[2])
		s.rule(j[0], j[1]+"jump "+j[2], "")
	}
	s.chain("mark-for-masquerade")
	s.rule("mark-for-masquerade", "mark set mark or "+mark, "")
	s.rule("masquerading", "mark and "+mark+" == 0 return", "")
	s.rule("masquerading", "mark set mark xor "+mark, "")
	s.rule("masquerading", "masquerade fully-random", "")
	if !n.TCPBeLiberal {
		s.rule("forward", "ct state invalid drop", "")
	}
	elements := nftNodePortIPs(s, f, addr)
	nft129Maps(s, addr)
	nft129Checks(s, f)
	for _, m := range []int{firewall129, allow129} {
		s.op("flush", "set", maps129[m])
	}
	for _, m := range []int{noServices129, noNodePorts129, services129, nodePorts129} {
		s.op("flush", "map", maps129[m])
	}
	return s, elements
}

func nft129Maps(s *nftScript, addr string) {
	perIP, perPort := addr+" . inet_proto . inet_service", "inet_proto . inet_service"
	s.container("map", maps129[noServices129], perIP+" : verdict",
		"vmap to drop or reject packets to services with no endpoints")
	s.container("map", maps129[noNodePorts129], perPort+" : verdict",
		"vmap to drop or reject packets to service nodeports with no endpoints")
	s.container("set", maps129[firewall129], perIP, "destinations that are subject to LoadBalancerSourceRanges")
	s.op("add", "set", maps129[allow129]+" { type "+perIP+" . "+addr+
		` ; flags interval ; comment "destinations+sources that are allowed by LoadBalancerSourceRanges" ; }`)
	s.container("map", maps129[services129], perIP+" : verdict", "ClusterIP, ExternalIP and LoadBalancer IP traffic")
	s.container("map", maps129[nodePorts129], perPort+" : verdict", "NodePort traffic")
}

func nft129Checks(s *nftScript, f *family) {
	ip := s.family
	nftRejectChain(s)
	match := nodePortMatch(f, ip)
	if f.matchAll {
		match = "fib daddr type local " + match
	}
	s.rule("endpoints-check", ip+" daddr . meta l4proto . th dport vmap @no-endpoint-services", "")
	s.rule("endpoints-check", match+" meta l4proto . th dport vmap @no-endpoint-nodeports", "")
	s.chain("firewall-check")
	s.chain("firewall-allow-check")
	s.rule("firewall-check", ip+" daddr . meta l4proto . th dport @firewall jump firewall-allow-check", "")
	s.rule("firewall-allow-check", ip+" daddr . meta l4proto . th dport . "+ip+" saddr @firewall-allow return", "")
	s.rule("firewall-allow-check", "drop", "")
	s.rule("services", ip+" daddr . meta l4proto . th dport vmap @service-ips", "")
	s.rule("services", match+" meta l4proto . th dport vmap @service-nodeports", "")
}
