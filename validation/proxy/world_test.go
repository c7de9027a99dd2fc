package proxy

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redline-go/redline/proxymodel"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// cases returns the number of random clusters that a test runs.
func cases(t *testing.T, short, long int) int {
	if s := os.Getenv("REDLINE_CASES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("REDLINE_CASES is %q, want a number", s)
		}
		return n
	}
	if os.Getenv("REDLINE_LONG") == "1" {
		return long
	}
	return short
}

// stream returns the named source of chance of one case. REDLINE_SEED names others.
func stream(name string, i int) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name + os.Getenv("REDLINE_SEED")))
	return rand.New(rand.NewPCG(h.Sum64(), uint64(i)))
}

// world is a cluster that changes at random.
type world struct {
	r        *rand.Rand
	old      bool // as v1.29's API has it: no node hints
	node     proxymodel.Node
	v4, v6   bool
	services []*corev1.Service
	slices   []*discoveryv1.EndpointSlice
	serial   int // makes names and addresses unique
	maxEPs   int
	shared   map[*corev1.Service]int // pods that a service shares with others
}

func (w *world) chance(n int) bool { return w.r.IntN(n) == 0 }

func (w *world) word(n int) string {
	b := make([]byte, 1+w.r.IntN(n))
	for i := range b {
		b[i] = byte('a' + w.r.IntN(26))
	}
	return string(b)
}

func newWorld(r *rand.Rand, old bool) *world {
	w := &world{r: r, old: old, maxEPs: 6, shared: map[*corev1.Service]int{}}
	switch r.IntN(4) {
	case 0:
		w.v6 = true
	case 1:
		w.v4, w.v6 = true, true
	default:
		w.v4 = true
	}
	w.node = w.newNode()
	n := 1 + r.IntN(30)
	if w.chance(8) { // around the threshold of large-cluster mode
		n, w.maxEPs = 12+r.IntN(10), 120
	}
	for range n {
		w.addService()
	}
	return w
}

func (w *world) newNode() proxymodel.Node {
	n := proxymodel.Node{Name: "node-a", LocalhostNodePorts: w.chance(2), NFAcct: w.chance(2),
		MasqueradeAll: w.chance(5), TCPBeLiberal: w.chance(4)}
	if !w.chance(4) {
		n.Zone = "zone-1"
	}
	var locals []string
	if w.v4 {
		n.IPs = append(n.IPs, "192.168.10.5", "192.168.11.5")
		locals = append(locals, "10.0.0.0/8")
		if w.chance(3) {
			n.ServiceCIDRs = append(n.ServiceCIDRs, "10.96.0.0/12")
		}
	}
	if w.v6 {
		v6 := []string{"fd00:a::5", "fe80::1", "fd00:b::5"}
		if w.v4 && w.chance(2) {
			n.IPs = append(v6, n.IPs...)
		} else {
			n.IPs = append(n.IPs, v6...)
		}
		locals = append(locals, "fd00:10::/32")
		if w.chance(3) {
			n.ServiceCIDRs = append(n.ServiceCIDRs, "fd00:10:96::/112", "fd00:10:97::/112")
		}
	}
	if !w.chance(4) {
		n.DetectLocalCIDR = strings.Join(locals, ",")
	}
	n.NodePortAddresses = nodePortAddresses[w.r.IntN(len(nodePortAddresses))]
	return n
}

var nodePortAddresses = [][]string{
	nil, nil, nil, {"192.168.10.0/24"}, {"127.0.0.0/8", "192.168.0.0/16"}, {"fd00:a::/64", "10.1.1.0/24"},
	{"::1/128", "192.168.11.5/32", "fd00::/16"}, {"0.0.0.0/0", "::/0"},
	{"192.168.11.0/24", "0.0.0.0/0"}, {"127.0.0.1/32", "::1/128"},
}

// address returns the i-th address of a kind ('s' service, 'e' endpoint, 'x' external, 'l' load
// balancer).
func address(kind byte, i int, v6 bool) string {
	if v6 {
		return fmt.Sprintf(map[byte]string{
			's': "fd00:10:96::%x", 'e': "fd00:10:0:1::%x", 'x': "2001:db8:1::%x", 'l': "2001:db8:2::%x",
		}[kind], i+1)
	}
	first := map[byte]int{'s': 10<<24 + 96<<16, 'e': 10 << 24, 'x': 203 << 24, 'l': 198 << 24}[kind]
	n := first + i*37 + 1
	return fmt.Sprintf("%d.%d.%d.%d", n>>24, n>>16&255, n>>8&255, n&255)
}

