package proxymodel

import (
	"cmp"
	"net"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	netutils "k8s.io/utils/net"
)

// name holds an object's namespace and name.
type name struct{ namespace, name string }

func (n name) String() string { return n.namespace + "/" + n.name }

// portKey keeps the ports of a service apart, as proxy.ServicePortName does.
type portKey struct {
	name     string
	protocol corev1.Protocol
}

// servicePort holds what the proxiers read of one port of a service in one family
// (BaseServicePortInfo of pkg/proxy/serviceport.go).
type servicePort struct {
	key      portKey
	name     string // namespace/name[:port]
	protocol string // tcp, udp or sctp
	port     int32
	nodePort int32
	*serviceShared

	endpoints endpoints
}

// serviceShared holds what all ports of a service have in common.
type serviceShared struct {
	service        name
	clusterIP      string
	externalIPs    []string
	vips           []string // load balancer addresses
	ranges         []string // load balancer source ranges, as they are printed
	rangesGiven    bool     // source ranges were given, though they allow any
	fromNode       bool     // the node is in a source range
	affinity       corev1.ServiceAffinity
	sticky         int // seconds, with affinity
	healthNodePort int32
	externalLocal  bool
	internalLocal  bool
	hints          string // v1.29: the topology annotation
	internalPolicy string // v1.29 compares the policy itself, given or not
}

func (s *serviceShared) clientIP() bool { return s.affinity == corev1.ServiceAffinityClientIP }

// external reports whether anything but the cluster IP leads to the port.
func (p *servicePort) external() bool {
	return p.nodePort != 0 || len(p.vips) > 0 || len(p.externalIPs) > 0
}

func (p *servicePort) usesCluster() bool { return !p.internalLocal || p.external() }

func (p *servicePort) usesLocal() bool {
	return p.internalLocal || (p.externalLocal && p.external())
}

// proxied reports whether kube-proxy handles the service at all: not without a cluster IP, not
// headless, not an ExternalName (ShouldSkipService).
func proxied(s *corev1.Service) bool {
	return s.Spec.ClusterIP != "" && s.Spec.ClusterIP != corev1.ClusterIPNone &&
		s.Spec.Type != corev1.ServiceTypeExternalName
}

// clusterIPOf returns the service's cluster IP of a family, "" if it has none
// (GetClusterIPByFamily).
func clusterIPOf(s *corev1.Service, f corev1.IPFamily) string {
	if len(s.Spec.IPFamilies) == 0 {
		if familyOf(isIPv6(s.Spec.ClusterIP)) == f {
			return s.Spec.ClusterIP
		}
		return ""
	}
	for i, is := range s.Spec.IPFamilies {
		if is == f && i < len(s.Spec.ClusterIPs) {
			return s.Spec.ClusterIPs[i]
		}
	}
	return ""
}

// servicePorts returns the ports that one family's proxier makes of a checked service, nil if it
// skips it.
func servicePorts(s *corev1.Service, f *family, v Version) []*servicePort {
	if !proxied(s) {
		return nil
	}
	clusterIP := clusterIPOf(s, f.ip)
	if clusterIP == "" {
		return nil
	}
	shared := newShared(s, f, v)
	shared.clusterIP = canonicalText(clusterIP)
	ports := make([]servicePort, len(s.Spec.Ports))
	out := make([]*servicePort, len(s.Spec.Ports))
	id := s.Namespace + "/" + s.Name
	for i := range s.Spec.Ports {
		p := &s.Spec.Ports[i]
		key := portKey{name: p.Name, protocol: protocolOf(p.Protocol)}
		ports[i] = servicePort{key: key, name: id, protocol: lower(key.protocol),
			port: p.Port, nodePort: p.NodePort, serviceShared: shared}
		if p.Name != "" {
			ports[i].name = id + ":" + p.Name
		}
		out[i] = &ports[i]
	}
	return out
}

func newShared(s *corev1.Service, f *family, v Version) *serviceShared {
	shared := &serviceShared{
		service:       name{namespace: s.Namespace, name: s.Name},
		affinity:      s.Spec.SessionAffinity,
		externalLocal: externalPolicyLocal(s),
		internalLocal: s.Spec.InternalTrafficPolicy != nil &&
			*s.Spec.InternalTrafficPolicy == corev1.ServiceInternalTrafficPolicyLocal,
	}
	if shared.clientIP() {
		shared.sticky = stickySeconds(s)
	}
	if shared.externalLocal && s.Spec.Type == corev1.ServiceTypeLoadBalancer {
		shared.healthNodePort = s.Spec.HealthCheckNodePort
	}
	for _, ip := range s.Spec.ExternalIPs {
		if t, ok := f.address(ip, v); ok {
			shared.externalIPs = append(shared.externalIPs, t)
		}
	}
	for _, ing := range s.Status.LoadBalancer.Ingress {
		if v != V1_29 && ing.IPMode != nil && *ing.IPMode != corev1.LoadBalancerIPModeVIP {
			continue
		}
		if t, ok := f.address(ing.IP, v); ok {
			shared.vips = append(shared.vips, t)
		}
	}
	shared.addRanges(s, f, v)
	if v == V1_29 {
		shared.hints = hintsAnnotation(s)
		if s.Spec.InternalTrafficPolicy != nil {
			shared.internalPolicy = string(*s.Spec.InternalTrafficPolicy)
		}
	}
	return shared
}

