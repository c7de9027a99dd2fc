package proxymodel

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// ipset is one of the 17 sets of the ipvs mode (ipsetInfo in pkg/proxy/ipvs/proxier.go).
type ipset int8

const (
	setLoopBack ipset = iota
	setClusterIP
	setExternalIP
	setExternalIPLocal
	setLB
	setLBFW
	setLBLocal
	setLBSourceIP
	setLBSourceCIDR
	setNodePortTCP
	setNodePortLocalTCP
	setNodePortUDP
	setNodePortLocalUDP
	setNodePortSCTP
	setNodePortLocalSCTP
	setHealthNodePort
	setIPVS
	numIPSets
)

// ipsetNames holds the names, and the comments that iptables rules carry for them.
var ipsetNames = [numIPSets]struct{ name, comment string }{
	setLoopBack: {"KUBE-LOOP-BACK",
		"Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose"},
	setClusterIP: {"KUBE-CLUSTER-IP",
		"Kubernetes service cluster ip + port for masquerade purpose"},
	setExternalIP: {"KUBE-EXTERNAL-IP",
		"Kubernetes service external ip + port for masquerade and filter purpose"},
	setExternalIPLocal: {"KUBE-EXTERNAL-IP-LOCAL",
		"Kubernetes service external ip + port with externalTrafficPolicy=local"},
	setLB: {"KUBE-LOAD-BALANCER",
		"Kubernetes service lb portal"},
	setLBFW: {"KUBE-LOAD-BALANCER-FW",
		"Kubernetes service load balancer ip + port for load balancer with sourceRange"},
	setLBLocal: {"KUBE-LOAD-BALANCER-LOCAL",
		"Kubernetes service load balancer ip + port with externalTrafficPolicy=local"},
	setLBSourceIP: {"KUBE-LOAD-BALANCER-SOURCE-IP",
		"Kubernetes service load balancer ip + port + source IP for packet filter purpose"},
	setLBSourceCIDR: {"KUBE-LOAD-BALANCER-SOURCE-CIDR",
		"Kubernetes service load balancer ip + port + source cidr for packet filter purpose"},
	setNodePortTCP: {"KUBE-NODE-PORT-TCP",
		"Kubernetes nodeport TCP port for masquerade purpose"},
	setNodePortLocalTCP: {"KUBE-NODE-PORT-LOCAL-TCP",
		"Kubernetes nodeport TCP port with externalTrafficPolicy=local"},
	setNodePortUDP: {"KUBE-NODE-PORT-UDP",
		"Kubernetes nodeport UDP port for masquerade purpose"},
	setNodePortLocalUDP: {"KUBE-NODE-PORT-LOCAL-UDP",
		"Kubernetes nodeport UDP port with externalTrafficPolicy=local"},
	setNodePortSCTP: {"KUBE-NODE-PORT-SCTP-HASH",
		"Kubernetes nodeport SCTP port for masquerade purpose with type 'hash ip:port'"},
	setNodePortLocalSCTP: {"KUBE-NODE-PORT-LOCAL-SCTP-HASH",
		"Kubernetes nodeport SCTP port with externalTrafficPolicy=local with type 'hash ip:port'"},
	setHealthNodePort: {"KUBE-HEALTH-CHECK-NODE-PORT",
		"Kubernetes health check node port"},
	setIPVS: {"KUBE-IPVS-IPS",
		"Addresses on the ipvs interface"},
}

// name returns the set's name on the node. IPv6 sets have a prefix of their own, cut to the 31
// characters that ipset allows.
func (s ipset) name(v6 bool) string {
	n := ipsetNames[s].name
	if v6 {
		n = strings.Replace(n, "KUBE-", "KUBE-6-", 1)
	}
	return n[:min(len(n), 31)]
}

// entryKey identifies an entry of an ipset. The set decides which parts are used.
type entryKey struct {
	set      ipset
	ip       string
	protocol string
	port     int32
	second   string // address or CIDR
}

// vsKey identifies a virtual server.
type vsKey struct {
	ip       string
	protocol string
	port     int32
}

