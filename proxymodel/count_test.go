package proxymodel

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

func mustCount(t *testing.T, m Mode, v Version, n Node, o Objects) Rules {
	t.Helper()
	r, err := Count(m, v, n, o.Services, o.Slices)
	require.NoError(t, err)
	return r
}

// The real proxier's bytes on both sides of the threshold of large-cluster mode, as in
// validation/RESULTS/proxymodel.md. That mode drops the comments, so one endpoint more is fewer
// bytes.
func TestLargeCluster(t *testing.T) {
	for n, want := range map[int]int{1000: 725_049, 1001: 576_063} {
		r := mustCount(t, IPTables, V1_37, testNode, uniform(n, 1))
		require.Equal(t, want, r.Bytes, "%d services", n)
		require.Equal(t, n > 1000, r.Large)
	}
	require.True(t, mustCount(t, IPTables, V1_37, testNode, twoPorts(uniform(501, 1))).Large,
		"endpoints count once per service port")
}

// twoPorts gives every service a second port.
func twoPorts(o Objects) Objects {
	for i, s := range o.Services {
		s.Spec.Ports = append(s.Spec.Ports,
			corev1.ServicePort{Name: "metrics", Protocol: corev1.ProtocolTCP, Port: 9090})
		o.Slices[i].Ports = append(o.Slices[i].Ports,
			discoveryv1.EndpointPort{Name: ptr("metrics"), Port: ptr(int32(9090))})
	}
	return o
}

// The incident's node printed 4502 lines of KUBE-SERVICES: two of header, the jump to
// KUBE-NODEPORTS, and 4,499 rules of services. These clusters give them.
func TestLinesOfTheIncident(t *testing.T) {
	halfEmpty := uniform(5000, 1)
	for _, s := range halfEmpty.Slices[:501] {
		s.Endpoints = nil
	}
	balancers := uniform(1500, 1)
	for i, s := range balancers.Services[:1499] {
		s.Spec.Type = corev1.ServiceTypeLoadBalancer
		s.Spec.ExternalIPs = []string{ip(0xcb007100, i)}
		s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: ip(0xc6336400, i)}}
	}
	twoPorts(Objects{Services: balancers.Services[1499:], Slices: balancers.Slices[1499:]})
	for name, c := range map[string]struct {
		o    Objects
		want int
	}{
		"4,499 plain services":              {uniform(4499, 1), 4502},
		"4,500 plain services":              {uniform(4500, 2), 4503},
		"5,000, 501 without endpoints":      {halfEmpty, 4502},
		"1,499 load balancers, one 2-ports": {balancers, 4502},
	} {
		for _, v := range Modelled() {
			r := mustCount(t, IPTables, v, testNode, c.o)
			require.Equal(t, c.want, r.Lines("nat", "KUBE-SERVICES"), "%s at %v", name, v)
		}
	}
}

func TestLines(t *testing.T) {
	r := mustCount(t, IPTables, V1_37, testNode, uniform(3, 2))
	for _, c := range []struct {
		table, chain string
		want         int
	}{
		{"nat", "KUBE-SERVICES", 2 + 3 + 1},
		{"nat", "KUBE-NODEPORTS", 2}, // there, but empty
		{"filter", "KUBE-FORWARD", 2 + 3},
		{"nat", "SVC", 3*2 + 9}, // three chains of three rules
		{"nat", "SVL", 0},
		{"nat", "KUBE-FORWARD", 0}, // in the other table
		{"mangle", "KUBE-SERVICES", 0},
	} {
		require.Equal(t, c.want, r.Lines(c.table, c.chain), "%s %s", c.table, c.chain)
	}
}

// hardCase edits one service of three endpoints, the first of which may be on the node.
type hardCase func(*corev1.Service, *discoveryv1.EndpointSlice)

func balancer(s *corev1.Service, _ *discoveryv1.EndpointSlice) {
	s.Spec.Type = corev1.ServiceTypeLoadBalancer
	s.Spec.Ports[0].NodePort = 30080
	s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "198.51.100.1"}}
}

func localBalancer(s *corev1.Service, es *discoveryv1.EndpointSlice) {
	balancer(s, es)
	s.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
	s.Spec.HealthCheckNodePort = 32000
}

