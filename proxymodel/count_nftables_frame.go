package proxymodel

import "strings"

// nftBase lists the chains that hang on netfilter's hooks (nftablesBaseChains in
// pkg/proxy/nftables/proxier.go), dstnat being -100 and srcnat 100.
var nftBase = [][4]string{
	{"filter-prerouting-pre-dnat", "filter", "prerouting", "-110"},
	{"filter-output-pre-dnat", "filter", "output", "-110"},
	{"filter-input", "filter", "input", "0"},
	{"filter-forward", "filter", "forward", "0"},
	{"filter-output", "filter", "output", "0"},
	{"nat-prerouting", "nat", "prerouting", "-100"},
	{"nat-output", "nat", "output", "-100"},
	{"nat-postrouting", "nat", "postrouting", "100"},
}

// nftJumps lists the jumps from them: chain, match, target (nftablesJumpChains).
var nftJumps = [][3]string{
	{"filter-input", "ct state new ", "nodeport-endpoints-check"},
	{"filter-input", "ct state new ", "service-endpoints-check"},
	{"filter-forward", "ct state new ", "service-endpoints-check"},
	{"filter-output", "ct state new ", "service-endpoints-check"},
	{"filter-prerouting-pre-dnat", "ct state new ", "firewall-check"},
	{"filter-output-pre-dnat", "ct state new ", "firewall-check"},
	{"nat-output", "", "services"},
	{"nat-prerouting", "", "services"},
	{"nat-postrouting", "", "masquerading"},
	{"filter-forward", "ct state new ", "cluster-ips-check"},
	{"filter-output", "ct state new ", "cluster-ips-check"},
}

const masqueradeRule = "mark set mark or " + mark

// nftFrame writes the part of a full sync that does not depend on the services (setupNFTables). The
// first since kube-proxy started also recreates the base chains. It returns the elements of the set
// of NodePort addresses, too.
func nftFrame(f *family, n *Node, first bool) (*nftScript, int) {
	s := newScript(f)
	addr := "ipv4_addr"
	if f.v6 {
		addr = "ipv6_addr"
	}
	s.op("add", "table", `{ comment "rules for kube-proxy" ; }`)
	for _, c := range nftBase {
		if first {
			s.op("add", "chain", c[0])
			s.op("delete", "chain", c[0])
		}
	}
	for _, c := range nftBase {
		s.baseChain(c[0], c[1], c[2], c[3])
	}
	for _, j := range nftJumps {
		s.chain(j[2])
		s.rule(j[0], j[1]+"jump "+j[2], "")
	}
	nftMasquerading(s, addr)
	nftClusterIPs(s, f, addr)
	elements := nftNodePortIPs(s, f, addr)
	nftRefusals(s, f, addr)
	nftDispatch(s, f, n, addr)
	return s, elements
}

func nftMasquerading(s *nftScript, addr string) {
	ip := s.family
	s.container("set", "hairpin-connections", addr+" . "+addr+" . inet_proto . inet_service",
		"service hairpin connections")
	s.rule("masquerading", "mark and "+mark+" != 0 mark set mark xor "+mark+" masquerade fully-random", "")
	s.rule("masquerading", "ct status dnat "+ip+" saddr . "+ip+
		" daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random", "")
}

func nftClusterIPs(s *nftScript, f *family, addr string) {
	s.container("set", "cluster-ips", addr, "Active ClusterIPs")
	s.rule("cluster-ips-check", s.family+" daddr @cluster-ips reject", "Reject traffic to invalid ports of ClusterIPs")
	if f.cidrs != "" {
		s.rule("cluster-ips-check", s.family+" daddr { "+f.cidrs+" } drop", "Drop traffic to unallocated ClusterIPs")
	}
}