// vsClaim is one service port's wish for a virtual server.
type vsClaim struct {
	owner string
	real  int // destinations
}

// ipvsCount counts the ipvs mode. It has no partial sync: every sync writes the same few iptables
// rules and compares sets and servers one by one.
type ipvsCount struct {
	version Version
	family  *family
	node    *Node
	nodeIPs []string // that NodePorts are virtual servers on

	entries map[entryKey]int // how many claims
	size    [numIPSets]int   // distinct entries
	servers map[vsKey]vsClaim
	more    map[vsKey][]vsClaim // where there are several: all, by owner
	real    int
	blocked struct{ n, bytes int } // load balancer addresses that the node may not reach
}

func newIPVS(v Version, f *family, n *Node, services int) *ipvsCount {
	b := &ipvsCount{
		version: v, family: f, node: n, entries: make(map[entryKey]int, 2*services),
		servers: make(map[vsKey]vsClaim, services), more: map[vsKey][]vsClaim{},
	}
	from := f.addresses
	if !f.matchAll {
		from = f.nodePortIPs
	}
	for _, ip := range from {
		parsed := net.ParseIP(ip)
		if parsed.IsLoopback() || f.matchAll && f.v6 && parsed.IsLinkLocalUnicast() {
			continue
		}
		b.nodeIPs = append(b.nodeIPs, ip)
	}
	return b
}

func (b *ipvsCount) put(ports []*servicePort, times int) {
	for _, p := range ports {
		b.port(p, times)
	}
}

func (b *ipvsCount) force() {}

func (b *ipvsCount) sync(time.Duration, []change) Rules { return b.rules() }

// port follows one round of the loop in syncProxyRules.
func (b *ipvsCount) port(p *servicePort, times int) {
	for i := range p.endpoints.all {
		if e := &p.endpoints.all[i]; e.local {
			b.entry(entryKey{set: setLoopBack, ip: e.ip, protocol: p.protocol, port: e.port, second: e.ip}, times)
		}
	}
	b.entry(entryKey{set: setClusterIP, ip: p.clusterIP, protocol: p.protocol, port: p.port}, times)
	b.entry(entryKey{set: setIPVS, ip: p.clusterIP}, times)
	b.server(p, p.clusterIP, p.port, p.internalLocal, times)
	for _, ip := range p.externalIPs {
		set := setExternalIP
		if p.externalLocal {
			set = setExternalIPLocal
		}
		b.entry(entryKey{set: set, ip: ip, protocol: p.protocol, port: p.port}, times)
		b.outside(p, ip, times)
	}
	for _, ip := range p.vips {
		b.loadBalancer(p, ip, times)
		b.outside(p, ip, times)
	}
	if p.nodePort != 0 {
		if len(b.nodeIPs) == 0 {
			return // and no health check port either
		}
		b.nodePort(p, times)
	}
	if p.healthNodePort != 0 {
		b.entry(entryKey{set: setHealthNodePort, port: p.healthNodePort}, times)
	}
}

// outside makes an external address a virtual server. It is bound to kube-ipvs0 unless another
// interface has it.
func (b *ipvsCount) outside(p *servicePort, ip string, times int) {
	canonical := canonicalText(ip)
	b.server(p, canonical, p.port, p.externalLocal, times)
	if !slices.Contains(b.family.addresses, canonical) {
		b.entry(entryKey{set: setIPVS, ip: canonical}, times)
	}
}

func (b *ipvsCount) loadBalancer(p *servicePort, ip string, times int) {
	key := entryKey{set: setLB, ip: ip, protocol: p.protocol, port: p.port}
	b.entry(key, times)
	if p.externalLocal {
		key.set = setLBLocal
		b.entry(key, times)
	}
	if len(p.ranges) == 0 {
		return
	}
	key.set = setLBFW
	b.entry(key, times)
	key.set = setLBSourceCIDR
	for _, key.second = range p.ranges {
		b.entry(key, times)
	}
	if p.fromNode {
		key.set, key.second = setLBSourceIP, ip
		b.entry(key, times)
	} else {
		b.blocked.n += times
		b.blocked.bytes += times * (len("-A KUBE-IPVS-OUT-FILTER -s  -m ipvs --vaddr  --vproto  --vport  -j DROP\n") +
			2*len(ip) + len(p.protocol) + digits(int(p.port)))
	}
}

