package proxymodel

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// endpoint is one address and port behind a service port, as pkg/proxy/endpointslicecache.go reads
// it.
type endpoint struct {
	ip                          string
	port                        int32
	local                       bool
	ready, serving, terminating bool
	zoneHint, forZone           bool // has zone hints, and one for the node's zone
	nodeHint, forNode           bool // has node hints, and one for the node
	inCluster, inLocal          bool // traffic policies Cluster and Local lead here
}

// reachable reports whether any traffic policy leads from this node to it.
func (e *endpoint) reachable() bool { return e.inCluster || e.inLocal }

func (e *endpoint) compare(o *endpoint) int {
	return cmp.Or(cmp.Compare(e.ip, o.ip), cmp.Compare(e.port, o.port))
}

// length returns the length of the text ip:port, with the brackets of IPv6.
func (e *endpoint) length() int {
	n := len(e.ip) + 1 + digits(int(e.port))
	if strings.IndexByte(e.ip, ':') >= 0 {
		n += 2
	}
	return n
}

// span reduces a set of endpoints to what the lengths of rules depend on.
type span struct {
	n    int // how many
	ip   int // summed length of their addresses
	text int // summed length of address:port
	port int // summed length of the port numbers
}

func (s *span) add(e *endpoint) {
	s.n++
	s.ip += len(e.ip)
	s.text += e.length()
	s.port += digits(int(e.port))
}

// endpoints holds one service port's endpoints, sorted into the sets that traffic policies use
// (CategorizeEndpoints in pkg/proxy/topology.go).
type endpoints struct {
	all     []endpoint // sorted by address and port, without repetition
	any     bool       // usable endpoints exist somewhere
	cluster span       // traffic policy Cluster, by topology if hints apply
	local   span       // traffic policy Local
	reach   span       // either
}

// collect appends a port's endpoints to all, from the service's slices of the family. It returns
// the index at which they begin.
func collect(all []endpoint, p *servicePort, own []*discoveryv1.EndpointSlice, f *family, n *Node,
	v Version) (_ []endpoint, start int) {
	out, start := all, len(all)
	for _, s := range own {
		if s.AddressType != discoveryv1.AddressType(f.ip) {
			continue
		}
		for i := range s.Ports {
			sp := &s.Ports[i]
			if sp.Name == nil || *sp.Name != p.key.name || sp.Port == nil || *sp.Port == 0 {
				continue
			}
			protocol := corev1.ProtocolTCP
			if sp.Protocol != nil {
				protocol = protocolOf(*sp.Protocol)
			}
			if protocol != p.key.protocol {
				continue
			}
			out = slices.Grow(out, len(s.Endpoints))
			for j := range s.Endpoints {
				if len(s.Endpoints[j].Addresses) > 0 {
					out = append(out, newEndpoint(&s.Endpoints[j], *sp.Port, n, v))
				}
			}
		}
	}
	return out[:start+len(dedupe(out[start:], v))], start
}

func newEndpoint(e *discoveryv1.Endpoint, port int32, n *Node, v Version) endpoint {
	c := &e.Conditions
	out := endpoint{
		ip:          e.Addresses[0],
		port:        port,
		local:       n.Name != "" && e.NodeName != nil && *e.NodeName == n.Name,
		ready:       c.Ready == nil || *c.Ready,
		serving:     c.Serving == nil || *c.Serving,
		terminating: c.Terminating != nil && *c.Terminating,
	}
	if v != V1_29 {
		out.ip = canonicalText(out.ip)
	}
	if h := e.Hints; h != nil {
		out.zoneHint = len(h.ForZones) > 0
		for i := range h.ForZones {
			out.forZone = out.forZone || h.ForZones[i].Name == n.Zone
		}
		out.nodeHint = v != V1_29 && len(h.ForNodes) > 0
		for i := range h.ForNodes {
			out.forNode = out.forNode || out.nodeHint && h.ForNodes[i].Name == n.Name
		}
	}
	return out
}

// canonicalText returns the address as net.IP prints it, without allocating when it is that
// already.
func canonicalText(s string) string {
	if plainIPv4(s) {
		return s
	}
	return canonicalIP(s)
}

