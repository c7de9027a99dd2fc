package proxymodel

import "time"

// nft129Count counts the nftables mode of v1.29. It has no partial sync: every sync writes all
// rules and all elements, so everything adds up.
type nft129Count struct {
	family *family
	node   *Node
	own    nftTally
	synced bool
	stale  map[chainID]staleChain129
}

// staleChain129 is a chain that was emptied. v1.29 forgets to strike one off that came back, and
// tries to delete it all the same.
type staleChain129 struct {
	staleChain
	back bool
}

func newNFT129(f *family, n *Node) *nft129Count {
	return &nft129Count{family: f, node: n, stale: map[chainID]staleChain129{}}
}

func (b *nft129Count) put(ports []*servicePort, times int) {
	for _, p := range ports {
		var t nftTally
		p.nft(b.family, &t).count129(b.node)
		b.own.add(&t, times)
	}
}

func (b *nft129Count) force() {}

func (b *nft129Count) rules() Rules {
	var r Rules
	r.Table, r.Chains, r.Elements = map[string]int{}, map[string]int{}, map[string]int{}
	frame, nodePortIPs := nft129Frame(b.family, b.node)
	r.Full, r.Table = true, frame.rules
	r.Operations, r.Bytes = frame.ops+b.own.ops, frame.bytes+b.own.bytes
	r.TableChains, r.AffinitySets = len(frame.chains), b.own.sets
	for c := range numNFTChains {
		setNonZero(r.Table, nftPrefix[c], b.own.rules[c])
		setNonZero(r.Chains, nftPrefix[c], b.own.chains[c])
		r.TableChains += b.own.chains[c]
	}
	for m, n := range b.own.elements {
		setNonZero(r.Elements, maps129[m], n)
	}
	setNonZero(r.Elements, "nodeport-ips", nodePortIPs)
	return r
}

// sync writes everything, and deletes chains that were emptied more than a second ago.
func (b *nft129Count) sync(at time.Duration, changed []change) Rules {
	var gone nftTally
	op := (&servicePort{}).nft(b.family, &gone)
	sets, flushed := 0, 0
	deleted := b.deleteStale(at, op)
	if b.synced {
		sets = b.retire(changed, op)
	}
	for id, s := range b.stale {
		if !s.back {
			op.op("flush chain", s.name)
			s.since = at
			b.stale[id] = s
			flushed++
		}
	}
	b.synced = true
	r := b.rules()
	r.Bytes += gone.bytes
	r.Operations += gone.ops
	r.DeletedChains, r.FlushedChains = deleted, flushed
	if sets > 0 {
		r.DeletedElements = map[string]int{"affinity": sets}
	}
	return r
}

// deleteStale deletes the chains that were emptied more than a second ago, in a transaction of
// their own. If one of them is in use again the kernel refuses it whole: the others stay, and are
// emptied once more.
func (b *nft129Count) deleteStale(at time.Duration, op *nftPort) int {
	var due []chainID
	refused := false
	for id, s := range b.stale {
		if s.since < at-time.Second {
			due = append(due, id)
			refused = refused || s.back
			op.op("delete chain", s.name)
		}
	}
	for _, id := range due {
		if !refused || b.stale[id].back {
			delete(b.stale, id)
		}
	}
	return len(due)
}

func (b *nft129Count) retire(changed []change, op *nftPort) (sets int) {
	for _, c := range changed {
		kept, keptSets := map[chainID]bool{}, map[chainID]bool{}
		for _, p := range c.after {
			p.eachChain129(func(id chainID, _ int) {
				kept[id] = true
				if s, ok := b.stale[id]; ok {
					s.back = true
					b.stale[id] = s
				}
				if p.clientIP() {
					keptSets[id] = true
				}
			})
		}
		for _, p := range c.before {
			p.eachChain129(func(id chainID, name int) {
				if !kept[id] {
					b.stale[id] = staleChain129{staleChain: staleChain{name: name}}
				}
				if id.chain == chain(nftEndpoint) && p.clientIP() && !keptSets[id] {
					op.op("delete set", name)
					sets++
				}
			})
		}
	}
	return sets
}

// eachChain129 calls visit for every chain of the port, with its name's length. Endpoints have
// chains with and without affinity.
func (p *servicePort) eachChain129(visit func(id chainID, name int)) {
	r, id := p.route(), chainID{name: p.name, protocol: p.protocol}
	for c, is := range [...]bool{nftService: r.useSVC, nftLocal: r.useSVL, nftExternal: r.useEXT} {
		if is {
			id.chain = chain(c)
			visit(id, len(nftPrefix[c])+1+p.base())
		}
	}
	p.eachEndpointChain(id, visit)
}

// eachEndpointChain does so for the chains of reachable endpoints.
func (p *servicePort) eachEndpointChain(id chainID, visit func(id chainID, name int)) {
	id.chain = chain(nftEndpoint)
	for i := range p.endpoints.all {
		if e := &p.endpoints.all[i]; e.reachable() {
			id.ip, id.port = e.ip, e.port
			visit(id, len("endpoint-")+p.endpointBase(e))
		}
	}
}

