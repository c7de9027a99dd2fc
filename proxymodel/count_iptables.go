package proxymodel

import "fmt"

// Names of per-service chains are a prefix and 16 characters of a hash.
const (
	hash16  = "################"
	svc     = "KUBE-SVC-" + hash16 // as long as KUBE-SVL-, KUBE-SEP-, KUBE-EXT-
	fw      = "KUBE-FW-" + hash16
	mark    = "0x00004000" // %#08x of any mark bit has this length
	comment = " -m comment --comment "

	noMatch    = "no endpoints"
	noLocal    = "no local endpoints"
	nfacctInv  = " -m nfacct --nfacct-name ct_state_invalid_dropped_pkts"
	nfacctNP   = " -d 127.0.0.0/8 -m nfacct --nfacct-name localhost_nps_accepted_pkts"
	matchLocal = " -m addrtype --src-type LOCAL"
)

// tally adds up rules, chains and bytes. One is kept per service port, so that a changed service is
// taken out of the sums and put back in.
type tally struct {
	rules    [numChains]int
	chains   [numChains]int // of those that exist per service
	bytes    int
	comments int // bytes of the comments that a large cluster drops
}

// chain is a chain of the iptables mode. The per-service ones are summed.
type chain int

const (
	natServices chain = iota
	natNodePorts
	natPostrouting
	natMarkMasq
	natSVC
	natSVL
	natSEP
	natEXT
	natFW
	filterServices
	filterExternal
	filterForward
	filterNodePorts
	filterProxyFirewall
	filterFirewall
	numChains
)

var chainNames = [numChains]string{
	"KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ",
	"SVC", "SVL", "SEP", "EXT", "FW",
	"KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD", "KUBE-NODEPORTS",
	"KUBE-PROXY-FIREWALL", "KUBE-FIREWALL",
}

// rule counts one rule of the given length, without its line feed.
func (t *tally) rule(c chain, length int) { t.each(c, 1, length) }

// each counts n rules of a summed length, without their line feeds.
func (t *tally) each(c chain, n, length int) {
	t.rules[c] += n
	t.bytes += length + n
}

// chainLine counts the lines ":NAME - [0:0]" that create n chains.
func (t *tally) chainLine(c chain, n int, name string) {
	t.chains[c] += n
	t.bytes += n * len(":"+name+" - [0:0]\n")
}

// add adds o times n. With n -1 it takes o out again.
func (t *tally) add(o *tally, n int) {
	for i := range t.rules {
		t.rules[i] += n * o.rules[i]
		t.chains[i] += n * o.chains[i]
	}
	t.bytes += n * o.bytes
	t.comments += n * o.comments
}

// route holds the ways that a port's traffic takes, the same in iptables and nftables mode (the
// head of the loop in syncProxyRules).
type route struct {
	internal, outside bool // traffic to the cluster IP, and from outside, finds endpoints
	useSVC, useSVL    bool // chains for traffic policies Cluster and Local
	useEXT            bool
}

func (p *servicePort) route() route {
	es := &p.endpoints
	r := route{internal: es.any, outside: es.any}
	if p.internalLocal {
		r.internal = es.any && es.local.n > 0
	}
	if p.externalLocal {
		r.outside = es.any && es.local.n > 0
	}
	r.useSVC = es.cluster.n > 0 && p.usesCluster()
	r.useSVL = es.local.n > 0 && p.usesLocal()
	r.useEXT = es.any && p.external()
	return r
}

// firewalled reports whether source ranges guard the load balancer's addresses. The nftables mode
// does not ask for endpoints.
func (p *servicePort) firewalled() bool { return len(p.vips) > 0 && len(p.ranges) > 0 }

// iptables counts a port's rules. shared are those in chains of all services, which every sync
// writes. own are those in the service's chains, which a partial sync leaves out if the service did
// not change.
func (p *servicePort) iptables(f *family, n *Node, v Version) (shared, own tally) {
	r := p.route()
	p.captureInternal(r, &shared)
	p.captureExternal(r, &shared)
	p.captureNodePort(r, f, n, v, &shared)
	if p.healthNodePort != 0 {
		rule := "-A KUBE-NODEPORTS" + comment + `" health check node port" -m tcp -p tcp --dport  -j ACCEPT`
		shared.rule(filterNodePorts, len(rule)+len(p.name)+digits(int(p.healthNodePort)))
	}
	p.internalTraffic(r, f, n, &own)
	if r.useEXT {
		p.externalTraffic(r, f, &own)
	}
	if p.endpoints.any && p.firewalled() {
		p.firewall(&own)
	}
	if r.useSVC {
		own.chainLine(natSVC, 1, svc)
		p.balance(natSVC, &p.endpoints.cluster, &own)
	}
	if r.useSVL {
		own.chainLine(natSVL, 1, svc)
		p.balance(natSVL, &p.endpoints.local, &own)
	}
	p.endpointChains(&own)
	return shared, own
}

