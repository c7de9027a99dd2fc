package proxymodel

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// Count returns the rules that kube-proxy writes on node n for the services and their slices. It
// equals the first sync of the real proxier on an empty node, rule for rule and byte for byte
// (validation/proxy runs them side by side). That is also everything that is there afterwards.
//
// Headless and ExternalName services and FQDN slices add nothing, as in kube-proxy. Count returns
// an error for objects that the API server would not have stored: ports out of range, addresses of
// the wrong family, repeated names. Other than kube-proxy, which passes over it, Count also refuses
// a slice of a service that is not among services. The error names the object. The order of the
// objects does not matter.
func Count(m Mode, v Version, n Node, services []*corev1.Service,
	endpointSlices []*discoveryv1.EndpointSlice) (Rules, error) {
	v, families, err := settings(m, v, n)
	if err != nil {
		return Rules{}, err
	}
	o := Objects{Services: services, Slices: endpointSlices}
	index, err := checkObjects(o)
	if err != nil {
		return Rules{}, err
	}
	own := groupSlices(o, index)
	var out, secondary Rules
	for i, f := range families {
		b := newBook(m, v, f, &n, len(services))
		countInto(b, f, &n, v, services, own)
		r := b.rules()
		r.Mode, r.Version, r.Family = m, v, f.ip
		if i == 0 {
			out = r
		} else {
			secondary = r
			out.Secondary = &secondary
		}
	}
	return out, nil
}

// countInto counts all services, in memory that it uses again for each.
func countInto(b book, f *family, n *Node, v Version, services []*corev1.Service,
	own [][]*discoveryv1.EndpointSlice) {
	var buffer []endpoint
	for i, s := range services {
		ports := servicePorts(s, f, v)
		buffer = buffer[:0]
		for _, p := range ports {
			all, start := collect(buffer, p, own[i], f, n, v)
			p.endpoints = categorize(p, all[start:], n, v)
			buffer = all
		}
		b.put(ports, 1)
	}
}

// groupSlices sorts slices by service, and those of one service by name.
func groupSlices(o Objects, index map[name]int) [][]*discoveryv1.EndpointSlice {
	own := make([][]*discoveryv1.EndpointSlice, len(o.Services))
	one := make([]*discoveryv1.EndpointSlice, len(o.Slices)) // most services have one
	for i, s := range o.Slices {
		at := index[serviceOf(s)]
		if own[at] == nil {
			one[i] = s
			own[at] = one[i : i+1 : i+1]
			continue
		}
		j, _ := slices.BinarySearchFunc(own[at], s.Name, bySliceName)
		own[at] = slices.Insert(own[at], j, s)
	}
	return own
}

// settings checks all that is not an object. It resolves the version and the node's families.
func settings(m Mode, v Version, n Node) (Version, []*family, error) {
	if err := m.check("Mode"); err != nil {
		return 0, nil, err
	}
	v, err := v.In("proxymodel: Version", modelled)
	if err != nil {
		return 0, nil, err
	}
	families, err := n.families(v)
	return v, families, err
}

// Objects holds the services and slices of a cluster at one time.
type Objects struct {
	Services []*corev1.Service
	Slices   []*discoveryv1.EndpointSlice
}

// Partial returns the rules that kube-proxy writes when it has synced before and then finds after.
// These are only the changed services, where the mode can do that (ipvs cannot), and the deletion
// of chains that they left behind. It equals the second sync of a [Counter], one sync period after
// the first.
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

// syncPeriod returns kube-proxy's default where none is set.
func (n Node) syncPeriod() time.Duration { return cmp.Or(n.SyncPeriod, defaultSyncPeriod) }

func serviceOf(s *discoveryv1.EndpointSlice) name {
	return name{namespace: s.Namespace, name: s.Labels[discoveryv1.LabelServiceName]}
}

func familyOfSlice(s *discoveryv1.EndpointSlice) corev1.IPFamily {
	return familyOf(s.AddressType == discoveryv1.AddressTypeIPv6)
}
