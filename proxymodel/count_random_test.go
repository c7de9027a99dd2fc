package proxymodel

import (
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// randomObjects returns n services with a bit of everything. validation/proxy draws from far more.
func randomObjects(r *rand.Rand, n int) Objects {
	o := uniform(n, 1+r.IntN(5))
	for i, s := range o.Services {
		randomService(r, s, i)
		es := o.Slices[i]
		for j := range es.Endpoints {
			randomEndpoint(r, &es.Endpoints[j])
		}
	}
	if r.IntN(2) == 0 {
		return twoPorts(o)
	}
	return o
}

func randomService(r *rand.Rand, s *corev1.Service, i int) {
	if r.IntN(3) == 0 {
		s.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
	}
	if r.IntN(3) == 0 {
		s.Spec.InternalTrafficPolicy = ptr(corev1.ServiceInternalTrafficPolicyLocal)
	}
	if r.IntN(3) == 0 {
		s.Spec.ExternalIPs = []string{ip(0xcb007100, i)}
	}
	switch r.IntN(3) {
	case 0:
		return
	case 1:
		s.Spec.Type = corev1.ServiceTypeNodePort
	case 2:
		s.Spec.Type = corev1.ServiceTypeLoadBalancer
		s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: ip(0xc6336400, i)}}
		if r.IntN(2) == 0 {
			s.Spec.LoadBalancerSourceRanges = []string{"192.168.0.0/16"}
		}
	}
	s.Spec.Ports[0].NodePort = int32(30000 + i)
	if r.IntN(2) == 0 {
		s.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
		s.Spec.HealthCheckNodePort = int32(20000 + i)
	}
}

func randomEndpoint(r *rand.Rand, e *discoveryv1.Endpoint) {
	if r.IntN(2) == 0 {
		e.NodeName = ptr("node-a")
	}
	switch r.IntN(4) {
	case 0:
		e.Conditions = discoveryv1.EndpointConditions{Ready: ptr(false), Serving: ptr(true), Terminating: ptr(true)}
	case 1:
		e.Conditions = discoveryv1.EndpointConditions{Ready: ptr(false), Serving: ptr(false)}
	}
}
