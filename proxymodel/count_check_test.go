package proxymodel

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// one is a cluster of one service.
type one struct {
	o  *Objects
	s  *corev1.Service
	es *discoveryv1.EndpointSlice
}

// refuses holds that each change to a cluster of one service is an error that names the object and
// says what is wanted.
func refuses(t *testing.T, changes map[string]func(one)) {
	t.Helper()
	for want, change := range changes {
		o := uniform(1, 2)
		change(one{o: &o, s: o.Services[0], es: o.Slices[0]})
		_, err := Count(IPTables, V1_37, testNode, o.Services, o.Slices)
		require.EqualError(t, err, want)
	}
}

func TestCountRefusesSlices(t *testing.T) {
	const slice = "proxymodel: EndpointSlice ns-000/svc-00000-0"
	refuses(t, map[string]func(one){
		"proxymodel: services[1] is nil, want a Service": func(c one) {
			c.o.Services = append(c.o.Services, nil)
		},
		"proxymodel: slices[1] is nil, want an EndpointSlice": func(c one) {
			c.o.Slices = append(c.o.Slices, nil)
		},
		"proxymodel: Service ns-000/svc-00000 is given twice": func(c one) {
			c.o.Services = append(c.o.Services, c.s.DeepCopy())
		},
		slice + " is given twice": func(c one) {
			c.o.Slices = append(c.o.Slices, c.es.DeepCopy())
		},
		slice + " belongs to Service ns-000/gone, which is not given": func(c one) {
			c.es.Labels[discoveryv1.LabelServiceName] = "gone"
		},
		slice + ": label kubernetes.io/service-name is empty, want the name of its service": func(c one) {
			c.es.Labels = nil
		},
		slice + " has IPv6 addresses, but Service ns-000/svc-00000 has no IPv6 cluster IP": func(c one) {
			c.es.AddressType, c.es.Endpoints = discoveryv1.AddressTypeIPv6, nil
		},
		slice + `: endpoints[0].addresses[0] is "fd00::1", want an IPv4 address`: func(c one) {
			c.es.Endpoints[0].Addresses = []string{"fd00::1"}
		},
		slice + `: endpoints[0].addresses[0] is "10.0.0.256", want an IPv4 address`: func(c one) {
			c.es.Endpoints[0].Addresses = []string{"10.0.0.256"}
		},
		slice + `: addressType is "IPv5", want IPv4, IPv6 or FQDN`: func(c one) { c.es.AddressType = "IPv5" },
		slice + ": ports[0].port is 65536, want 0..65535":          func(c one) { *c.es.Ports[0].Port = 65536 },
		slice + `: ports[0].protocol is "tcp", want TCP, UDP or SCTP`: func(c one) {
			c.es.Ports[0].Protocol = ptr(corev1.Protocol("tcp"))
		},
	})
}

func TestCountRefusesServices(t *testing.T) {
	const service = "proxymodel: Service ns-000/svc-00000: "
	refuses(t, map[string]func(one){
		service + "ports[0].port is 0, want 1..65535":         func(c one) { c.s.Spec.Ports[0].Port = 0 },
		service + "ports[0].nodePort is 70000, want 0..65535": func(c one) { c.s.Spec.Ports[0].NodePort = 70000 },
		service + "healthCheckNodePort is -1, want 0..65535":  func(c one) { c.s.Spec.HealthCheckNodePort = -1 },
		service + `ports[0].protocol is "ICMP", want TCP, UDP or SCTP`: func(c one) {
			c.s.Spec.Ports[0].Protocol = "ICMP"
		},
		service + `ports[1].name is "http", which another TCP port has, want a name of its own`: func(c one) {
			c.s.Spec.Ports = append(c.s.Spec.Ports, c.s.Spec.Ports[0])
		},
		service + `clusterIP is "10.0.0", want an IP address`: func(c one) {
			c.s.Spec.ClusterIP, c.s.Spec.ClusterIPs = "10.0.0", nil
		},
		service + `clusterIPs[0] is "172.30.0.1", want an IPv6 address as ipFamilies[0] says`: func(c one) {
			c.s.Spec.IPFamilies[0] = corev1.IPv6Protocol
		},
		service + "clusterIPs has 1 addresses for 2 ipFamilies, want as many": func(c one) {
			c.s.Spec.IPFamilies = append(c.s.Spec.IPFamilies, corev1.IPv6Protocol)
		},
		service + `externalIPs[0] is "example", want an IP address`: func(c one) {
			c.s.Spec.ExternalIPs = []string{"example"}
		},
		service + `status.loadBalancer.ingress[0].ip is "lb", want an IP address`: func(c one) {
			c.s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "lb"}}
		},
		service + `loadBalancerSourceRanges[0] is "10.0.0.0", want a CIDR`: func(c one) {
			c.s.Spec.LoadBalancerSourceRanges = []string{"10.0.0.0"}
		},
	})
}