// count129 follows the loop of syncProxyRules at v1.29.2.
func (p *nftPort) count129(n *Node) {
	r := p.route()
	ip := p.fixed - len("  kube-proxy ")
	p.capture129(r)
	for _, c := range []struct {
		is bool
		nftChain
		*span
		filter
	}{
		{r.useSVC, nftService, &p.endpoints.cluster, func(e *endpoint) bool { return e.inCluster }},
		{r.useSVL, nftLocal, &p.endpoints.local, func(e *endpoint) bool { return e.inLocal }},
	} {
		if c.is {
			p.create(c.nftChain, p.name(c.nftChain))
			p.jumps(c.nftChain, p.name(c.nftChain), c.span, c.filter, ip)
		}
	}
	p.internal129(r, n, ip)
	if r.useEXT {
		p.external129(r)
	}
	p.endpoints129(ip)
}

// element adds one to a map or set. key is the length of its key, rest that of comment and value.
func (p *nftPort) element(m, key, rest int) {
	p.t.elements[m]++
	p.op("add element", len(maps129[m])+len(" {  }")+key+rest)
}

// capture129 adds the elements that lead traffic into the port's chains.
func (p *nftPort) capture129(r route) {
	port := len(" . ") + len(p.protocol) + len(" . ") + digits(int(p.port))
	comment := len(` comment ""`) + len(p.servicePort.name)
	refuse := comment + len(" : goto reject-chain")
	if p.endpoints.any {
		refuse = comment + len(" : drop")
	}
	leadTo := func(c nftChain) int { return len(" : goto ") + p.name(c) }
	if r.internal {
		p.element(services129, len(p.clusterIP)+port, leadTo(p.internalPolicy()))
	} else {
		p.element(noServices129, len(p.clusterIP)+port, refuse)
	}
	for _, list := range [][]string{p.externalIPs, p.vips} {
		for _, ip := range list {
			if p.endpoints.any {
				p.element(services129, len(ip)+port, leadTo(nftExternal))
			}
			if !r.outside {
				p.element(noServices129, len(ip)+port, refuse)
			}
		}
	}
	p.firewall129(port, comment)
	if p.nodePort == 0 {
		return
	}
	key := len(p.protocol) + len(" . ") + digits(int(p.nodePort))
	if p.endpoints.any {
		p.element(nodePorts129, key, leadTo(nftExternal))
	}
	if !r.outside {
		p.element(noNodePorts129, key, refuse)
	}
}

func (p *nftPort) firewall129(port, comment int) {
	if !p.firewalled() {
		return
	}
	for _, ip := range p.vips {
		p.element(firewall129, len(ip)+port, comment)
		for _, cidr := range p.ranges {
			p.element(allow129, len(ip)+port+len(" . ")+len(cidr), comment)
		}
		if p.fromNode {
			p.element(allow129, 2*len(ip)+port+len(" . "), 0)
		}
	}
}

// internal129 masquerades traffic to the cluster IP that is not a local pod's.
func (p *nftPort) internal129(r route, n *Node, ip int) {
	c := p.internalPolicy()
	length := ip + len(" daddr   dport  jump mark-for-masquerade") +
		len(p.clusterIP) + len(p.protocol) + digits(int(p.port))
	switch {
	case !r.internal:
	case n.MasqueradeAll:
		p.rule(c, p.name(c), length)
	case p.family.local != "":
		p.rule(c, p.name(c), length+1+len(p.family.notLocalNFT()))
	}
}

func (p *nftPort) external129(r route) {
	name := p.name(nftExternal)
	p.create(nftExternal, name)
	if !p.externalLocal {
		p.rule(nftExternal, name, len("jump mark-for-masquerade"))
	} else {
		service := p.name(nftService)
		if p.family.local != "" {
			p.rule(nftExternal, name,
				len(p.family.localNFT())+len(` goto  comment "short-circuit pod traffic"`)+service)
		}
		p.rule(nftExternal, name,
			len(`fib saddr type local jump mark-for-masquerade comment "masquerade local traffic"`))
		p.rule(nftExternal, name, len(`fib saddr type local goto  comment "short-circuit local traffic"`)+service)
	}
	if r.outside {
		p.rule(nftExternal, name, len("goto ")+p.name(p.externalPolicy()))
	}
}

// endpoints129 fills the chain of each endpoint.
func (p *nftPort) endpoints129(ip int) {
	set := len(" { type ipv4_addr ; flags dynamic,timeout ; timeout s ; }") + digits(p.sticky)
	for i := range p.endpoints.all {
		e := &p.endpoints.all[i]
		if !e.reachable() {
			continue
		}
		name := p.endpointName(e)
		p.create(nftEndpoint, name)
		p.rule(nftEndpoint, name, ip+len(" saddr  jump mark-for-masquerade")+len(e.ip))
		if p.clientIP() {
			p.t.sets++
			p.op("add set", p.affinityName(e)+set)
			p.rule(nftEndpoint, name, len("update @ {  saddr }")+p.affinityName(e)+ip)
		}
		p.rule(nftEndpoint, name, len("meta l4proto  dnat to ")+len(p.protocol)+e.length())
	}
}