func internalLocal(s *corev1.Service, _ *discoveryv1.EndpointSlice) {
	s.Spec.InternalTrafficPolicy = ptr(corev1.ServiceInternalTrafficPolicyLocal)
}

// hardCases are the configurations of testdata/hard_cases_*.csv, by their names there.
var hardCases = map[string]hardCase{
	"clusterip 3ep": func(*corev1.Service, *discoveryv1.EndpointSlice) {},
	"affinity 3ep": func(s *corev1.Service, _ *discoveryv1.EndpointSlice) {
		s.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
	},
	"all notready": func(_ *corev1.Service, es *discoveryv1.EndpointSlice) { all(es, false, false, false) },
	"headless 3ep": func(s *corev1.Service, _ *discoveryv1.EndpointSlice) {
		s.Spec.ClusterIP, s.Spec.ClusterIPs = "None", []string{"None"}
	},
	"itp local 3ep 1local": func(s *corev1.Service, es *discoveryv1.EndpointSlice) {
		internalLocal(s, es)
		es.Endpoints[0].NodeName = ptr("node-a")
	},
	"LB 3ep":                  balancer,
	"LB etp local 3ep 0local": localBalancer,
	"LB srcRanges x2 fromNode": func(s *corev1.Service, es *discoveryv1.EndpointSlice) {
		balancer(s, es)
		s.Spec.LoadBalancerSourceRanges = []string{"203.0.113.0/24", "192.168.0.0/16"}
	},
	"LB ipMode Proxy": func(s *corev1.Service, es *discoveryv1.EndpointSlice) {
		balancer(s, es)
		s.Status.LoadBalancer.Ingress[0].IPMode = ptr(corev1.LoadBalancerIPModeProxy)
	},
	"LB etp local, terminating local + ready remote": func(s *corev1.Service, es *discoveryv1.EndpointSlice) {
		localBalancer(s, es)
		es.Endpoints[0].NodeName = ptr("node-a")
		es.Endpoints[0].Conditions = discoveryv1.EndpointConditions{Ready: ptr(false), Terminating: ptr(true)}
	},
}

// hardObjects returns the objects of a configuration.
func hardObjects(name string) (Objects, bool) {
	switch name {
	case "1001 eps (1001x1)":
		return uniform(1001, 1), true
	case "1000 ready + 1 notready ep":
		o := uniform(1000, 1)
		more := sliceOf(o.Services[0], 5000, 1)
		more.Name = "not-ready"
		all(more, false, false, false)
		o.Slices = append(o.Slices, more)
		return o, true
	}
	o := uniform(1, 3)
	s, es := o.Services[0], o.Slices[0]
	s.Namespace, s.Name, es.Namespace = "n", "s", "n" // as long as those of the table
	es.Labels[discoveryv1.LabelServiceName] = s.Name
	edit, ok := hardCases[name]
	if ok {
		edit(s, es)
	}
	return o, ok
}

// The real proxiers' rules, chains and bytes in the hard cases of testdata.
func TestHardCases(t *testing.T) {
	for _, v := range Modelled() {
		f, err := os.Open(fmt.Sprintf("testdata/hard_cases_%v.2.csv", v))
		require.NoError(t, err)
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 12)
		for _, row := range rows {
			o, ok := hardObjects(row[0])
			require.True(t, ok, row[0])
			r := mustCount(t, IPTables, v, testNode, o)
			got := fmt.Sprintf("natRules=%d,filterRules=%d,natChains=%d,bytes=%d,KS_wc=%d,%v,%v", sum(r.NAT),
				sum(r.Filter), r.NATChains, r.Bytes, r.Lines("nat", "KUBE-SERVICES"), r.NAT, r.Filter)
			require.Equal(t, strings.Join(row[1:8], ","), got, "%v %s", v, row[0])
		}
	}
}

// Endpoints that serve while they terminate are as good as ready ones, if there are no others. A
// service with policy Local and no local endpoint drops its traffic.
func TestWithoutReadyEndpoints(t *testing.T) {
	for _, v := range Modelled() {
		o := uniform(1, 3)
		want := mustCount(t, IPTables, v, testNode, o)
		all(o.Slices[0], false, true, true)
		require.Equal(t, want, mustCount(t, IPTables, v, testNode, o))
		o = uniform(1, 3)
		internalLocal(o.Services[0], o.Slices[0])
		r := mustCount(t, IPTables, v, testNode, o)
		require.Equal(t, []int{5, 5, 4, 1}, []int{sum(r.NAT), sum(r.Filter), r.NATChains, r.NAT["KUBE-SERVICES"]})
	}
}

