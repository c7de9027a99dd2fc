package proxymodel

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// plainObjects returns the objects that Uniform describes.
func plainObjects(services, endpoints int) Objects {
	var o Objects
	tcp, http, port, remote := corev1.ProtocolTCP, "http", int32(8080), "node-b"
	for i := range services {
		meta := metav1.ObjectMeta{Namespace: fmt.Sprintf("ns-%03d", i%50), Name: fmt.Sprintf("svc-%05d", i)}
		ip := fmt.Sprintf("172.30.%d.%d", i/250, 1+i%250)
		o.Services = append(o.Services, &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeClusterIP, ClusterIP: ip, ClusterIPs: []string{ip},
			IPFamilies: []corev1.IPFamily{corev1.IPv4Protocol},
			Ports:      []corev1.ServicePort{{Name: http, Protocol: tcp, Port: 80}}}})
		s := &discoveryv1.EndpointSlice{ObjectMeta: meta, AddressType: discoveryv1.AddressTypeIPv4,
			Ports: []discoveryv1.EndpointPort{{Name: &http, Protocol: &tcp, Port: &port}}}
		s.Labels = map[string]string{discoveryv1.LabelServiceName: meta.Name}
		for k := range endpoints {
			s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{
				Addresses: []string{fmt.Sprintf("10.%d.%d.%d", k, i/250, 1+i%250)}, NodeName: &remote,
			})
		}
		o.Slices = append(o.Slices, s)
	}
	return o
}

// Uniform's closed form equals the counted objects.
func TestUniformEqualsCountedObjects(t *testing.T) {
	n := Node{Name: "node-a", IPs: []string{"192.168.10.5"}, DetectLocalCIDR: "10.0.0.0/8", LocalhostNodePorts: true}
	for _, c := range []struct{ services, endpoints int }{
		{1, 0}, {1, 1}, {20, 3}, {600, 1}, {600, 2}, {300, 10},
	} {
		got, want := Uniform(c.services, c.endpoints), Shape{}
		want, err := ShapeOf(V1_37, n, plainObjects(c.services, c.endpoints))
		require.NoError(t, err)
		if c.services >= 20 {
			assert.InEpsilon(t, want.IPTables.Bytes, got.IPTables.Bytes, 0.05, c)
			assert.InEpsilon(t, want.IPTables.Partial, got.IPTables.Partial, 0.05, c)
		}
		got.IPTables.Bytes, got.IPTables.Partial = want.IPTables.Bytes, want.IPTables.Partial
		got.SliceBytes = want.SliceBytes
		assert.Equal(t, want, got, c)
	}
}

func TestShapeOfNamesBadObjects(t *testing.T) {
	o := plainObjects(2, 1)
	o.Services = o.Services[1:]
	_, err := ShapeOf(V1_37, Node{}, o)
	assert.ErrorContains(t, err, "EndpointSlice ns-000/svc-00000 belongs to Service ns-000/svc-00000, which is not given")
}

// The incident's 4502 lines: 4,499 service ports with endpoints.
func TestShapeOfTheIncident(t *testing.T) {
	o := plainObjects(4499, 1)
	s, err := ShapeOf(V1_29, Node{DetectLocalCIDR: "10.0.0.0/8"}, o)
	require.NoError(t, err)
	assert.Equal(t, 4500, s.IPTables.Walk)
	r, err := Count(IPTables, V1_29, Node{DetectLocalCIDR: "10.0.0.0/8"}, o.Services, o.Slices)
	require.NoError(t, err)
	assert.Equal(t, 4502, r.Lines("nat", "KUBE-SERVICES"))
}

// Each family of a dual-stack node has a shape of its own.
func TestShapesOfBothFamilies(t *testing.T) {
	o := plainObjects(20, 3)
	for i := range 5 { // five services have the second family
		s := o.Services[i]
		s.Spec.IPFamilies = append(s.Spec.IPFamilies, corev1.IPv6Protocol)
		s.Spec.ClusterIPs = append(s.Spec.ClusterIPs, fmt.Sprintf("fd00::%d", i+1))
		es := o.Slices[i].DeepCopy()
		es.Name, es.AddressType = es.Name+"-v6", discoveryv1.AddressTypeIPv6
		for k := range es.Endpoints {
			es.Endpoints[k].Addresses = []string{fmt.Sprintf("fd01::%x:%d", i, k+1)}
		}
		o.Slices = append(o.Slices, es)
	}
	n := Node{Name: "node-a", IPs: []string{"192.168.10.5", "fd00:a::5"}, DetectLocalCIDR: "10.0.0.0/8,fd01::/16"}
	got, err := ShapesOf(V1_37, n, o)
	require.NoError(t, err)
	require.Len(t, got, 2)
	for i, ports := range []int{20, 5} {
		assert.Equal(t, ports, got[i].Ports)
		assert.Equal(t, 3*ports, got[i].Endpoints)
		assert.Equal(t, 1+ports, got[i].IPTables.Walk)
		assert.Equal(t, ports, got[i].NFTables.Maps)
		assert.Equal(t, ports, got[i].IPVS.VirtualServers)
	}
	first, err := ShapeOf(V1_37, n, o)
	require.NoError(t, err)
	assert.Equal(t, got[0], first)
	o.Services[0].Spec.SessionAffinity = corev1.ServiceAffinityClientIP
	o.Services[0].Spec.SessionAffinityConfig = &corev1.SessionAffinityConfig{
		ClientIP: &corev1.ClientIPConfig{},
	}
	got, err = ShapesOf(V1_37, n, o)
	require.NoError(t, err)
	assert.Equal(t, 3, got[0].NFTables.AffinitySets)
	assert.Equal(t, 3, got[1].NFTables.AffinitySets)
}