// spell returns the address, sometimes in another spelling of the same.
func (w *world) spell(s string) string {
	if strings.Contains(s, ":") && w.chance(4) {
		return strings.Replace(strings.ToUpper(s), "::", ":0::", 1)
	}
	return s
}

func (w *world) next() int { w.serial++; return w.serial }

func (w *world) families() []corev1.IPFamily {
	switch {
	case w.v4 && w.v6:
		return [][]corev1.IPFamily{{corev1.IPv4Protocol}, {corev1.IPv6Protocol},
			{corev1.IPv4Protocol, corev1.IPv6Protocol}, {corev1.IPv6Protocol, corev1.IPv4Protocol}}[w.r.IntN(4)]
	case w.v6:
		return []corev1.IPFamily{corev1.IPv6Protocol}
	}
	return []corev1.IPFamily{corev1.IPv4Protocol}
}

func (w *world) addService() *corev1.Service {
	id := w.next()
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{
		Namespace: w.word(12), Name: fmt.Sprintf("%s-%d", w.word(20), id),
	}}
	if w.chance(8) { // up to what the API takes: comments of nft end at 128 bytes
		s.Namespace, s.Name = w.word(63), fmt.Sprintf("%s-%d", w.word(56), id)
	}
	s.Spec.IPFamilies = w.families()
	for _, f := range s.Spec.IPFamilies {
		s.Spec.ClusterIPs = append(s.Spec.ClusterIPs, w.spell(address('s', id, f == corev1.IPv6Protocol)))
	}
	s.Spec.Type = serviceTypes[w.r.IntN(len(serviceTypes))]
	switch w.r.IntN(14) {
	case 0:
		s.Spec.Type = corev1.ServiceTypeClusterIP
		for i := range s.Spec.ClusterIPs {
			s.Spec.ClusterIPs[i] = corev1.ClusterIPNone
		}
	case 1:
		s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeExternalName, "example.com"
	}
	s.Spec.ClusterIP = s.Spec.ClusterIPs[0]
	if w.chance(10) && len(s.Spec.ClusterIPs) == 1 && s.Spec.ClusterIP != corev1.ClusterIPNone {
		s.Spec.IPFamilies, s.Spec.ClusterIPs = nil, nil // as before dual stack
	}
	w.ports(s, id)
	w.policies(s, id)
	w.outside(s, id)
	w.services = append(w.services, s)
	w.slicesOf(s)
	return s
}

var serviceTypes = []corev1.ServiceType{
	corev1.ServiceTypeClusterIP, corev1.ServiceTypeNodePort, corev1.ServiceTypeLoadBalancer,
}

var protocols = []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP}

func (w *world) ports(s *corev1.Service, id int) {
	s.Spec.Ports = nil
	n := 1 + w.r.IntN(3)
	nodePorts := s.Spec.Type == corev1.ServiceTypeNodePort ||
		s.Spec.Type == corev1.ServiceTypeLoadBalancer && !w.chance(3)
	for i := range n {
		p := corev1.ServicePort{Name: fmt.Sprintf("%s%d", w.word(6), i), Protocol: protocols[w.r.IntN(3)],
			Port: int32(1 + w.r.IntN(20000)*3 + i), TargetPort: intstr.FromInt32(8080)}
		if n == 1 && w.chance(3) {
			p.Name = ""
		}
		if n == 1 && w.chance(20) {
			p.Name = w.word(15)
		}
		if i == 1 && w.chance(6) && s.Spec.Ports[0].Protocol != p.Protocol {
			p.Name = s.Spec.Ports[0].Name // one name for two protocols
		}
		if i > 0 && w.chance(3) && !slices.ContainsFunc(s.Spec.Ports, func(o corev1.ServicePort) bool {
			return o.Port == s.Spec.Ports[0].Port && o.Protocol == p.Protocol
		}) {
			p.Port = s.Spec.Ports[0].Port // as DNS has it
		}
		if nodePorts {
			p.NodePort = int32(20000 + id*3 + i)
		}
		s.Spec.Ports = append(s.Spec.Ports, p)
	}
}