// to returns the length of ` -m PROTO -p PROTO -d IP --dport PORT`.
func (p *servicePort) to(ip string) int {
	return len(" -m  -p  -d  --dport ") + 2*len(p.protocol) + len(ip) + digits(int(p.port))
}

// refusal returns the length of the comment and target of a filter rule: REJECT without any
// endpoint, DROP without a local one.
func (p *servicePort) refusal() int {
	if p.endpoints.any {
		return len(comment+`" has `+noLocal+`" -j DROP`) + len(p.name)
	}
	return len(comment+`" has `+noMatch+`" -j REJECT`) + len(p.name)
}

func (p *servicePort) captureInternal(r route, t *tally) {
	if r.internal {
		t.rule(natServices, len("-A KUBE-SERVICES"+comment+`" cluster IP" -j `+svc)+len(p.name)+p.to(p.clusterIP))
	} else {
		t.rule(filterServices, len("-A KUBE-SERVICES")+p.refusal()+p.to(p.clusterIP))
	}
}

func (p *servicePort) captureExternal(r route, t *tally) {
	for _, ip := range p.externalIPs {
		if p.endpoints.any {
			t.rule(natServices, len("-A KUBE-SERVICES"+comment+`" external IP" -j `+svc)+len(p.name)+p.to(ip))
		}
		if !r.outside {
			t.rule(filterExternal, len("-A KUBE-EXTERNAL-SERVICES")+p.refusal()+p.to(ip))
		}
	}
	target := len(svc)
	if p.firewalled() {
		target = len(fw)
	}
	for _, ip := range p.vips {
		if p.endpoints.any {
			t.rule(natServices, len("-A KUBE-SERVICES"+comment+`" loadbalancer IP" -j `)+len(p.name)+p.to(ip)+target)
			if p.firewalled() {
				rule := "-A KUBE-PROXY-FIREWALL" + comment + `" traffic not accepted by ` + fw + `" -j DROP`
				t.rule(filterProxyFirewall, len(rule)+len(p.name)+p.to(ip))
			}
		}
		if !r.outside {
			t.rule(filterExternal, len("-A KUBE-EXTERNAL-SERVICES")+p.refusal()+p.to(ip))
		}
	}
}

func (p *servicePort) captureNodePort(r route, f *family, n *Node, v Version, t *tally) {
	if p.nodePort == 0 {
		return
	}
	port := len(" -m  -p  --dport ") + 2*len(p.protocol) + digits(int(p.nodePort))
	if p.endpoints.any {
		length := len("-A KUBE-NODEPORTS"+comment+" -j "+svc) + len(p.name) + port
		if v != V1_29 && n.NFAcct && f.localhost {
			t.rule(natNodePorts, length+len(nfacctNP))
		}
		t.rule(natNodePorts, length)
	}
	if !r.outside {
		t.rule(filterExternal, len("-A KUBE-EXTERNAL-SERVICES -m addrtype --dst-type LOCAL")+p.refusal()+port)
	}
}

// internalTraffic masquerades traffic to the cluster IP that is not a local pod's.
func (p *servicePort) internalTraffic(r route, f *family, n *Node, t *tally) {
	c := natSVC
	if p.internalLocal {
		c = natSVL
	}
	length := len("-A "+svc+comment+`" cluster IP" -j KUBE-MARK-MASQ`) + len(p.name) + p.to(p.clusterIP)
	switch {
	case !r.internal:
	case n.MasqueradeAll:
		t.rule(c, length)
	case f.local != "":
		t.rule(c, length+len(" ! -s ")+len(f.local))
	}
}

// externalTraffic fills the EXT chain.
func (p *servicePort) externalTraffic(r route, f *family, t *tally) {
	t.chainLine(natEXT, 1, svc)
	named := func(rule string) int { return len("-A "+svc+comment+rule) + len(p.name) }
	if !p.externalLocal {
		t.rule(natEXT, named(`"masquerade traffic for  external destinations" -j KUBE-MARK-MASQ`))
	} else {
		if f.local != "" {
			t.rule(natEXT, named(`"pod traffic for  external destinations" -s  -j `+svc)+len(f.local))
		}
		t.rule(natEXT, named(`"masquerade LOCAL traffic for  external destinations"`+matchLocal+" -j KUBE-MARK-MASQ"))
		t.rule(natEXT, named(`"route LOCAL traffic for  external destinations"`+matchLocal+" -j "+svc))
	}
	if r.outside {
		t.rule(natEXT, len("-A "+svc+" -j "+svc))
	}
}

// firewall fills the FW chain, which decides who may reach the load balancer's addresses.
func (p *servicePort) firewall(t *tally) {
	t.chainLine(natFW, 1, fw)
	length := len("-A "+fw+comment+`" loadbalancer IP" -s  -j `+svc) + len(p.name)
	for _, cidr := range p.ranges {
		t.rule(natFW, length+len(cidr))
	}
	if p.fromNode {
		for _, ip := range p.vips {
			t.rule(natFW, length+len(ip))
		}
	}
	t.rule(natFW, len("-A "+fw+comment+`"other traffic to  will be dropped by KUBE-PROXY-FIREWALL"`)+len(p.name))
}

