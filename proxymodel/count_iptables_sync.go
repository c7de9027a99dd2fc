package proxymodel

import "time"

// iptablesCount counts the iptables mode: sums over all services, and what of earlier syncs is
// still in the kernel.
type iptablesCount struct {
	version     Version
	family      *family
	node        *Node
	frame       tally // what does not depend on services
	nat, filter int   // chain lines of the frame
	shared, own tally
	endpoints   int // of all service ports, NotReady included

	synced, full bool // a sync has been; the next must be full
	large        bool // as of the last sync
	lastFull     time.Duration
	lastCleanup  time.Duration
	stale        map[chainID]bool // in the kernel, but of no service
}

// chainID names a per-service chain. The hash in its real name is made of these.
type chainID struct {
	chain          chain
	name, protocol string
	ip             string // and port: the endpoint of a SEP chain
	port           int32
}

func newIPTables(v Version, f *family, n *Node) *iptablesCount {
	b := &iptablesCount{version: v, family: f, node: n, stale: map[chainID]bool{}}
	b.frame, b.nat, b.filter = iptablesFrame(f, n, v)
	return b
}

func (b *iptablesCount) put(ports []*servicePort, times int) {
	for _, p := range ports {
		shared, own := p.iptables(b.family, b.node, b.version)
		b.shared.add(&shared, times)
		b.own.add(&own, times)
		b.endpoints += times * len(p.endpoints.all)
	}
}

func (b *iptablesCount) force() { b.full = true }

func (b *iptablesCount) rules() Rules {
	r := b.result(&b.own, b.endpoints > LargeCluster, nil)
	r.Full = true
	return r
}

// sync follows syncProxyRules of pkg/proxy/iptables/proxier.go. A sync is full if it must be, or if
// the last is an hour ago and the cluster was not large then. Stale chains go with every sync of a
// small cluster and once per period of a large.
func (b *iptablesCount) sync(at time.Duration, changed []change) Rules {
	full := !b.synced || b.full ||
		b.version != V1_29 && at-b.lastFull > time.Hour && !b.large
	b.large = b.endpoints > LargeCluster
	if b.synced {
		b.retire(changed)
	}
	var deleted []chainID
	if !b.synced || !b.large || at-b.lastCleanup > b.node.syncPeriod() {
		for id := range b.stale {
			deleted = append(deleted, id)
		}
		clear(b.stale)
		b.lastCleanup = at
	}
	own := &b.own
	if full {
		b.lastFull, b.full = at, false
	} else {
		own = b.ownOf(changed)
	}
	b.synced = true
	r := b.result(own, b.large, deleted)
	r.Full = full
	return r
}

// ownOf counts the chains of changed services only.
func (b *iptablesCount) ownOf(changed []change) *tally {
	var t tally
	for _, c := range changed {
		for _, p := range c.after {
			_, own := p.iptables(b.family, b.node, b.version)
			t.add(&own, 1)
		}
	}
	return &t
}

// retire finds the chains that changed services left behind.
func (b *iptablesCount) retire(changed []change) {
	for _, c := range changed {
		for _, p := range c.before {
			p.eachChain(func(id chainID) { b.stale[id] = true })
		}
		for _, p := range c.after {
			p.eachChain(func(id chainID) { delete(b.stale, id) })
		}
	}
}

// eachChain calls visit for every chain that exists for the port.
func (p *servicePort) eachChain(visit func(chainID)) {
	r, id := p.route(), chainID{name: p.name, protocol: p.protocol}
	for _, c := range []struct {
		is    bool
		chain chain
	}{{r.useSVC, natSVC}, {r.useSVL, natSVL}, {r.useEXT, natEXT}, {p.endpoints.any && p.firewalled(), natFW}} {
		if c.is {
			id.chain = c.chain
			visit(id)
		}
	}
	id.chain = natSEP
	for i := range p.endpoints.all {
		if e := &p.endpoints.all[i]; e.reachable() {
			id.ip, id.port = e.ip, e.port
			visit(id)
		}
	}
}

// result adds up the frame, the shared chains and those of services. For each deleted chain it adds
// the line that declares it and the line "-X NAME".
func (b *iptablesCount) result(own *tally, large bool, deleted []chainID) Rules {
	t := b.frame
	t.add(&b.shared, 1)
	t.add(own, 1)
	if large {
		t.bytes -= t.comments
	}
	r := Rules{
		Large: large, Bytes: t.bytes, NATChains: b.nat, FilterChains: b.filter,
		NAT: map[string]int{}, Filter: map[string]int{}, Chains: map[string]int{}, DeletedChains: len(deleted),
	}
	for c := range numChains {
		if c < filterServices {
			setNonZero(r.NAT, chainNames[c], t.rules[c])
		} else {
			setNonZero(r.Filter, chainNames[c], t.rules[c])
		}
		setNonZero(r.Chains, chainNames[c], t.chains[c])
		r.NATChains += t.chains[c]
	}
	for _, id := range deleted {
		length := len(svc)
		if id.chain == natFW {
			length = len(fw)
		}
		r.NATChains++
		r.Bytes += len(": - [0:0]\n-X \n") + 2*length
	}
	return r
}

func setNonZero(m map[string]int, key string, n int) {
	if n != 0 {
		m[key] = n
	}
}