func (w *world) policies(s *corev1.Service, id int) {
	s.Spec.SessionAffinity, s.Spec.SessionAffinityConfig = corev1.ServiceAffinityNone, nil
	if w.chance(4) {
		s.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
		s.Spec.SessionAffinityConfig = &corev1.SessionAffinityConfig{ClientIP: &corev1.ClientIPConfig{
			TimeoutSeconds: ptr([]int32{10800, 60, 5}[w.r.IntN(3)])}}
	}
	s.Spec.InternalTrafficPolicy = [3]*corev1.ServiceInternalTrafficPolicy{nil,
		ptr(corev1.ServiceInternalTrafficPolicyCluster), ptr(corev1.ServiceInternalTrafficPolicyLocal)}[w.r.IntN(3)]
	s.Spec.ExternalTrafficPolicy, s.Spec.HealthCheckNodePort = "", 0
	if s.Spec.Type != corev1.ServiceTypeClusterIP || w.chance(2) {
		s.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyCluster
		if w.chance(2) {
			s.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
			if s.Spec.Type == corev1.ServiceTypeLoadBalancer && !w.chance(4) {
				s.Spec.HealthCheckNodePort = int32(10000 + id)
			}
		}
	}
	s.Annotations = nil
	switch w.r.IntN(6) {
	case 0:
		s.Annotations = map[string]string{corev1.AnnotationTopologyMode: "Auto"}
	case 1:
		value := []string{"auto", "disabled", "Disabled"}[w.r.IntN(3)]
		s.Annotations = map[string]string{corev1.DeprecatedAnnotationTopologyAwareHints: value}
	case 2:
		s.Spec.TrafficDistribution = ptr([]string{corev1.ServiceTrafficDistributionPreferClose,
			corev1.ServiceTrafficDistributionPreferSameZone, corev1.ServiceTrafficDistributionPreferSameNode}[w.r.IntN(3)])
	}
}

func (w *world) outside(s *corev1.Service, id int) {
	s.Spec.ExternalIPs, s.Status.LoadBalancer.Ingress, s.Spec.LoadBalancerSourceRanges = nil, nil, nil
	for k := w.r.IntN(6) - 3; k > 0; k-- {
		s.Spec.ExternalIPs = append(s.Spec.ExternalIPs, w.spell(address('x', id*4+k, w.chance(3))))
	}
	if w.chance(10) {
		s.Spec.ExternalIPs = append(s.Spec.ExternalIPs, "")
	}
	// One of the node itself.
	if w.chance(12) && !w.claimed(w.node.IPs[0], s) && !slices.ContainsFunc(s.Spec.Ports, nodePortRange) {
		s.Spec.ExternalIPs = append(s.Spec.ExternalIPs, w.node.IPs[0])
	}
	if w.chance(8) { // one address, shared by services with different ports
		if ip := []string{"203.0.113.200", "2001:db8:1::f00"}[w.r.IntN(2)]; !w.claimed(ip, s) {
			s.Spec.ExternalIPs = append(s.Spec.ExternalIPs, ip)
		}
	}
	if s.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return
	}
	for k := w.r.IntN(3); k > 0; k-- {
		ing := corev1.LoadBalancerIngress{IP: w.spell(address('l', id*4+k, w.chance(3)))}
		switch w.r.IntN(4) {
		case 0:
			ing.IPMode = ptr(corev1.LoadBalancerIPModeVIP)
		case 1:
			ing.IPMode = ptr(corev1.LoadBalancerIPModeProxy)
		}
		s.Status.LoadBalancer.Ingress = append(s.Status.LoadBalancer.Ingress, ing)
	}
	if w.chance(5) {
		s.Status.LoadBalancer.Ingress = append(s.Status.LoadBalancer.Ingress,
			corev1.LoadBalancerIngress{Hostname: "lb.example.com"})
	}
	if len(s.Spec.ExternalIPs) > 0 && s.Spec.ExternalIPs[0] != "" && w.chance(4) {
		s.Status.LoadBalancer.Ingress = append(s.Status.LoadBalancer.Ingress,
			corev1.LoadBalancerIngress{IP: s.Spec.ExternalIPs[0]})
	}
	s.Spec.LoadBalancerSourceRanges = sourceRanges[w.r.IntN(len(sourceRanges))]
}

var sourceRanges = [][]string{
	nil, nil, {"203.0.113.0/24"}, {"203.0.113.7/24", " 192.168.0.0/16 ", "2001:db8::/32", "FD00:A::/64"},
	{"0.0.0.0/0", "10.1.0.0/16"}, {"10.2.0.0/16", "::/0"}, {"192.168.10.5/32", "fd00:a::/120"},
}

// nodePortRange reports whether a port might be another service's node port.
func nodePortRange(p corev1.ServicePort) bool { return p.Port >= 20000 }

// claimed reports whether another service has one of the ports on that address. Then chance decides
// in kube-proxy, too.
func (w *world) claimed(ip string, s *corev1.Service) bool {
	for _, o := range w.services {
		if o == s || !slices.Contains(o.Spec.ExternalIPs, ip) {
			continue
		}
		for _, p := range o.Spec.Ports {
			same := func(q corev1.ServicePort) bool { return p.Port == q.Port && p.Protocol == q.Protocol }
			if slices.ContainsFunc(s.Spec.Ports, same) {
				return true
			}
		}
	}
	return false
}

