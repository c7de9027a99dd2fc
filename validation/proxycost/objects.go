package proxycost

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// The node of all tests.
const (
	nodeName = "node-a"
	nodeIP   = "192.168.10.5"
	podCIDR  = "10.0.0.0/8"
)

// service returns the i-th of the uniform ClusterIP services.
func service(i int) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: fmt.Sprintf("ns-%03d", i%50), Name: fmt.Sprintf("svc-%05d", i),
			UID: types.UID(fmt.Sprint("svc", i)),
		},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeClusterIP, ClusterIP: ip4(0xac1e0001, i), ClusterIPs: []string{ip4(0xac1e0001, i)},
			IPFamilies:            []corev1.IPFamily{corev1.IPv4Protocol},
			SessionAffinity:       corev1.ServiceAffinityNone,
			InternalTrafficPolicy: ptr.To(corev1.ServiceInternalTrafficPolicyCluster),
			Ports: []corev1.ServicePort{{
				Name: "http", Protocol: corev1.ProtocolTCP, Port: 80, TargetPort: intstr.FromInt32(8080),
			}},
		},
	}
}

// slicesOf returns the endpoints of the i-th service, a hundred per slice. Each generation replaces
// the first of them.
func slicesOf(i, endpoints, generation int) []*discoveryv1.EndpointSlice {
	svc := service(i)
	var out []*discoveryv1.EndpointSlice
	for at := 0; at == 0 || at < endpoints; at += 100 {
		s := &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Namespace: svc.Namespace, Name: fmt.Sprintf("%s-%d", svc.Name, at/100),
				Labels: map[string]string{discoveryv1.LabelServiceName: svc.Name}},
			AddressType: discoveryv1.AddressTypeIPv4,
			Ports: []discoveryv1.EndpointPort{{
				Name: ptr.To("http"), Protocol: ptr.To(corev1.ProtocolTCP), Port: ptr.To[int32](8080),
			}},
		}
		for k := at; k < min(at+100, endpoints); k++ {
			ip := ip4(0x0a000001, i*endpoints+k)
			if k == 0 && generation > 0 {
				ip = ip4(0x0ac00001, generation*20_000+i)
			}
			s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{
				Addresses: []string{ip}, NodeName: ptr.To("node-b"),
				Conditions: discoveryv1.EndpointConditions{
					Ready: ptr.To(true), Serving: ptr.To(true), Terminating: ptr.To(false),
				},
			})
		}
		out = append(out, s)
	}
	return out
}

// ip4 returns the i-th address after base.
func ip4(base uint32, i int) string {
	n := base + uint32(i)
	return fmt.Sprintf("%d.%d.%d.%d", n>>24, n>>16&255, n>>8&255, n&255)
}