func (b *ipvsCount) nodePort(p *servicePort, times int) {
	all, local := setNodePortTCP, setNodePortLocalTCP
	ips := []string{""}
	switch p.protocol {
	case "udp":
		all, local = setNodePortUDP, setNodePortLocalUDP
	case "sctp": // its set has addresses
		all, local, ips = setNodePortSCTP, setNodePortLocalSCTP, b.nodeIPs
	}
	for _, ip := range ips {
		b.entry(entryKey{set: all, ip: ip, port: p.nodePort}, times)
		if p.externalLocal {
			b.entry(entryKey{set: local, ip: ip, port: p.nodePort}, times)
		}
	}
	for _, ip := range b.nodeIPs {
		b.server(p, ip, p.nodePort, p.externalLocal, times)
	}
}

func (b *ipvsCount) entry(k entryKey, times int) {
	n := b.entries[k] + times
	switch {
	case n == 0:
		delete(b.entries, k)
		b.size[k.set]--
		return
	case n == times:
		b.size[k.set]++
	}
	b.entries[k] = n
}

// server claims a virtual server. With policy Local it leads to local endpoints, or to all if there
// are none (syncEndpoint).
func (b *ipvsCount) server(p *servicePort, ip string, port int32, local bool, times int) {
	k := vsKey{ip: ip, protocol: p.protocol, port: port}
	c := vsClaim{owner: p.name, real: p.endpoints.cluster.n}
	if local && p.endpoints.local.n > 0 {
		c.real = p.endpoints.local.n
	}
	old, ok := b.servers[k]
	if more := b.more[k]; len(more) > 0 || ok && times > 0 {
		b.contested(k, old, c, times)
		return
	}
	b.real += times * c.real
	if times > 0 {
		b.servers[k] = c
	} else {
		delete(b.servers, k)
	}
}

// contested keeps the claims of a virtual server that has several. The last by name is taken to
// win.
func (b *ipvsCount) contested(k vsKey, winner, c vsClaim, times int) {
	list := b.more[k]
	if len(list) == 0 {
		list = []vsClaim{winner}
	}
	if times > 0 {
		byOwner := func(x vsClaim, o string) int { return strings.Compare(x.owner, o) }
		i, _ := slices.BinarySearchFunc(list, c.owner, byOwner)
		list = slices.Insert(list, i, c)
	} else if i := slices.Index(list, c); i >= 0 {
		list = slices.Delete(list, i, i+1)
	}
	last := list[len(list)-1]
	b.real += last.real - winner.real
	b.servers[k], b.more[k] = last, list
	if len(list) == 1 {
		delete(b.more, k)
	}
}

func (b *ipvsCount) rules() Rules {
	r := Rules{
		Full: true, NAT: map[string]int{}, Filter: map[string]int{}, Elements: map[string]int{},
		NATChains: len(natChains[IPVS]), FilterChains: len(filterChains[IPVS]),
		VirtualServers: len(b.servers), RealServers: b.real, BoundAddresses: b.size[setIPVS],
	}
	for s := range numIPSets {
		setNonZero(r.Elements, s.name(b.family.v6), b.size[s])
	}
	r.Bytes = b.restore(r.NAT, r.Filter)
	r.Warnings = b.conflicts()
	return r
}

func (b *ipvsCount) conflicts() []error {
	var out []error
	for k, list := range b.more {
		if list[0].owner != list[len(list)-1].owner {
			out = append(out, fmt.Errorf(
				"proxymodel: Services %s and %s both claim %s %s/%d: kube-proxy's choice is random",
				list[0].owner, list[len(list)-1].owner, k.ip, k.protocol, k.port))
		}
	}
	slices.SortFunc(out, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return out
}