// addRanges keeps the source ranges of the family. v1.37 prints them masked and takes a range of
// all addresses for none. v1.29 prints them as given.
func (s *serviceShared) addRanges(svc *corev1.Service, f *family, v Version) {
	for _, r := range svc.Spec.LoadBalancerSourceRanges {
		r = strings.TrimSpace(r)
		_, cidr, err := netutils.ParseCIDRSloppy(r)
		if err != nil || netutils.IsIPv6CIDR(cidr) != f.v6 {
			continue
		}
		if v == V1_29 {
			s.ranges = append(s.ranges, r)
		} else if isAny(r, cidr, v) {
			s.ranges, s.rangesGiven, s.fromNode = nil, true, false
			return
		} else {
			s.ranges = append(s.ranges, cidr.String())
		}
		s.fromNode = s.fromNode || cidr.Contains(f.nodeIP)
	}
}

// address returns the text that kube-proxy prints for an address of its own family. v1.29 prints it
// as given, v1.37 in canonical form.
func (f *family) address(s string, v Version) (string, bool) {
	if plainIPv4(s) {
		return s, !f.v6
	}
	ip := netutils.ParseIPSloppy(s)
	if ip == nil || netutils.IsIPv6(ip) != f.v6 {
		return "", false
	}
	if v == V1_29 {
		return s, true
	}
	return ip.String(), true
}

func canonicalIP(s string) string { return netutils.ParseIPSloppy(s).String() }

// externalPolicyLocal follows ExternalPolicyLocal of pkg/api/v1/service/util.go.
func externalPolicyLocal(s *corev1.Service) bool {
	switch s.Spec.Type {
	case corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeNodePort:
	case corev1.ServiceTypeClusterIP:
		if len(s.Spec.ExternalIPs) == 0 {
			return false
		}
	default:
		return false
	}
	return s.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal
}

// stickySeconds returns the affinity's timeout. The API server fills in three hours.
func stickySeconds(s *corev1.Service) int {
	c := s.Spec.SessionAffinityConfig
	if c == nil || c.ClientIP == nil || c.ClientIP.TimeoutSeconds == nil {
		return int(corev1.DefaultClientIPServiceAffinitySeconds)
	}
	return int(*c.ClientIP.TimeoutSeconds)
}

// hintsAnnotation returns the annotation that v1.29 reads to honour topology hints. The deprecated
// one goes first.
func hintsAnnotation(s *corev1.Service) string {
	if a, ok := s.Annotations[corev1.DeprecatedAnnotationTopologyAwareHints]; ok {
		return a
	}
	return s.Annotations[corev1.AnnotationTopologyMode]
}

// protocolOf returns the protocol, TCP if it is not given, as the API server fills in.
func protocolOf(p corev1.Protocol) corev1.Protocol { return cmp.Or(p, corev1.ProtocolTCP) }

func lower(p corev1.Protocol) string {
	switch p {
	case corev1.ProtocolTCP:
		return "tcp"
	case corev1.ProtocolUDP:
		return "udp"
	case corev1.ProtocolSCTP:
		return "sctp"
	}
	return strings.ToLower(string(p))
}

// samePorts reports whether kube-proxy sees no difference between two states of a service (the
// DeepEqual of pkg/proxy/servicechangetracker.go).
func samePorts(a, b []*servicePort) bool {
	if len(a) != len(b) {
		return false
	}
	for _, p := range a {
		i := slices.IndexFunc(b, func(q *servicePort) bool { return q.key == p.key })
		if i < 0 || p.port != b[i].port || p.nodePort != b[i].nodePort {
			return false
		}
	}
	return len(a) == 0 || a[0].serviceShared.equal(b[0].serviceShared)
}

func (s *serviceShared) equal(o *serviceShared) bool {
	return s.clusterIP == o.clusterIP && slices.Equal(s.externalIPs, o.externalIPs) &&
		slices.Equal(s.vips, o.vips) && slices.Equal(s.ranges, o.ranges) &&
		s.rangesGiven == o.rangesGiven && s.affinity == o.affinity && s.sticky == o.sticky &&
		s.healthNodePort == o.healthNodePort && s.externalLocal == o.externalLocal &&
		s.internalLocal == o.internalLocal && s.hints == o.hints && s.internalPolicy == o.internalPolicy
}

func isIP(s string) bool { return plainIPv4(s) || parseIP(s) != nil }

func isIPv6(s string) bool { return !plainIPv4(s) && netutils.IsIPv6String(s) }

func parseIP(s string) net.IP { return netutils.ParseIPSloppy(s) }
