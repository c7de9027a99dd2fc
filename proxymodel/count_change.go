package proxymodel

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"
)

// sameSlice reports whether kube-proxy sees no difference between two states of a slice. v1.37
// compares the whole object (esDataChanged in pkg/proxy/endpointslicecache.go), v1.29 the fields it
// keeps of it, in sorted order.
func sameSlice(a, b *discoveryv1.EndpointSlice, v Version) bool {
	if a == b {
		return true
	}
	if v != V1_29 {
		return a.ResourceVersion == b.ResourceVersion && reflect.DeepEqual(a, b)
	}
	if len(a.Ports) != len(b.Ports) || len(a.Endpoints) != len(b.Endpoints) {
		return false
	}
	return reflect.DeepEqual(sortedPorts(a), sortedPorts(b)) &&
		reflect.DeepEqual(sortedEndpoints(a), sortedEndpoints(b))
}

func sortedPorts(s *discoveryv1.EndpointSlice) []discoveryv1.EndpointPort {
	number := func(p discoveryv1.EndpointPort) int32 {
		if p.Port == nil {
			return 0
		}
		return *p.Port
	}
	out := slices.Clone(s.Ports)
	slices.SortStableFunc(out, func(a, b discoveryv1.EndpointPort) int {
		return cmp.Compare(number(a), number(b))
	})
	return out
}

// kept holds the fields that v1.29 keeps of an endpoint (endpointInfo).
type kept struct {
	addresses                   []string
	nodeName, zone              *string
	hints                       string
	ready, serving, terminating bool
}

func sortedEndpoints(s *discoveryv1.EndpointSlice) []kept {
	out := make([]kept, len(s.Endpoints))
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		c := &e.Conditions
		out[i] = kept{
			addresses: e.Addresses, nodeName: e.NodeName, zone: e.Zone, hints: hintText(e),
			ready:       c.Ready == nil || *c.Ready,
			serving:     c.Serving == nil || *c.Serving,
			terminating: c.Terminating != nil && *c.Terminating,
		}
	}
	slices.SortStableFunc(out, func(a, b kept) int { return slices.Compare(a.addresses, b.addresses) })
	return out
}

// hintText returns the set of hinted zones, sorted.
func hintText(e *discoveryv1.Endpoint) string {
	if e.Hints == nil {
		return ""
	}
	zones := make([]string, len(e.Hints.ForZones))
	for i, z := range e.Hints.ForZones {
		zones[i] = z.Name
	}
	slices.Sort(zones)
	return strings.Join(slices.Compact(zones), ",")
}
