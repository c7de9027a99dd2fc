package proxymodel

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	netutils "k8s.io/utils/net"
)

// checkObjects returns an error for nil, malformed and repeated objects. It returns the position of
// each service in o.Services.
func checkObjects(o Objects) (map[name]int, error) {
	index := make(map[name]int, len(o.Services))
	for i, s := range o.Services {
		if s == nil {
			return nil, fmt.Errorf("proxymodel: services[%d] is nil, want a Service", i)
		}
		if err := checkService(s); err != nil {
			return nil, err
		}
		id := name{namespace: s.Namespace, name: s.Name}
		if _, ok := index[id]; ok {
			return nil, fmt.Errorf("proxymodel: Service %s is given twice", id)
		}
		index[id] = i
	}
	seen := make(map[name]struct{}, len(o.Slices))
	for i, s := range o.Slices {
		if s == nil {
			return nil, fmt.Errorf("proxymodel: slices[%d] is nil, want an EndpointSlice", i)
		}
		if err := checkSlice(s); err != nil {
			return nil, err
		}
		id := name{namespace: s.Namespace, name: s.Name}
		if _, ok := seen[id]; ok {
			return nil, fmt.Errorf("proxymodel: EndpointSlice %s is given twice", id)
		}
		seen[id] = struct{}{}
		var owner *corev1.Service
		if at, ok := index[serviceOf(s)]; ok {
			owner = o.Services[at]
		}
		if err := checkOwner(s, owner); err != nil {
			return nil, err
		}
	}
	return index, nil
}

// checkOwner returns an error for a slice whose service is not there, or is there but not in the
// slice's family.
func checkOwner(s *discoveryv1.EndpointSlice, owner *corev1.Service) error {
	if owner == nil {
		return fmt.Errorf("proxymodel: EndpointSlice %s/%s belongs to Service %s, which is not given",
			s.Namespace, s.Name, serviceOf(s))
	}
	if s.AddressType == discoveryv1.AddressTypeFQDN || !proxied(owner) {
		return nil
	}
	if clusterIPOf(owner, familyOfSlice(s)) == "" {
		return fmt.Errorf("proxymodel: EndpointSlice %s/%s has %s addresses, but Service %s has no %s cluster IP",
			s.Namespace, s.Name, s.AddressType, serviceOf(s), s.AddressType)
	}
	return nil
}

// checkService returns an error for a service that the API server would not have stored.
func checkService(s *corev1.Service) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("proxymodel: Service %s/%s: %s", s.Namespace, s.Name, fmt.Sprintf(format, args...))
	}
	if s.Name == "" {
		return bad("name is empty")
	}
	if err := checkPorts(s, bad); err != nil {
		return err
	}
	if !proxied(s) {
		return nil
	}
	if err := checkClusterIPs(s, bad); err != nil {
		return err
	}
	return checkAddresses(s, bad)
}

type complain func(format string, args ...any) error

func checkPorts(s *corev1.Service, bad complain) error {
	seen := map[portKey]bool{}
	for i, p := range s.Spec.Ports {
		switch {
		case p.Port < 1 || p.Port > 65535:
			return bad("ports[%d].port is %d, want 1..65535", i, p.Port)
		case p.NodePort < 0 || p.NodePort > 65535:
			return bad("ports[%d].nodePort is %d, want 0..65535", i, p.NodePort)
		case !knownProtocol(protocolOf(p.Protocol)):
			return bad("ports[%d].protocol is %q, want TCP, UDP or SCTP", i, p.Protocol)
		}
		key := portKey{p.Name, protocolOf(p.Protocol)}
		if len(s.Spec.Ports) > 1 {
			if seen[key] {
				return bad("ports[%d].name is %q, which another %s port has, want a name of its own",
					i, p.Name, key.protocol)
			}
			seen[key] = true
		}
	}
	if p := s.Spec.HealthCheckNodePort; p < 0 || p > 65535 {
		return bad("healthCheckNodePort is %d, want 0..65535", p)
	}
	if s.Spec.SessionAffinity == corev1.ServiceAffinityClientIP && stickySeconds(s) < 0 {
		return bad("sessionAffinityConfig.clientIP.timeoutSeconds is %d, want > 0", stickySeconds(s))
	}
	return nil
}