func TestCountRefusesSettings(t *testing.T) {
	for want, c := range map[string]struct {
		m Mode
		v Version
		n Node
	}{
		"proxymodel: Mode is 7, want IPTables, NFTables or IPVS":      {m: 7},
		"proxymodel: Version is v1.30, want v1.29 or v1.37":           {v: V1_29 + V1_29/29},
		`proxymodel: Node.IPs[0] is "node-a", want an IP address`:     {n: Node{IPs: []string{"node-a"}}},
		`proxymodel: Node.DetectLocalCIDR has "10.0.0.0", want CIDRs`: {n: Node{DetectLocalCIDR: "10.0.0.0"}},
		`proxymodel: Node.NodePortAddresses has "all", want CIDRs`:    {n: Node{NodePortAddresses: []string{"all"}}},
		`proxymodel: Node.ServiceCIDRs has "x", want CIDRs`:           {n: Node{ServiceCIDRs: []string{"x"}}},
		"proxymodel: Node.SyncPeriod is -1ns, want >= 0":              {n: Node{SyncPeriod: -1}},
	} {
		_, err := Count(c.m, c.v, c.n, nil, nil)
		require.EqualError(t, err, want)
	}
}

// Objects that kube-proxy passes over are passed over, not refused.
func TestCountPassesOver(t *testing.T) {
	o := uniform(1, 2)
	want := mustCount(t, IPTables, V1_37, testNode, o)
	name := o.Services[0].DeepCopy()
	name.Name, name.Spec.Type = "name", corev1.ServiceTypeExternalName
	name.Spec.ClusterIP, name.Spec.ClusterIPs = "", nil
	fqdn := o.Slices[0].DeepCopy()
	fqdn.Name, fqdn.AddressType = "fqdn", discoveryv1.AddressTypeFQDN
	fqdn.Endpoints[0].Addresses = []string{"example.com"}
	empty := o.Slices[0].DeepCopy()
	empty.Name, empty.Endpoints[0].Addresses, empty.Endpoints = "empty", nil, empty.Endpoints[:1]
	unnamed := o.Slices[0].DeepCopy()
	unnamed.Name, unnamed.Ports[0].Name = "unnamed", nil
	o.Services = append(o.Services, name)
	o.Slices = append(o.Slices, fqdn, empty, unnamed)
	o.Services[0].Spec.ExternalIPs = []string{" "}
	require.Equal(t, want, mustCount(t, IPTables, V1_37, testNode, o))
}

// FuzzCount gives Count any objects that JSON can spell. It may refuse them, but not panic, and a
// counter agrees with it.
func FuzzCount(f *testing.F) {
	o := uniform(1, 2)
	seed := func(o Objects) {
		service, _ := json.Marshal(o.Services[0])
		slice, _ := json.Marshal(o.Slices[0])
		f.Add(service, slice, "10.0.0.1,fd00::1", "10.0.0.0/8", uint8(0))
	}
	seed(o)
	o.Services[0].Spec.Type = corev1.ServiceTypeLoadBalancer
	o.Services[0].Spec.Ports[0].NodePort = 30000
	o.Services[0].Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
	o.Services[0].Spec.LoadBalancerSourceRanges = []string{"10.0.0.0/8"}
	o.Services[0].Spec.SessionAffinity = corev1.ServiceAffinityClientIP
	o.Services[0].Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "198.51.100.1"}}
	o.Slices[0].Endpoints[0].Hints = &discoveryv1.EndpointHints{ForZones: []discoveryv1.ForZone{{Name: ""}}}
	seed(o)
	f.Fuzz(func(t *testing.T, service, slice []byte, ips, cidr string, pick uint8) {
		var s corev1.Service
		var es discoveryv1.EndpointSlice
		if json.Unmarshal(service, &s) != nil || json.Unmarshal(slice, &es) != nil {
			return
		}
		n := Node{
			Name: "node-a", IPs: splitList(ips), DetectLocalCIDR: cidr,
			NodePortAddresses: splitList(cidr), LocalhostNodePorts: true,
		}
		m, v := modes[pick%3], Modelled()[pick/3%2]
		services, slices := []*corev1.Service{&s}, []*discoveryv1.EndpointSlice{&es}
		r, err := Count(m, v, n, services, slices)
		c, err2 := NewCounter(m, v, n, services, slices)
		require.Equal(t, err, err2)
		if err != nil {
			return
		}
		require.Equal(t, r, c.Rules())
		require.Positive(t, r.Bytes)
		require.NoError(t, c.Delete(&es))
		require.NoError(t, c.Delete(&s))
		empty, err := Count(m, v, n, nil, nil)
		require.NoError(t, err)
		require.Equal(t, empty, c.Rules(), "everything is taken out again")
	})
}