// balance spreads traffic over endpoints: each but the last with a probability of ten decimals.
// Before that comes one rule each to find a returning client.
func (p *servicePort) balance(c chain, s *span, t *tally) {
	arrow := s.n*(len(comment+`" -> "`)+len(p.name)) + s.text
	if p.clientIP() {
		recent := len("-A "+svc+" -m recent --name "+svc+" --rcheck --seconds  --reap -j "+svc) + digits(p.sticky)
		t.each(c, s.n, arrow+s.n*recent)
		t.comments += arrow
	}
	t.each(c, s.n, arrow+s.n*len("-A "+svc+" -j "+svc)+
		(s.n-1)*len(" -m statistic --mode random --probability 0.5000000000"))
	t.comments += arrow
}

// endpointChains fills the SEP chains: masquerade a pod that reaches itself,
// then translate the destination.
func (p *servicePort) endpointChains(t *tally) {
	s := &p.endpoints.reach
	t.chainLine(natSEP, s.n, svc)
	named := s.n * (len(comment) + len(p.name))
	t.each(natSEP, s.n, named+s.n*len("-A "+svc+" -s  -j KUBE-MARK-MASQ")+s.ip)
	dnat := len("-A "+svc+" -m  -p  -j DNAT --to-destination ") + 2*len(p.protocol)
	if p.clientIP() {
		dnat += len(" -m recent --name " + svc + " --set")
	}
	t.each(natSEP, s.n, named+s.n*dnat+s.text)
	t.comments += 2 * named
}

// iptablesFrame counts what does not depend on services: table headers, the chains that exist once,
// the jump to NodePorts, masquerading, forwarding.
func iptablesFrame(f *family, n *Node, v Version) (t tally, nat, filter int) {
	for _, table := range []string{"*filter", "COMMIT", "*nat", "COMMIT"} {
		t.bytes += len(table) + 1
	}
	line := func(c chain) { t.bytes += len(":" + chainNames[c] + " - [0:0]\n") }
	for _, c := range []chain{natServices, natNodePorts, natPostrouting, natMarkMasq} {
		line(c)
		nat++
	}
	for _, c := range []chain{filterServices, filterExternal, filterForward, filterNodePorts, filterProxyFirewall} {
		line(c)
		filter++
	}
	if f.localhost {
		line(filterFirewall)
		filter++
		t.rule(filterFirewall, len("-A KUBE-FIREWALL"+comment+`"block incoming localnet connections"`+
			" -d 127.0.0.0/8 ! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP"))
	}
	masquerade(&t)
	forward(n, v, &t)
	nodePortJumps(f, &t)
	return t, nat, filter
}

func masquerade(t *tally) {
	t.rule(natPostrouting, len(fmt.Sprintf("-A KUBE-POSTROUTING -m mark ! --mark %s/%s -j RETURN", mark, mark)))
	t.rule(natPostrouting, len("-A KUBE-POSTROUTING -j MARK --xor-mark "+mark))
	t.rule(natPostrouting, len("-A KUBE-POSTROUTING"+comment+
		`"kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully`))
	t.rule(natMarkMasq, len("-A KUBE-MARK-MASQ -j MARK --or-mark "+mark))
}

func forward(n *Node, v Version, t *tally) {
	if !n.TCPBeLiberal {
		drop := len("-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP")
		if v != V1_29 && n.NFAcct {
			drop += len(nfacctInv)
		}
		t.rule(filterForward, drop)
	}
	t.rule(filterForward, len("-A KUBE-FORWARD"+comment+
		`"kubernetes forwarding rules" -m mark --mark `+mark+"/"+mark+" -j ACCEPT"))
	t.rule(filterForward, len("-A KUBE-FORWARD"+comment+
		`"kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`))
}

// nodePortJumps ends KUBE-SERVICES: one jump to KUBE-NODEPORTS for all local
// addresses, or one for each that NodePortAddresses picks.
func nodePortJumps(f *family, t *tally) {
	length := len("-A KUBE-SERVICES" + comment +
		`"kubernetes service nodeports; NOTE: this must be the last rule in this chain" -j KUBE-NODEPORTS`)
	if f.matchAll {
		length += len(" -m addrtype --dst-type LOCAL")
		if f.v6 {
			length += len(" ! -d ::1/128")
		} else if !f.localhost {
			length += len(" ! -d 127.0.0.0/8")
		}
		t.rule(natServices, length)
		return
	}
	for _, ip := range f.nodePortIPs {
		if parseIP(ip).IsLoopback() && !f.localhost {
			continue
		}
		t.rule(natServices, length+len(" -d ")+len(ip))
	}
}
