package proxymodel

// nftChain is a kind of chain that exists per service port or endpoint.
type nftChain int

const (
	nftService nftChain = iota
	nftLocal
	nftExternal
	nftFirewall
	nftEndpoint
	numNFTChains
)

var nftPrefix = [numNFTChains]string{"service", "local", "external", "firewall", "endpoint"}

const (
	// Names of chains and sets end in a base of at most this many bytes
	// (chainNameBaseLengthMax in pkg/proxy/nftables/proxier.go).
	nftBaseMax = 240
	// Comments are cut to what nft accepts (knftables.CommentLengthMax).
	nftCommentMax = 128
)

// nftTally adds up what the chains of services cost in a script.
type nftTally struct {
	rules, chains [numNFTChains]int
	sets          int             // affinity sets
	elements      [numMaps129]int // v1.29 only, which writes all of them every time
	ops           int
	bytes         int
}

func (t *nftTally) add(o *nftTally, n int) {
	for i := range t.rules {
		t.rules[i] += n * o.rules[i]
		t.chains[i] += n * o.chains[i]
	}
	for i := range t.elements {
		t.elements[i] += n * o.elements[i]
	}
	t.sets += n * o.sets
	t.ops += n * o.ops
	t.bytes += n * o.bytes
}

// nftPort counts one port of a service.
type nftPort struct {
	*servicePort
	family *family
	t      *nftTally
	fixed  int // length of " ip kube-proxy "
}

func (p *servicePort) nft(f *family, t *nftTally) *nftPort {
	n := &nftPort{servicePort: p, family: f, t: t, fixed: len(" ip kube-proxy ")}
	if f.v6 {
		n.fixed++
	}
	return n
}

// inner returns the length of namespace/name/protocol/port, which all names end in.
func (p *servicePort) inner() int {
	return len(p.service.namespace) + len(p.service.name) + len(p.protocol) + len(p.key.name) + 3
}

// base returns the length of HASH8-namespace/name/protocol/port.
func (p *servicePort) base() int { return min(9+p.inner(), nftBaseMax) }

// endpointBase returns the length of HASH8-namespace/name/protocol/port__ip/port.
func (p *servicePort) endpointBase(e *endpoint) int {
	return min(9+p.inner()+len("__/")+len(e.ip)+digits(int(e.port)), nftBaseMax)
}

// name returns the length of the name of the port's chain of a kind.
func (p *nftPort) name(c nftChain) int { return len(nftPrefix[c]) + 1 + p.base() }

func (p *nftPort) endpointName(e *endpoint) int { return len("endpoint-") + p.endpointBase(e) }

func (p *nftPort) affinityName(e *endpoint) int { return len("affinity-") + p.endpointBase(e) }

// op counts a command: verb and object such as "add rule", and the text after
// the table's name.
func (p *nftPort) op(verb string, text int) {
	p.t.ops++
	p.t.bytes += len(verb) + p.fixed + text + 1
}

// create adds and empties a chain of the given name length.
func (p *nftPort) create(c nftChain, name int) {
	p.t.chains[c]++
	p.op("add chain", name)
	p.op("flush chain", name)
}

// rule counts a rule of a chain. length is that of its text and comment.
func (p *nftPort) rule(c nftChain, name, length int) {
	p.t.rules[c]++
	p.op("add rule", name+1+length)
}

// count follows the part of syncProxyRules that a partial sync leaves out for services that did not
// change.
func (p *nftPort) count() {
	r := p.route()
	ip := p.fixed - len("  kube-proxy ")
	if p.clientIP() {
		p.affinity(ip)
	}
	if r.useSVC {
		p.create(nftService, p.name(nftService))
		p.balance(nftService, &p.endpoints.cluster, func(e *endpoint) bool { return e.inCluster }, ip)
	}
	if r.useSVL {
		p.create(nftLocal, p.name(nftLocal))
		p.balance(nftLocal, &p.endpoints.local, func(e *endpoint) bool { return e.inLocal }, ip)
	}
	if r.useEXT {
		p.external(r)
	}
	if p.firewalled() {
		p.firewall(ip)
	}
}

