package incident8829

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/redline-go/redline/proxymodel"
)

const kubeServices = "KUBE-SERVICES"

// iptablesLines judges the length of KUBE-SERVICES. Package proxymodel counts the chain of a node
// of this cluster.
func iptablesLines(r *judged) Observable {
	const reported = 4502
	if r.s.Proxy.Mode != proxymodel.IPTables {
		here := fmt.Sprintf("kube-proxy is in %v mode", r.s.Proxy.Mode)
		return Observable{Here: here, Verdict: NotHere, Why: "the chain is iptables mode's"}
	}
	objects, err := r.services()
	if err != nil {
		return unknown(err)
	}
	rules, err := proxymodel.Count(proxymodel.IPTables, r.s.Version, node, objects.Services, objects.Slices)
	if err != nil {
		return unknown(err)
	}
	lines := rules.Lines("nat", kubeServices)
	return found(lines == reported, fmt.Sprint(lines),
		"two header lines, the NODEPORTS jump and a rule for each service port with endpoints (package proxymodel)")
}

// rewritesTheChain judges what a sync writes after one endpoint has changed, by package
// proxymodel.
func rewritesTheChain(r *judged) Observable {
	here := fmt.Sprintf("%s of each node's kube-proxy for this workload, each %v; %v stale on average",
		plural(r.t.ProxySyncs, "sync", "syncs"), r.t.ProxySync.Round(time.Millisecond),
		r.t.ProxyStaleness.Round(time.Millisecond))
	if r.s.Proxy.Mode != proxymodel.IPTables {
		return Observable{Here: here, Verdict: NotHere, Why: fmt.Sprintf("%v mode has no such chain", r.s.Proxy.Mode)}
	}
	before, err := r.services()
	if err != nil {
		return unknown(err)
	}
	after := before
	after.Slices = slices.Clone(before.Slices)
	after.Slices[0] = before.Slices[0].DeepCopy()
	after.Slices[0].Endpoints = after.Slices[0].Endpoints[1:]
	full, err := proxymodel.Count(proxymodel.IPTables, r.s.Version, node, before.Services, before.Slices)
	if err != nil {
		return unknown(err)
	}
	partial, err := proxymodel.Partial(proxymodel.IPTables, r.s.Version, node, before, after)
	if err != nil {
		return unknown(err)
	}
	whole, wholeOthers := full.NAT[kubeServices], total(full.NAT)-full.NAT[kubeServices]
	chain, others := partial.NAT[kubeServices], total(partial.NAT)-partial.NAT[kubeServices]
	o := Observable{Here: fmt.Sprintf("%s; a change of one service writes %d of the %d rules of %s and %d of %d "+
		"other nat rules", here, chain, whole, kubeServices, others, wholeOthers)}
	switch {
	case chain < whole-1:
		o.Verdict, o.Why = NotHere, "only what changed is written"
	case others < wholeOthers-r.s.Proxy.Endpoints:
		o.Verdict = Partly
		o.Why = "this chain is always written whole, but of the chains of services only those that changed; " +
			"the legacy binary then fetches and uploads the whole table"
	default:
		o.Verdict, o.Why = Reproduced, "every chain is written"
	}
	return o
}

// usersErrors judges the share of the users' requests that fail.
func usersErrors(r *judged) Observable {
	here := fmt.Sprintf("%.0f %% of the requests failed at the worst, %d of %d endpoints left at the least",
		100*r.t.WorstErrors, r.t.MinEndpoints, r.s.Workload.Start())
	o := found(r.t.WorstErrors > 0.99, here, "the endpoints that the rules list do not answer, or cannot bear the load")
	if o.Verdict == NotHere {
		o.Why = "pods that run keep serving while the control plane is away"
	}
	return o
}

// node is any node of the cluster, as kube-proxy on it knows itself.
var node = proxymodel.Node{Name: "node", IPs: []string{"10.0.43.101"}}

// total returns the number of rules in all chains.
func total(rules map[string]int) int {
	n := 0
	for _, k := range rules {
		n += k
	}
	return n
}

// mostEndpoints bounds the endpoints of all Services that a judgement makes objects of.
const mostEndpoints = 1_000_000

// services returns the cluster's Services, each with one port and its endpoints.
func (r *judged) services() (proxymodel.Objects, error) {
	if r.objects.Services != nil {
		return r.objects, nil
	}
	if n := r.s.Proxy.Services * r.s.Proxy.Endpoints; n > mostEndpoints {
		return proxymodel.Objects{}, fmt.Errorf("cascade: incident8829: the Services have %d endpoints, want at most %d",
			n, mostEndpoints)
	}
	o := &r.objects
	for i := range r.s.Proxy.Services {
		name := fmt.Sprintf("svc-%d", i)
		o.Services = append(o.Services, service(name, address(96, i)))
		o.Slices = append(o.Slices, slice(name, i*r.s.Proxy.Endpoints, r.s.Proxy.Endpoints))
	}
	return r.objects, nil
}

// service returns a Service of one port.
func service(name, ip string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeClusterIP, ClusterIP: ip, ClusterIPs: []string{ip},
			IPFamilies: []corev1.IPFamily{corev1.IPv4Protocol},
			Ports:      []corev1.ServicePort{{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP}},
		},
	}
}

// slice returns the EndpointSlice of a Service with n endpoints that are ready.
func slice(name string, first, n int) *discoveryv1.EndpointSlice {
	labels := map[string]string{discoveryv1.LabelServiceName: name}
	port := discoveryv1.EndpointPort{
		Name: ptr.To("http"), Port: ptr.To[int32](8080), Protocol: ptr.To(corev1.ProtocolTCP),
	}
	s := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "default", Name: name, Labels: labels},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{port},
	}
	for k := range n {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{
			Addresses:  []string{address(128, first+k)},
			Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)},
		})
	}
	return s
}

// address returns the i-th address of 10.block.0.0.
func address(block, i int) string {
	return fmt.Sprintf("10.%d.%d.%d", block+i>>16, i>>8&255, i&255)
}
