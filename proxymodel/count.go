package proxymodel

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// Count is what kube-proxy writes on node n for the services and their slices,
// when it starts on an empty node: equal to the real proxier, rule for rule and
// byte for byte (validation/proxy runs them side by side).
//
// Headless and ExternalName services and FQDN slices add nothing, as in
// kube-proxy. Count refuses what the API server would not have stored (ports
// out of range, addresses of the wrong family, two objects of one name) and,
// other than kube-proxy, which passes over it, a slice of a service that is not
// among services. The error names the object. The order of the objects does
// not matter.
func Count(m Mode, v Version, n Node, services []*corev1.Service, slices []*discoveryv1.EndpointSlice) (Rules, error) {
	c, err := NewCounter(m, v, n, services, slices)
	if err != nil {
		return Rules{}, err
	}
	return c.Rules(), nil
}

// Objects are the services and slices of a cluster at one time.
type Objects struct {
	Services []*corev1.Service
	Slices   []*discoveryv1.EndpointSlice
}

// Partial is what kube-proxy writes when it has synced before and then finds
// after: only the changed services, where the mode can do that (ipvs cannot),
// and the deletion of chains that they left behind. It is the second sync of a
// [Counter], one sync period after the first.
func Partial(m Mode, v Version, n Node, before, after Objects) (Rules, error) {
	c, err := NewCounter(m, v, n, before.Services, before.Slices)
	if err != nil {
		return Rules{}, err
	}
	if _, err := c.Sync(0); err != nil {
		return Rules{}, err
	}
	if err := c.Replace(after); err != nil {
		return Rules{}, err
	}
	return c.Sync(c.node.syncPeriod() + time.Nanosecond)
}

// syncPeriod is kube-proxy's default where none is set
// (pkg/proxy/apis/config/v1alpha1/defaults.go).
func (n Node) syncPeriod() time.Duration {
	if n.SyncPeriod == 0 {
		return 30 * time.Second
	}
	return n.SyncPeriod
}

// checkObjects refuses nil, malformed and repeated objects.
func checkObjects(o Objects) error {
	services := make(map[name]*corev1.Service, len(o.Services))
	for i, s := range o.Services {
		if s == nil {
			return fmt.Errorf("proxymodel: services[%d] is nil, want a Service", i)
		}
		if err := checkService(s); err != nil {
			return err
		}
		id := name{s.Namespace, s.Name}
		if services[id] != nil {
			return fmt.Errorf("proxymodel: Service %s is given twice", id)
		}
		services[id] = s
	}
	slices := make(map[name]bool, len(o.Slices))
	for i, s := range o.Slices {
		if s == nil {
			return fmt.Errorf("proxymodel: slices[%d] is nil, want an EndpointSlice", i)
		}
		if err := checkSlice(s); err != nil {
			return err
		}
		id := name{s.Namespace, s.Name}
		if slices[id] {
			return fmt.Errorf("proxymodel: EndpointSlice %s is given twice", id)
		}
		slices[id] = true
		if err := checkOwner(s, services[serviceOf(s)]); err != nil {
			return err
		}
	}
	return nil
}

// checkOwner refuses a slice whose service is not there, or is there but not in
// the slice's family.
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

func serviceOf(s *discoveryv1.EndpointSlice) name {
	return name{s.Namespace, s.Labels[discoveryv1.LabelServiceName]}
}

func familyOfSlice(s *discoveryv1.EndpointSlice) corev1.IPFamily {
	return familyOf(s.AddressType == discoveryv1.AddressTypeIPv6)
}
