package proxymodel

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// testNode is the node of the tables in testdata: pods in 10.0.0.0/8, all defaults, nfacct.
var testNode = Node{Name: "node-a", IPs: []string{"192.168.10.5"}, DetectLocalCIDR: "10.0.0.0/8",
	LocalhostNodePorts: true, NFAcct: true}

// ip returns the i-th address after base.
func ip(base uint32, i int) string {
	n := base + uint32(i)
	return fmt.Sprintf("%d.%d.%d.%d", n>>24, n>>16&255, n>>8&255, n&255)
}

// ptr returns a pointer to v.
func ptr[T any](v T) *T { return &v }

// clusterIP returns a plain service with one TCP port 80.
func clusterIP(i int) *corev1.Service {
	address := ip(0xac1e0001, i)
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: fmt.Sprintf("ns-%03d", i%50), Name: fmt.Sprintf("svc-%05d", i)},
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, ClusterIP: address, ClusterIPs: []string{address},
			IPFamilies: []corev1.IPFamily{corev1.IPv4Protocol},
			Ports:      []corev1.ServicePort{{Name: "http", Protocol: corev1.ProtocolTCP, Port: 80}}},
	}
}

// sliceOf returns a slice of n ready endpoints of the service on another node, from address first
// on.
func sliceOf(s *corev1.Service, first, n int) *discoveryv1.EndpointSlice {
	es := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name + "-0",
			Labels: map[string]string{discoveryv1.LabelServiceName: s.Name}},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	for _, p := range s.Spec.Ports {
		es.Ports = append(es.Ports,
			discoveryv1.EndpointPort{Name: &p.Name, Protocol: &p.Protocol, Port: ptr(int32(8080))})
	}
	for i := range n {
		es.Endpoints = append(es.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{ip(0x0a000001, first+i)}, NodeName: ptr("node-b"),
			Conditions: discoveryv1.EndpointConditions{Ready: ptr(true), Serving: ptr(true), Terminating: ptr(false)}})
	}
	return es
}

// uniform returns n plain services of e endpoints each.
func uniform(n, e int) Objects {
	var o Objects
	for i := range n {
		s := clusterIP(i)
		o.Services = append(o.Services, s)
		o.Slices = append(o.Slices, sliceOf(s, i*e, e))
	}
	return o
}