func knownProtocol(p corev1.Protocol) bool {
	return p == corev1.ProtocolTCP || p == corev1.ProtocolUDP || p == corev1.ProtocolSCTP
}

func checkClusterIPs(s *corev1.Service, bad complain) error {
	if !isIP(s.Spec.ClusterIP) {
		return bad("clusterIP is %q, want an IP address", s.Spec.ClusterIP)
	}
	if len(s.Spec.ClusterIPs) > 0 && s.Spec.ClusterIPs[0] != s.Spec.ClusterIP {
		return bad("clusterIPs[0] is %q, want clusterIP %q", s.Spec.ClusterIPs[0], s.Spec.ClusterIP)
	}
	for i, is := range s.Spec.IPFamilies {
		if i >= len(s.Spec.ClusterIPs) {
			return bad("clusterIPs has %d addresses for %d ipFamilies, want as many",
				len(s.Spec.ClusterIPs), len(s.Spec.IPFamilies))
		}
		ip := s.Spec.ClusterIPs[i]
		if !isIP(ip) || familyOf(isIPv6(ip)) != is {
			return bad("clusterIPs[%d] is %q, want an %s address as ipFamilies[%d] says", i, ip, is, i)
		}
	}
	return nil
}

func checkAddresses(s *corev1.Service, bad complain) error {
	for i, ip := range s.Spec.ExternalIPs {
		if strings.TrimSpace(ip) != "" && !isIP(ip) { // kube-proxy passes over blank ones
			return bad("externalIPs[%d] is %q, want an IP address", i, ip)
		}
	}
	for i, ing := range s.Status.LoadBalancer.Ingress {
		if ing.IP != "" && !isIP(ing.IP) {
			return bad("status.loadBalancer.ingress[%d].ip is %q, want an IP address", i, ing.IP)
		}
	}
	for i, r := range s.Spec.LoadBalancerSourceRanges {
		if r = strings.TrimSpace(r); r == "" {
			continue
		}
		if _, _, err := netutils.ParseCIDRSloppy(r); err != nil {
			return bad("loadBalancerSourceRanges[%d] is %q, want a CIDR", i, r)
		}
	}
	return nil
}

// checkSlice returns an error for a slice that the API server would not have stored, or that
// belongs to nothing.
func checkSlice(s *discoveryv1.EndpointSlice) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("proxymodel: EndpointSlice %s/%s: %s", s.Namespace, s.Name, fmt.Sprintf(format, args...))
	}
	if s.Name == "" || s.Namespace == "" {
		return bad("name or namespace is empty")
	}
	if s.Labels[discoveryv1.LabelServiceName] == "" {
		return bad("label %s is empty, want the name of its service", discoveryv1.LabelServiceName)
	}
	switch s.AddressType {
	case discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6:
	case discoveryv1.AddressTypeFQDN:
		return nil // kube-proxy passes over it
	default:
		return bad("addressType is %q, want IPv4, IPv6 or FQDN", s.AddressType)
	}
	for i, p := range s.Ports {
		if p.Port != nil && (*p.Port < 0 || *p.Port > 65535) {
			return bad("ports[%d].port is %d, want 0..65535", i, *p.Port)
		}
		if p.Protocol != nil && !knownProtocol(protocolOf(*p.Protocol)) {
			return bad("ports[%d].protocol is %q, want TCP, UDP or SCTP", i, *p.Protocol)
		}
	}
	return checkSliceAddresses(s, bad)
}

func checkSliceAddresses(s *discoveryv1.EndpointSlice, bad complain) error {
	v6 := s.AddressType == discoveryv1.AddressTypeIPv6
	for i := range s.Endpoints {
		if len(s.Endpoints[i].Addresses) == 0 {
			continue // kube-proxy passes over it
		}
		a := s.Endpoints[i].Addresses[0]
		if !v6 && plainIPv4(a) {
			continue
		}
		if ip := parseIP(a); ip == nil || netutils.IsIPv6(ip) != v6 {
			return bad("endpoints[%d].addresses[0] is %s, want an %s address", i, strconv.Quote(a), s.AddressType)
		}
	}
	return nil
}
