package proxymodel

import "fmt"

// ipvsMatch is a rule that exists while its set has entries (ipsetWithIptablesChain in
// pkg/proxy/ipvs/proxier.go).
type ipvsMatch struct {
	set      ipset
	filter   bool
	from     string
	protocol string
	match    string
	to       string
}

var ipvsMatches = []ipvsMatch{
	{set: setLoopBack, from: "KUBE-POSTROUTING", match: "dst,dst,src", to: "MASQUERADE"},
	{set: setLB, from: "KUBE-SERVICES", match: "dst,dst", to: "KUBE-LOAD-BALANCER"},
	{set: setLBLocal, from: "KUBE-LOAD-BALANCER", match: "dst,dst", to: "RETURN"},
	{set: setNodePortLocalTCP, from: "KUBE-NODE-PORT", protocol: "tcp", match: "dst", to: "RETURN"},
	{set: setNodePortTCP, from: "KUBE-NODE-PORT", protocol: "tcp", match: "dst", to: "KUBE-MARK-MASQ"},
	{set: setNodePortLocalUDP, from: "KUBE-NODE-PORT", protocol: "udp", match: "dst", to: "RETURN"},
	{set: setNodePortUDP, from: "KUBE-NODE-PORT", protocol: "udp", match: "dst", to: "KUBE-MARK-MASQ"},
	{set: setNodePortLocalSCTP, from: "KUBE-NODE-PORT", protocol: "sctp", match: "dst,dst", to: "RETURN"},
	{set: setNodePortSCTP, from: "KUBE-NODE-PORT", protocol: "sctp", match: "dst,dst", to: "KUBE-MARK-MASQ"},
	{set: setLBFW, filter: true, from: "KUBE-PROXY-FIREWALL", match: "dst,dst", to: "KUBE-SOURCE-RANGES-FIREWALL"},
	{set: setLBSourceCIDR, filter: true, from: "KUBE-SOURCE-RANGES-FIREWALL", match: "dst,dst,src", to: "RETURN"},
	{set: setLBSourceIP, filter: true, from: "KUBE-SOURCE-RANGES-FIREWALL", match: "dst,dst,src", to: "RETURN"},
}

// ipvsRestore writes the restore input of the ipvs mode.
type ipvsRestore struct {
	nat, filter map[string]int
	bytes       int
}

func (w *ipvsRestore) rule(filter bool, chain, rest string) {
	if filter {
		w.filter[chain]++
	} else {
		w.nat[chain]++
	}
	w.bytes += len("-A  \n") + len(chain) + len(rest)
}

// restore counts the restore input. It is constant but for rules whose sets are empty, and one rule
// per load balancer address that the node may not reach (writeIptablesRules).
func (b *ipvsCount) restore(nat, filter map[string]int) int {
	w := &ipvsRestore{nat: nat, filter: filter}
	for table, chains := range map[string][]string{"*nat": natChains[IPVS], "*filter": filterChains[IPVS]} {
		w.bytes += len(table) + len("\nCOMMIT\n")
		for _, c := range chains {
			w.bytes += len(":" + c + " - [0:0]\n")
		}
	}
	b.restoreServices(w)
	b.restoreFilter(w)
	b.restoreMasquerade(w)
	if b.blocked.n > 0 {
		filter["KUBE-IPVS-OUT-FILTER"] = b.blocked.n
		w.bytes += b.blocked.bytes
	}
	return w.bytes
}

func (b *ipvsCount) name(s ipset) string { return s.name(b.family.v6) }

// commented returns "-m comment --comment ... -m set --match-set NAME".
func (b *ipvsCount) commented(s ipset) string {
	return fmt.Sprintf("-m comment --comment %q -m set --match-set %s ", ipsetNames[s].comment, b.name(s))
}

func (b *ipvsCount) restoreServices(w *ipvsRestore) {
	loopback := "127.0.0.0/8"
	if b.family.v6 {
		loopback = "::1/128"
	}
	w.rule(false, "KUBE-SERVICES", "-s "+loopback+" -j RETURN")
	for _, m := range ipvsMatches {
		if b.size[m.set] == 0 {
			continue
		}
		protocol := ""
		if m.protocol != "" {
			protocol = "-p " + m.protocol + " "
		}
		w.rule(m.filter, m.from, protocol+b.commented(m.set)+m.match+" -j "+m.to)
	}
	if b.size[setClusterIP] > 0 {
		w.rule(false, "KUBE-SERVICES", b.commented(setClusterIP)+b.clusterMatch()+" -j KUBE-MARK-MASQ")
	}
	for _, s := range []ipset{setExternalIP, setExternalIPLocal} {
		if b.size[s] == 0 {
			continue
		}
		match := b.commented(s) + "dst,dst "
		if s == setExternalIP {
			w.rule(false, "KUBE-SERVICES", match+"-j KUBE-MARK-MASQ")
		}
		w.rule(false, "KUBE-SERVICES", match+"-m physdev ! --physdev-is-in -m addrtype ! --src-type LOCAL -j ACCEPT")
		w.rule(false, "KUBE-SERVICES", match+"-m addrtype --dst-type LOCAL -j ACCEPT")
	}
	w.rule(false, "KUBE-SERVICES", "-m addrtype --dst-type LOCAL -j KUBE-NODE-PORT")
	for _, s := range []ipset{setClusterIP, setLB} {
		if b.size[s] > 0 {
			w.rule(false, "KUBE-SERVICES", "-m set --match-set "+b.name(s)+" dst,dst -j ACCEPT")
		}
	}
}

// clusterMatch returns the match of the traffic to cluster IPs that is masqueraded.
func (b *ipvsCount) clusterMatch() string {
	switch {
	case b.node.MasqueradeAll:
		return "dst,dst"
	case b.family.local != "":
		return "dst,dst ! -s " + b.family.local
	}
	return "src,dst"
}

func (b *ipvsCount) restoreFilter(w *ipvsRestore) {
	w.rule(true, "KUBE-SOURCE-RANGES-FIREWALL", "-j DROP")
	w.rule(true, "KUBE-FORWARD",
		`-m comment --comment "kubernetes forwarding rules" -m mark --mark `+mark+"/"+mark+" -j ACCEPT")
	w.rule(true, "KUBE-FORWARD", `-m comment --comment "kubernetes forwarding conntrack rule"`+
		" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
	w.rule(true, "KUBE-NODE-PORT", b.commented(setHealthNodePort)+"dst -j ACCEPT")
	for _, s := range []ipset{setLB, setClusterIP, setExternalIP, setExternalIPLocal} {
		w.rule(true, "KUBE-IPVS-FILTER", "-m set --match-set "+b.name(s)+" dst,dst -j RETURN")
	}
	w.rule(true, "KUBE-IPVS-FILTER", "-m set --match-set "+b.name(setHealthNodePort)+" dst -j RETURN")
	w.rule(true, "KUBE-IPVS-FILTER", "-m conntrack --ctstate NEW -m set --match-set "+b.name(setIPVS)+" dst -j REJECT")
}

func (b *ipvsCount) restoreMasquerade(w *ipvsRestore) {
	w.rule(false, "KUBE-LOAD-BALANCER", "-j KUBE-MARK-MASQ")
	w.rule(false, "KUBE-POSTROUTING", "-m mark ! --mark "+mark+"/"+mark+" -j RETURN")
	w.rule(false, "KUBE-POSTROUTING", "-j MARK --xor-mark "+mark)
	w.rule(false, "KUBE-POSTROUTING",
		`-m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully`)
	w.rule(false, "KUBE-MARK-MASQ", "-j MARK --or-mark "+mark)
}
