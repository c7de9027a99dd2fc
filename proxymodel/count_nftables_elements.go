package proxymodel

import (
	"fmt"
	"slices"
	"strings"
)

// container is a set or map of the nftables mode that holds elements per service. The verdict maps
// give the chain that traffic goes to.
type container int8

const (
	clusterIPs container = iota
	serviceIPs
	firewallIPs
	noEndpointServices
	noEndpointNodePorts
	serviceNodePorts
	hairpinConnections
	numContainers
)

var containerNames = [numContainers]string{"cluster-ips", "service-ips", "firewall-ips",
	"no-endpoint-services", "no-endpoint-nodeports", "service-nodeports", "hairpin-connections"}

// elementKey identifies an element. The container decides which parts are used.
type elementKey struct {
	in       container
	ip       string
	protocol string
	port     int32
}

// length returns the length of the key's text: "ip . proto . port" and the like.
func (k elementKey) length() int {
	proto := len(k.protocol) + len(" . ") + digits(int(k.port))
	switch k.in {
	case clusterIPs:
		return len(k.ip)
	case noEndpointNodePorts, serviceNodePorts:
		return proto
	case hairpinConnections:
		return 2*(len(k.ip)+len(" . ")) + proto
	}
	return len(k.ip) + len(" . ") + proto
}

// verdict is the value of an element.
type verdict int8

const (
	member verdict = iota // of a set: no value
	reject
	drop
	gotoChain // + nftChain
)

// claim is one service port's wish for an element.
type claim struct {
	owner   string // the service port, whose chain a goto leads to
	value   verdict
	comment int // length of the element's comment, 0 for none
	name    int // length of the chain's name in a goto
}

func (c *claim) same(o *claim) bool {
	return c.value == o.value && (c.value < gotoChain || c.owner == o.owner)
}

// text returns the length of the part after the key: comment and value.
func (c *claim) text() int {
	n := 0
	if c.comment > 0 {
		n += len(` comment ""`) + c.comment
	}
	switch {
	case c.value == reject:
		n += len(" : goto reject-chain")
	case c.value == drop:
		n += len(" : drop")
	case c.value >= gotoChain:
		n += len(" : goto ") + c.name
	}
	return n
}

// eachElement calls visit for every element a port wants, in the order of syncProxyRules.
func (p *servicePort) eachElement(visit func(elementKey, claim)) {
	r, es := p.route(), &p.endpoints
	owner := p.name
	if p.protocol != "tcp" { // one name may stand for a TCP and a UDP port
		owner += "/" + p.protocol
	}
	goTo := func(c nftChain) claim {
		return claim{owner: owner, value: gotoChain + verdict(c), name: len(nftPrefix[c]) + 1 + p.base()}
	}
	at := func(in container, ip string) elementKey {
		return elementKey{in: in, ip: ip, protocol: p.protocol, port: p.port}
	}
	refuse := claim{owner: owner, value: reject, comment: min(len(p.name), nftCommentMax)}
	if es.any {
		refuse.value = drop
	}
	for i := range es.all {
		if e := &es.all[i]; e.local && e.reachable() {
			visit(elementKey{in: hairpinConnections, ip: e.ip, protocol: p.protocol, port: e.port}, claim{owner: owner})
		}
	}
	visit(elementKey{in: clusterIPs, ip: p.clusterIP}, claim{owner: owner})
	if r.internal {
		visit(at(serviceIPs, p.clusterIP), goTo(p.internalPolicy()))
	} else {
		visit(at(noEndpointServices, p.clusterIP), refuse)
	}
	for _, list := range [][]string{p.externalIPs, p.vips} {
		for _, ip := range list {
			if es.any {
				visit(at(serviceIPs, ip), goTo(nftExternal))
			}
			if !r.outside {
				visit(at(noEndpointServices, ip), refuse)
			}
		}
	}
	if p.firewalled() {
		for _, ip := range p.vips {
			visit(at(firewallIPs, ip), goTo(nftFirewall))
		}
	}
	if p.nodePort != 0 {
		if es.any {
			visit(elementKey{in: serviceNodePorts, protocol: p.protocol, port: p.nodePort}, goTo(nftExternal))
		}
		if !r.outside {
			visit(elementKey{in: noEndpointNodePorts, protocol: p.protocol, port: p.nodePort}, refuse)
		}
	}
}