// balance spreads traffic over endpoints. One endpoint is a plain rule, more are an anonymous map.
// With affinity the map leads to the endpoints' own chains.
func (p *nftPort) balance(c nftChain, s *span, in filter, ip int) {
	name := p.name(c)
	switch {
	case p.clientIP():
		p.jumps(c, name, s, in, ip)
	case s.n == 1:
		p.rule(c, name, len("meta l4proto  dnat to ")+len(p.protocol)+s.text)
	default:
		elements := indices(s.n) + s.ip + s.port + s.n*len(" :  . ") + (s.n-1)*len(" , ")
		p.rule(c, name, len("meta l4proto  dnat  addr . port to numgen random mod  map {  }")+
			len(p.protocol)+ip+digits(s.n)+elements)
	}
}

// jumps adds a rule per endpoint for clients it has served, if there is affinity, then a map of the
// endpoints' chains.
func (p *nftPort) jumps(c nftChain, name int, s *span, in filter, ip int) {
	elements := indices(s.n) + s.n*len(" : goto ") + (s.n-1)*len(" , ")
	for i := range p.endpoints.all {
		e := &p.endpoints.all[i]
		if !in(e) {
			continue
		}
		if p.clientIP() {
			p.rule(c, name, ip+len(" saddr @ goto ")+p.affinityName(e)+p.endpointName(e))
		}
		elements += p.endpointName(e)
	}
	p.rule(c, name, len("numgen random mod  vmap {  }")+digits(s.n)+elements)
}

// affinity adds a set of clients and a chain for each endpoint.
func (p *nftPort) affinity(ip int) {
	set := len(" { type ipv4_addr ; flags dynamic,timeout ; timeout s ; }") + digits(p.sticky)
	for i := range p.endpoints.all {
		e := &p.endpoints.all[i]
		if !e.reachable() {
			continue
		}
		name := p.endpointName(e)
		p.create(nftEndpoint, name)
		p.t.sets++
		p.op("add set", p.affinityName(e)+set)
		p.rule(nftEndpoint, name, len("update @ {  saddr }")+p.affinityName(e)+ip)
		p.rule(nftEndpoint, name, len("meta l4proto  dnat to ")+len(p.protocol)+e.length())
	}
}

// external fills the chain for traffic from outside the cluster.
func (p *nftPort) external(r route) {
	name := p.name(nftExternal)
	p.create(nftExternal, name)
	if !p.externalLocal {
		p.rule(nftExternal, name, len(masqueradeRule+` comment "masquerade"`))
	} else {
		service := p.name(nftService)
		if p.family.local != "" {
			p.rule(nftExternal, name,
				len(p.family.localNFT())+len(` goto  comment "short-circuit pod traffic"`)+service)
		}
		p.rule(nftExternal, name, len("fib saddr type local "+masqueradeRule+` comment "masquerade local traffic"`))
		p.rule(nftExternal, name, len(`fib saddr type local goto  comment "short-circuit local traffic"`)+service)
	}
	if r.outside {
		p.rule(nftExternal, name, len("goto ")+p.name(p.externalPolicy()))
	}
}

func (p *servicePort) externalPolicy() nftChain {
	if p.externalLocal {
		return nftLocal
	}
	return nftService
}

func (p *servicePort) internalPolicy() nftChain {
	if p.internalLocal {
		return nftLocal
	}
	return nftService
}

// firewall drops traffic that does not come from the source ranges.
func (p *nftPort) firewall(ip int) {
	sources, n := 0, len(p.ranges)
	for _, cidr := range p.ranges {
		sources += len(cidr)
	}
	if p.fromNode {
		for _, vip := range p.vips {
			sources += len(vip)
			n++
		}
	}
	name := p.name(nftFirewall)
	p.create(nftFirewall, name)
	p.rule(nftFirewall, name, ip+len(" saddr != {  } drop")+sources+(n-1)*len(" , "))
}

// indices returns the summed length of the numbers 0 to n-1.
func indices(n int) int {
	total := 0
	for low, d := 0, 1; low < n; d++ {
		high := 10
		for range d - 1 {
			high *= 10
		}
		total += d * (min(n, high) - low)
		low = high
	}
	return total
}