// all sets the conditions of all endpoints.
func all(es *discoveryv1.EndpointSlice, ready, serving, terminating bool) {
	for i := range es.Endpoints {
		es.Endpoints[i].Conditions = discoveryv1.EndpointConditions{
			Ready: &ready, Serving: &serving, Terminating: &terminating,
		}
	}
}

// A dual-stack node has tables of its own for each family.
func TestDualStack(t *testing.T) {
	o := uniform(2, 2)
	s := o.Services[0]
	s.Spec.ClusterIPs = append(s.Spec.ClusterIPs, "fd00::1")
	s.Spec.IPFamilies = append(s.Spec.IPFamilies, corev1.IPv6Protocol)
	es := sliceOf(s, 0, 1)
	es.Name, es.AddressType, es.Endpoints[0].Addresses = "six", discoveryv1.AddressTypeIPv6, []string{"fd00:10::1"}
	o.Slices = append(o.Slices, es)
	n := testNode
	four := mustCount(t, IPTables, V1_37, n, o)
	require.Nil(t, four.Secondary)
	n.IPs = []string{"fd00::5", "192.168.10.5"}
	r := mustCount(t, IPTables, V1_37, n, o)
	require.Equal(t, corev1.IPv6Protocol, r.Family)
	require.Equal(t, 2, r.NAT["SEP"])
	require.Equal(t, four, *r.Secondary)
}

// Two services may claim one external address: iptables writes both, the other
// modes leave the winner to chance, and say so.
func TestConflict(t *testing.T) {
	o := uniform(2, 1)
	for _, s := range o.Services {
		s.Spec.ExternalIPs = []string{"203.0.113.1"}
	}
	require.Empty(t, mustCount(t, IPTables, V1_37, testNode, o).Warnings)
	for _, m := range []Mode{NFTables, IPVS} {
		r := mustCount(t, m, V1_37, testNode, o)
		require.Len(t, r.Warnings, 1)
		require.ErrorContains(t, r.Warnings[0],
			"ns-000/svc-00000:http and ns-001/svc-00001:http both claim 203.0.113.1 tcp/80")
	}
}

var modes = []Mode{IPTables, NFTables, IPVS}

// The order of the objects does not matter, and one service more never lowers a
// count (bytes may fall: large-cluster mode drops comments).
func TestOrderFreeAndMonotone(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		o := randomObjects(r, 1+r.IntN(20))
		last := len(o.Services) - 1
		less := Objects{Services: o.Services[:last]}
		for _, s := range o.Slices {
			if serviceOf(s) != (name{namespace: o.Services[last].Namespace, name: o.Services[last].Name}) {
				less.Slices = append(less.Slices, s)
			}
		}
		for _, m := range modes {
			for _, v := range Modelled() {
				want := mustCount(t, m, v, testNode, o)
				atMost(t, mustCount(t, m, v, testNode, less), want)
				mixed := Objects{Services: shuffled(r, o.Services), Slices: shuffled(r, o.Slices)}
				require.Equal(t, want, mustCount(t, m, v, testNode, mixed))
			}
		}
	}
}

func shuffled[T any](r *rand.Rand, in []T) []T {
	out := append([]T(nil), in...)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// atMost holds every count of less against that of more.
func atMost(t *testing.T, less, more Rules) {
	t.Helper()
	for _, c := range [][2]map[string]int{
		{less.NAT, more.NAT}, {less.Filter, more.Filter}, {less.Chains, more.Chains},
		{less.Table, more.Table}, {less.Elements, more.Elements},
	} {
		for k, n := range c[0] {
			require.LessOrEqual(t, n, c[1][k], k)
		}
	}
	for _, c := range [][2]int{
		{less.NATChains, more.NATChains}, {less.FilterChains, more.FilterChains}, {less.TableChains, more.TableChains},
		{less.AffinitySets, more.AffinitySets}, {less.VirtualServers, more.VirtualServers},
		{less.RealServers, more.RealServers}, {less.BoundAddresses, more.BoundAddresses},
		{less.Operations, more.Operations}, {less.Total(), more.Total()},
	} {
		require.LessOrEqual(t, c[0], c[1])
	}
}