// plainIPv4 reports whether s is an IPv4 address in canonical form: four numbers up to 255 without
// leading zeros.
func plainIPv4(s string) bool {
	dots, digits, value := 0, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.' && digits > 0:
			dots, digits, value = dots+1, 0, 0
		case c < '0' || c > '9' || digits > 0 && value == 0:
			return false
		default:
			if digits, value = digits+1, value*10+int(c-'0'); value > 255 {
				return false
			}
		}
	}
	return dots == 3 && digits > 0
}

// dedupe keeps one endpoint per address and port. v1.37 prefers the last that does not terminate,
// v1.29 the last local one, in the order of the slices. The real proxiers go through the slices in
// random order.
func dedupe(in []endpoint, v Version) []endpoint {
	if !slices.IsSortedFunc(in, func(a, b endpoint) int { return a.compare(&b) }) {
		slices.SortStableFunc(in, func(a, b endpoint) int { return a.compare(&b) })
	}
	out := in[:0]
	for i := range in {
		last := len(out) - 1
		if last < 0 || out[last].compare(&in[i]) != 0 {
			out = append(out, in[i])
		} else if v == V1_29 && in[i].local || v != V1_29 && !in[i].terminating {
			out[last] = in[i]
		}
	}
	return out
}

// categorize sorts a port's endpoints into the sets of the traffic policies.
func categorize(p *servicePort, all []endpoint, n *Node, v Version) endpoints {
	es := endpoints{all: all}
	topology := anywhere
	if p.usesCluster() {
		topology = topologyMode(p, all, n, v)
	}
	inCluster := clusterFilter(p, all, topology)
	inLocal := localFilter(p, all)
	if p.usesLocal() {
		es.any = slices.ContainsFunc(all, func(e endpoint) bool {
			return e.ready || e.serving && e.terminating
		})
	}
	for i := range all {
		e := &all[i]
		e.inCluster, e.inLocal = inCluster(e), inLocal(e)
		if e.inCluster {
			es.cluster.add(e)
		}
		if e.inLocal {
			es.local.add(e)
		}
		if e.reachable() {
			es.reach.add(e)
		}
	}
	es.any = es.any || es.cluster.n > 0
	return es
}

type filter func(*endpoint) bool

func none(*endpoint) bool          { return false }
func terminating(e *endpoint) bool { return e.serving && e.terminating }

// clusterFilter picks the ready endpoints that topology allows, else those that terminate but still
// serve.
func clusterFilter(p *servicePort, all []endpoint, t topology) filter {
	if !p.usesCluster() {
		return none
	}
	for i := range all {
		if all[i].ready && t.allows(&all[i]) {
			return func(e *endpoint) bool { return e.ready && t.allows(e) }
		}
	}
	return terminating
}

// localFilter picks the ready endpoints on the node, else those there that terminate but still
// serve.
func localFilter(p *servicePort, all []endpoint) filter {
	if !p.usesLocal() {
		return none
	}
	for i := range all {
		if all[i].local && all[i].ready {
			return func(e *endpoint) bool { return e.local && e.ready }
		}
	}
	return func(e *endpoint) bool { return e.local && !e.ready && terminating(e) }
}

// topology restricts the endpoints by hints.
type topology int

const (
	anywhere topology = iota
	sameZone
	sameNode
)

func (t topology) allows(e *endpoint) bool {
	switch t {
	case sameZone:
		return e.forZone
	case sameNode:
		return e.forNode
	}
	return true
}

// topologyMode returns the restriction that hints make. Every ready endpoint must have a hint, and
// one of them must be for this node or zone. v1.29 also wants the service's annotation, and knows
// no node hints.
func topologyMode(p *servicePort, all []endpoint, n *Node, v Version) topology {
	if v == V1_29 && (p.hints == "" || p.hints == "disabled" || p.hints == "Disabled" || n.Zone == "") {
		return anywhere
	}
	some, allZone, forZone, allNode, forNode := false, true, false, v != V1_29, false
	for i := range all {
		e := &all[i]
		if !e.ready {
			continue
		}
		some = true
		allZone, forZone = allZone && e.zoneHint, forZone || e.zoneHint && e.forZone
		allNode, forNode = allNode && e.nodeHint, forNode || e.nodeHint && e.forNode
	}
	switch {
	case some && allNode && forNode:
		return sameNode
	case some && allZone && forZone:
		return sameZone
	}
	return anywhere
}

// digits returns the length of a number in decimal.
func digits(n int) int {
	d := 1
	for n >= 10 {
		n, d = n/10, d+1
	}
	return d
}