// elements holds the claims of all ports, by key. Nearly every key has one claim; further claims
// are in more.
type elements struct {
	one   map[elementKey]claim
	more  map[elementKey][]claim // the rest, sorted by owner together with one
	total diff                   // what a sync from nothing adds
	fixed int                    // length of "element ip kube-proxy "
}

// diff counts the changes that a sync makes to elements.
type diff struct {
	added, deleted [numContainers]int
	ops, bytes     int
}

func (d *diff) add(o *diff, n int) {
	for i := range d.added {
		d.added[i] += n * o.added[i]
		d.deleted[i] += n * o.deleted[i]
	}
	d.ops += n * o.ops
	d.bytes += n * o.bytes
}

func newElements(f *family, services int) *elements {
	e := &elements{
		one: make(map[elementKey]claim, 2*services), more: map[elementKey][]claim{},
		fixed: len(" element ip kube-proxy "),
	}
	if f.v6 {
		e.fixed++
	}
	return e
}

// put adds a claim, or with times -1 takes it away.
func (e *elements) put(k elementKey, c claim, times int) {
	first, ok := e.one[k]
	if !ok && times > 0 { // the common case
		e.one[k] = c
		e.write(&e.total, k, &c, 1)
		return
	}
	list := e.claims(k, first)
	before := e.walk(k, nil, list)
	e.total.add(&before, -1)
	if times > 0 {
		i, _ := slices.BinarySearchFunc(list, c, func(a, b claim) int { return strings.Compare(a.owner, b.owner) })
		list = slices.Insert(list, i, c)
	} else if i := slices.Index(list, c); i >= 0 {
		list = slices.Delete(list, i, i+1)
	}
	after := e.walk(k, nil, list)
	e.total.add(&after, 1)
	e.keep(k, list)
}

// claims returns the list of a key's claims. first is the one in e.one.
func (e *elements) claims(k elementKey, first claim) []claim {
	return append(append(make([]claim, 0, 3), first), e.more[k]...)
}

func (e *elements) keep(k elementKey, list []claim) {
	delete(e.one, k)
	delete(e.more, k)
	if len(list) > 0 {
		e.one[k] = list[0]
	}
	if len(list) > 1 {
		e.more[k] = list[1:]
	}
}

// write counts the command that adds (or with n -1 no longer adds) an element.
func (e *elements) write(d *diff, k elementKey, c *claim, n int) {
	d.added[k.in] += n
	d.ops += n
	d.bytes += n * (len("add") + e.fixed + len(containerNames[k.in]) + len(" {  }\n") + k.length() + c.text())
}

func (e *elements) erase(d *diff, k elementKey) {
	d.deleted[k.in]++
	d.ops++
	d.bytes += len("delete") + e.fixed + len(containerNames[k.in]) + len(" {  }\n") + k.length()
}

// walk follows nftElementStorage for one key. The claims come one after the other, each replacing a
// different value. An element that nobody claims is deleted.
func (e *elements) walk(k elementKey, installed *claim, list []claim) (d diff) {
	now := installed
	for i := range list {
		c := &list[i]
		if now != nil && now.same(c) {
			continue
		}
		if now != nil {
			e.erase(&d, k)
		}
		e.write(&d, k, c, 1)
		now = c
	}
	if len(list) == 0 && installed != nil {
		e.erase(&d, k)
	}
	return d
}

// conflicts names the keys that two ports claim with different values.
func (e *elements) conflicts() []error {
	var out []error
	for k, list := range e.more {
		first := e.one[k]
		for i := range list {
			if !first.same(&list[i]) {
				out = append(out, fmt.Errorf(
					"proxymodel: Services %s and %s both claim %s in %s: kube-proxy's choice is random",
					first.owner, list[i].owner, k, containerNames[k.in]))
				break
			}
		}
	}
	slices.SortFunc(out, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return out
}

func (k elementKey) String() string {
	return strings.TrimPrefix(fmt.Sprintf("%s %s/%d", k.ip, k.protocol, k.port), " ")
}