// nftNodePortIPs fills the set of addresses that NodePorts answer on, or deletes it if they answer
// on all.
func nftNodePortIPs(s *nftScript, f *family, addr string) (elements int) {
	s.container("set", "nodeport-ips", addr, "IPs that accept NodePort traffic")
	if f.matchAll {
		s.op("delete", "set", "nodeport-ips")
		return 0
	}
	s.op("flush", "set", "nodeport-ips")
	for _, ip := range f.nodePortIPs {
		if !parseIP(ip).IsLoopback() {
			s.op("add", "element", "nodeport-ips { "+ip+" }")
			elements++
		}
	}
	return elements
}

// nodePortMatch returns the address part of the rules that look up NodePorts.
func nodePortMatch(f *family, ip string) string {
	switch {
	case !f.matchAll:
		return ip + " daddr @nodeport-ips"
	case f.v6:
		return "ip6 daddr != ::1"
	}
	return "ip daddr != 127.0.0.0/8"
}

func nftRefusals(s *nftScript, f *family, addr string) {
	ip := s.family
	s.container("map", "no-endpoint-services", addr+" . inet_proto . inet_service : verdict",
		"vmap to drop or reject packets to services with no endpoints")
	s.container("map", "no-endpoint-nodeports", "inet_proto . inet_service : verdict",
		"vmap to drop or reject packets to service nodeports with no endpoints")
	nftRejectChain(s)
	s.rule("service-endpoints-check", ip+" daddr . meta l4proto . th dport vmap @no-endpoint-services", "")
	s.rule("nodeport-endpoints-check", nodePortMatch(f, ip)+" meta l4proto . th dport vmap @no-endpoint-nodeports", "")
	// Feature KubeProxyNFTablesLocalhostNodePorts is off: what it left is deleted.
	s.container("map", "localhost-nodeport-reject-ports", "inet_proto . inet_service : verdict",
		"localhost NodePorts rejected by kube-proxy")
	s.op("delete", "map", "localhost-nodeport-reject-ports")
	for _, protocol := range []string{"tcp", "udp", "sctp"} {
		for _, verb := range []string{"add", "delete"} {
			s.op(verb, "chain", "localhost-nodeport-reject-"+protocol)
			s.op(verb, "counter", "localhost-nodeport-rejected-"+protocol)
		}
	}
}

func nftRejectChain(s *nftScript) {
	s.op("add", "chain", `reject-chain { comment "helper for @no-endpoint-services / @no-endpoint-nodeports" ; }`)
	s.op("flush", "chain", "reject-chain")
	s.chains["reject-chain"] = true
	s.rule("reject-chain", "reject", "")
}

func nftDispatch(s *nftScript, f *family, n *Node, addr string) {
	ip := s.family
	s.container("map", "firewall-ips", addr+" . inet_proto . inet_service : verdict",
		"destinations that are subject to LoadBalancerSourceRanges")
	s.rule("firewall-check", ip+" daddr . meta l4proto . th dport vmap @firewall-ips", "")
	s.container("map", "service-ips", addr+" . inet_proto . inet_service : verdict",
		"ClusterIP, ExternalIP and LoadBalancer IP traffic")
	s.container("map", "service-nodeports", "inet_proto . inet_service : verdict", "NodePort traffic")
	if n.MasqueradeAll {
		s.rule("services", ip+" daddr @cluster-ips "+masqueradeRule, "masquerade all clusterIP traffic")
	} else if f.local != "" {
		s.rule("services", ip+" daddr @cluster-ips "+f.notLocalNFT()+" "+masqueradeRule,
			"masquerade clusterIP traffic from outside cluster")
	}
	s.rule("services", ip+" daddr . meta l4proto . th dport vmap @service-ips", "")
	match := nodePortMatch(f, ip)
	if f.matchAll {
		match = "fib daddr type local " + match
	}
	s.rule("services", match+" meta l4proto . th dport vmap @service-nodeports", "")
}

// localNFT matches traffic of local pods, notLocalNFT all other.
func (f *family) localNFT() string { return f.nft() + " saddr " + f.local }

func (f *family) notLocalNFT() string { return f.nft() + " saddr != " + f.local }

func (f *family) nft() string {
	if strings.Contains(f.local, ":") {
		return "ip6"
	}
	return "ip"
}
