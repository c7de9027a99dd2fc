package proxymodel

import "time"

// nftCount counts the nftables mode from v1.30 on. Chains are written for changed services,
// elements are compared with what is there.
type nftCount struct {
	family *family
	node   *Node
	own    nftTally
	elements

	synced, full bool
	lastFull     time.Duration
	installed    map[elementKey]claim   // in the kernel since the last sync
	stale        map[chainID]staleChain // emptied, to be deleted
}

// staleChain is a chain that nothing leads to any more.
type staleChain struct {
	since time.Duration // when a sync last emptied it
	name  int           // length of its name
}

func newNFTables(f *family, n *Node, services int) *nftCount {
	return &nftCount{family: f, node: n, elements: *newElements(f, services),
		installed: map[elementKey]claim{}, stale: map[chainID]staleChain{}}
}

func (b *nftCount) put(ports []*servicePort, times int) {
	for _, p := range ports {
		var t nftTally
		p.nft(b.family, &t).count()
		b.own.add(&t, times)
		p.eachElement(func(k elementKey, c claim) { b.elements.put(k, c, times) })
	}
}

func (b *nftCount) force() { b.full = true }

func (b *nftCount) rules() Rules {
	r := b.result(true, true, &b.own, &b.total)
	r.Full = true
	r.Warnings = b.conflicts()
	return r
}

// sync follows syncProxyRules of pkg/proxy/nftables/proxier.go. Chains that have been stale for a
// second are deleted in a transaction of their own. Then the changed is written and newly stale
// chains are emptied.
func (b *nftCount) sync(at time.Duration, changed []change) Rules {
	first := !b.synced
	full := first || b.full || at-b.lastFull > time.Hour
	var gone nftTally
	deleted := b.deleteStale(at, &gone)
	own := &b.own
	if full {
		b.lastFull, b.full = at, false
	} else {
		own = b.ownOf(changed)
	}
	sets := 0
	if !first {
		sets = b.retire(changed, &gone)
	}
	d := b.install(first, changed)
	flushed := b.flushStale(at, &gone)
	b.synced = true
	r := b.result(full, first, own, &d)
	r.Full, r.DeletedChains, r.FlushedChains = full, deleted, flushed
	r.Bytes += gone.bytes
	r.Operations += gone.ops
	setNonZero(r.DeletedElements, "affinity", sets)
	r.Warnings = b.conflicts()
	return r
}

func (b *nftCount) ownOf(changed []change) *nftTally {
	var t nftTally
	for _, c := range changed {
		for _, p := range c.after {
			p.nft(b.family, &t).count()
		}
	}
	return &t
}

// deleteStale deletes the chains that were emptied more than a second ago.
func (b *nftCount) deleteStale(at time.Duration, t *nftTally) (n int) {
	op := (&servicePort{}).nft(b.family, t)
	for id, s := range b.stale {
		if s.since < at-time.Second {
			op.op("delete chain", s.name)
			delete(b.stale, id)
			n++
		}
	}
	return n
}

// flushStale empties the stale chains, also those that it emptied before.
func (b *nftCount) flushStale(at time.Duration, t *nftTally) int {
	op := (&servicePort{}).nft(b.family, t)
	for id, s := range b.stale {
		op.op("flush chain", s.name)
		b.stale[id] = staleChain{since: at, name: s.name}
	}
	return len(b.stale)
}

// retire finds the chains and affinity sets that changed services left behind. A set is deleted at
// once, and goes with its endpoint's chain.
func (b *nftCount) retire(changed []change, t *nftTally) (sets int) {
	op := (&servicePort{}).nft(b.family, t)
	for _, c := range changed {
		kept := map[chainID]bool{}
		for _, p := range c.after {
			p.eachNFTChain(func(id chainID, _ int) {
				kept[id] = true
				delete(b.stale, id)
			})
		}
		for _, p := range c.before {
			p.eachNFTChain(func(id chainID, name int) {
				if kept[id] {
					return
				}
				b.stale[id] = staleChain{name: name}
				if id.chain == chain(nftEndpoint) {
					op.op("delete set", name)
					sets++
				}
			})
		}
	}
	return sets
}

// eachNFTChain calls visit for every chain of the port, with its name's length.
func (p *servicePort) eachNFTChain(visit func(id chainID, name int)) {
	r, id := p.route(), chainID{name: p.name, protocol: p.protocol}
	used := [...]bool{
		nftService: r.useSVC, nftLocal: r.useSVL, nftExternal: r.useEXT, nftFirewall: p.firewalled(),
	}
	for c, is := range used {
		if is {
			id.chain = chain(c)
			visit(id, len(nftPrefix[c])+1+p.base())
		}
	}
	if !p.clientIP() {
		return
	}
	p.eachEndpointChain(id, visit)
}

// install brings the kernel's elements to the wanted ones and returns what that takes. Only keys of
// changed services can differ, and those that two services claim, which every sync writes anew.
func (b *nftCount) install(first bool, changed []change) (d diff) {
	if first {
		for k, c := range b.one {
			b.installed[k] = last(c, b.more[k])
		}
		return b.total
	}
	dirty := map[elementKey]bool{}
	for _, c := range changed {
		for _, ports := range [][]*servicePort{c.before, c.after} {
			for _, p := range ports {
				p.eachElement(func(k elementKey, _ claim) { dirty[k] = true })
			}
		}
	}
	for k := range b.more {
		dirty[k] = true
	}
	for k := range dirty {
		one := b.installKey(k)
		d.add(&one, 1)
	}
	return d
}

func (b *nftCount) installKey(k elementKey) diff {
	var now *claim
	if c, ok := b.installed[k]; ok {
		now = &c
	}
	first, wanted := b.one[k]
	if !wanted {
		delete(b.installed, k)
		return b.walk(k, now, nil)
	}
	list := b.claims(k, first)
	b.installed[k] = list[len(list)-1]
	return b.walk(k, now, list)
}

func last(first claim, more []claim) claim {
	if len(more) > 0 {
		return more[len(more)-1]
	}
	return first
}

// result adds up the frame (of a full sync), chains and elements.
func (b *nftCount) result(full, first bool, own *nftTally, d *diff) Rules {
	r := Rules{
		Table: map[string]int{}, Chains: map[string]int{},
		Elements: map[string]int{}, DeletedElements: map[string]int{},
		AffinitySets: own.sets, Operations: own.ops + d.ops, Bytes: own.bytes + d.bytes,
	}
	if full {
		frame, nodePortIPs := nftFrame(b.family, b.node, first)
		r.Operations += frame.ops
		r.Bytes += frame.bytes
		r.TableChains = len(frame.chains)
		r.Table = frame.rules
		setNonZero(r.Elements, "nodeport-ips", nodePortIPs)
	}
	for c := range numNFTChains {
		setNonZero(r.Table, nftPrefix[c], own.rules[c])
		setNonZero(r.Chains, nftPrefix[c], own.chains[c])
		r.TableChains += own.chains[c]
	}
	for c := range numContainers {
		setNonZero(r.Elements, containerNames[c], d.added[c])
		setNonZero(r.DeletedElements, containerNames[c], d.deleted[c])
	}
	return r
}