func proxied(s *corev1.Service) bool {
	return s.Spec.ClusterIP != corev1.ClusterIPNone && s.Spec.Type != corev1.ServiceTypeExternalName
}

// slicesOf gives a service slices in each of its families.
func (w *world) slicesOf(s *corev1.Service) {
	families := s.Spec.IPFamilies
	if len(families) == 0 {
		families = []corev1.IPFamily{corev1.IPv4Protocol}
		if strings.Contains(s.Spec.ClusterIP, ":") {
			families[0] = corev1.IPv6Protocol
		}
	}
	for _, f := range families {
		n := w.r.IntN(w.maxEPs + 1)
		if w.chance(6) {
			n = 0
		}
		per := 1 + w.r.IntN(100)
		style := w.r.IntN(6)
		target := int32(1 + w.r.IntN(60000))
		for i := 0; i == 0 || i < n; i += per {
			w.addSlice(s, f, min(per, n-i), style, target)
		}
	}
	if w.chance(20) {
		es := w.addSlice(s, corev1.IPv4Protocol, 0, 0, 80)
		es.AddressType = discoveryv1.AddressTypeFQDN
		es.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{"a.example.com"}}}
	}
}

func (w *world) addSlice(s *corev1.Service, f corev1.IPFamily, n, style int, target int32) *discoveryv1.EndpointSlice {
	es := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.Namespace, Name: fmt.Sprintf("%s-%d", s.Name, w.next()),
			Labels: map[string]string{discoveryv1.LabelServiceName: s.Name},
		},
		AddressType: discoveryv1.AddressType(f),
	}
	for _, p := range s.Spec.Ports {
		port := discoveryv1.EndpointPort{Name: ptr(p.Name), Protocol: ptr(p.Protocol), Port: ptr(target)}
		switch w.r.IntN(30) {
		case 0:
			port.Name = nil
		case 1:
			port.Port = ptr(int32(0))
		case 2:
			port.Protocol = ptr(corev1.ProtocolUDP)
		case 3:
			continue
		case 4:
			if !w.old { // kube-proxy v1.29.2 panics (endpointslicecache.go:412)
				port.Port = nil
			}
		}
		es.Ports = append(es.Ports, port)
	}
	for range n {
		es.Endpoints = append(es.Endpoints, w.endpoint(s, f, style))
	}
	w.slices = append(w.slices, es)
	return es
}

// endpoint returns a random one. style bends the odds for a whole service.
func (w *world) endpoint(s *corev1.Service, f corev1.IPFamily, style int) discoveryv1.Endpoint {
	v6 := f == corev1.IPv6Protocol
	e := discoveryv1.Endpoint{Addresses: []string{w.spell(address('e', w.next(), v6))}}
	switch w.r.IntN(24) {
	case 0:
		e.Addresses = append(e.Addresses, address('e', w.next(), v6)) // kube-proxy takes the first
	case 1:
		w.shared[s]++ // twice in one service would be read in random order
		e.Addresses[0] = address('e', 60_000+w.shared[s], v6)
	}
	e.NodeName = ptr("node-b")
	if style < 3 && w.chance(3) {
		e.NodeName = ptr("node-a")
	} else if w.chance(20) {
		e.NodeName = nil
	}
	c := &e.Conditions
	state := w.r.IntN(10)
	if style == 0 || style == 5 { // all terminating
		state = 7
	}
	switch {
	case state < 6:
		c.Ready, c.Serving, c.Terminating = ptr(true), ptr(true), ptr(false)
	case state == 6: // not given: ready
	case state == 7:
		c.Ready, c.Serving, c.Terminating = ptr(false), ptr(true), ptr(true)
	case state == 8:
		c.Ready, c.Serving, c.Terminating = ptr(false), ptr(false), ptr(true)
	default:
		c.Ready, c.Serving, c.Terminating = ptr(false), ptr(false), ptr(false)
	}
	if style == 1 || style == 3 || w.chance(10) {
		e.Zone = ptr("zone-1")
		zone := []string{"zone-1", "zone-2"}[w.r.IntN(2)]
		e.Hints = &discoveryv1.EndpointHints{ForZones: []discoveryv1.ForZone{{Name: zone}}}
		if w.chance(8) {
			e.Hints.ForZones = append(e.Hints.ForZones, discoveryv1.ForZone{Name: "zone-1"})
		}
		if w.chance(12) {
			e.Hints.ForZones = nil
		}
		if !w.old && style == 3 && !w.chance(10) {
			e.Hints.ForNodes = []discoveryv1.ForNode{{Name: []string{"node-a", "node-b"}[w.r.IntN(2)]}}
		}
	}
	return e
}

func ptr[T any](v T) *T { return &v }
