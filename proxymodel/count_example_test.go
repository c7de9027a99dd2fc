package proxymodel_test

import (
	"fmt"

	"github.com/redline-go/redline/proxymodel"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The incident's node wrote 4502 lines of KUBE-SERVICES. 4,499 services with
// endpoints give them; a thousand more without endpoints would not.
func ExampleCount() {
	var services []*corev1.Service
	var slices []*discoveryv1.EndpointSlice
	for i := range 5499 {
		ip := fmt.Sprintf("10.96.%d.%d", i/250, 1+i%250)
		service := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fmt.Sprintf("svc-%d", i)},
			Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, ClusterIP: ip,
				Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
		}
		services = append(services, service)
		if i < 4499 {
			slices = append(slices, oneEndpoint(service, fmt.Sprintf("10.1.%d.%d", i/250, 1+i%250)))
		}
	}
	node := proxymodel.Node{
		Name: "node-w-101", IPs: []string{"10.0.43.101"}, DetectLocalCIDR: "10.1.0.0/16", LocalhostNodePorts: true,
	}
	for _, m := range []proxymodel.Mode{proxymodel.IPTables, proxymodel.NFTables, proxymodel.IPVS} {
		r, err := proxymodel.Count(m, proxymodel.V1_29, node, services, slices)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%-8v %6d rules %8d bytes\n", m, r.Total(), r.Bytes)
		if m == proxymodel.IPTables {
			fmt.Println("         iptables -t nat -L KUBE-SERVICES | wc -l:", r.Lines("nat", "KUBE-SERVICES"))
		}
	}
	// Output:
	// iptables  23504 rules  2685684 bytes
	//          iptables -t nat -L KUBE-SERVICES | wc -l: 4502
	// nftables  18019 rules  4441049 bytes
	// ipvs         19 rules     1890 bytes
}

func oneEndpoint(s *corev1.Service, ip string) *discoveryv1.EndpointSlice {
	port, name := int32(8080), "http"
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name + "-x",
			Labels: map[string]string{discoveryv1.LabelServiceName: s.Name}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: &name, Port: &port}},
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{ip}}},
	}
}
