package proxy

import (
	"slices"
	"time"

	"github.com/redline-go/redline/proxymodel"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// proxier is one family of the real kube-proxy.
type proxier interface {
	OnServiceUpdate(before, after *corev1.Service)
	OnEndpointSliceUpdate(before, after *discoveryv1.EndpointSlice)
	OnEndpointSliceDelete(*discoveryv1.EndpointSlice)
	OnServiceSynced() // syncs
	OnTopologyChange(labels map[string]string)
}

// op is one event, as an informer tells it.
type op struct {
	Service, ServiceBefore *corev1.Service // Service nil: deleted
	Slice                  *discoveryv1.EndpointSlice
	SliceGone              bool
	Zone                   *string
}

// tell passes the event on to the real proxier. Only its own family's slices reach a proxier.
func (o op) tell(p proxier, family corev1.IPFamily) {
	switch {
	case o.Zone != nil:
		p.OnTopologyChange(map[string]string{corev1.LabelTopologyZone: *o.Zone})
	case o.Slice == nil:
		p.OnServiceUpdate(o.ServiceBefore, o.Service)
	case string(o.Slice.AddressType) != string(family):
	case o.SliceGone:
		p.OnEndpointSliceDelete(o.Slice)
	default:
		p.OnEndpointSliceUpdate(nil, o.Slice)
	}
}

// apply passes it on to the model.
func (o op) apply(c *proxymodel.Counter) error {
	switch {
	case o.Zone != nil:
		c.SetZone(*o.Zone)
		return nil
	case o.Slice == nil && o.Service == nil:
		return c.Delete(o.ServiceBefore)
	case o.Slice == nil:
		return c.Apply(o.Service)
	case o.SliceGone:
		return c.Delete(o.Slice)
	}
	return c.Apply(o.Slice)
}

// start returns the events of a cluster that kube-proxy finds when it starts.
func (w *world) start() []op {
	var out []op
	for _, s := range w.services {
		out = append(out, op{Service: s.DeepCopy()})
	}
	for _, s := range w.slices {
		out = append(out, op{Slice: s.DeepCopy()})
	}
	return out
}

// step returns the events of one more sync, and the time since the last.
func (w *world) step() (out []op, after time.Duration) {
	for n := w.r.IntN(4); n >= 0; n-- {
		out = append(out, w.change()...)
	}
	pauses := []time.Duration{
		time.Millisecond, 500 * time.Millisecond, 2 * time.Second, 45 * time.Second, 2 * time.Hour,
	}
	return out, pauses[w.r.IntN(len(pauses))]
}

func (w *world) change() []op {
	if len(w.services) == 0 {
		return w.grow()
	}
	i := w.r.IntN(len(w.services))
	s := w.services[i]
	switch w.r.IntN(12) {
	case 0:
		return w.shrink(i)
	case 1:
		return w.grow()
	case 2, 3:
		return w.respec(s)
	case 4:
		return w.dropSlice(s)
	case 5:
		before := len(w.slices)
		w.slicesOf(s)
		var out []op
		for _, es := range w.slices[before:] {
			out = append(out, op{Slice: es.DeepCopy()})
		}
		return out
	case 6:
		if w.chance(3) {
			zone := []string{"", "zone-1", "zone-2"}[w.r.IntN(3)]
			if zone == w.node.Zone {
				return nil
			}
			w.node.Zone = zone
			return []op{{Zone: &zone}}
		}
	}
	return w.moveEndpoints(s)
}

func (w *world) grow() []op {
	before := len(w.slices)
	out := []op{{Service: w.addService().DeepCopy()}}
	for _, es := range w.slices[before:] {
		out = append(out, op{Slice: es.DeepCopy()})
	}
	return out
}

// shrink deletes a service and then its slices.
func (w *world) shrink(i int) []op {
	s := w.services[i]
	out := []op{{ServiceBefore: s.DeepCopy()}}
	for _, es := range w.slices {
		if owns(s, es) {
			out = append(out, op{Slice: es.DeepCopy(), SliceGone: true})
		}
	}
	w.slices = slices.DeleteFunc(w.slices, func(es *discoveryv1.EndpointSlice) bool { return owns(s, es) })
	w.services = slices.Delete(w.services, i, i+1)
	return out
}

func owns(s *corev1.Service, es *discoveryv1.EndpointSlice) bool {
	return es.Namespace == s.Namespace && es.Labels[discoveryv1.LabelServiceName] == s.Name
}

// respec changes something about a service: its policies, its outside addresses, its type and
// ports, or only a label that kube-proxy ignores.
func (w *world) respec(s *corev1.Service) []op {
	before := s.DeepCopy()
	id := w.next()
	switch w.r.IntN(7) {
	case 0:
		w.policies(s, id)
	case 1:
		w.outside(s, id)
	case 2:
		if proxied(s) {
			s.Spec.Type = serviceTypes[w.r.IntN(len(serviceTypes))]
			w.ports(s, id)
			w.outside(s, id)
		}
	case 3:
		if n := len(s.Spec.Ports); n > 1 {
			s.Spec.Ports = s.Spec.Ports[:n-1]
		}
	case 4:
		s.Labels = map[string]string{"color": w.word(5)}
	case 5: // to and from a name of elsewhere
		if s.Spec.ClusterIP != corev1.ClusterIPNone && s.Spec.Type == corev1.ServiceTypeExternalName {
			s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeClusterIP, ""
		} else if s.Spec.ClusterIP != corev1.ClusterIPNone && s.Spec.Type == corev1.ServiceTypeClusterIP {
			s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeExternalName, "example.com"
		}
	case 6: // a second family comes or goes
		w.otherFamily(s, id)
	}
	if s.Spec.Type != before.Spec.Type || len(s.Spec.Ports) > len(before.Spec.Ports) {
		s.Spec.ExternalIPs = slices.DeleteFunc(s.Spec.ExternalIPs, func(ip string) bool { return w.claimed(ip, s) })
	}
	out := []op{{ServiceBefore: before, Service: s.DeepCopy()}}
	if w.chance(4) { // and back again before the next sync
		*s = *before.DeepCopy()
		out = append(out, op{ServiceBefore: out[0].Service, Service: s.DeepCopy()})
	}
	return out
}

// otherFamily makes a service of a dual-stack cluster dual stack, or single again. Its slices of a
// family that went are still there.
func (w *world) otherFamily(s *corev1.Service, id int) {
	if !w.v4 || !w.v6 || !proxied(s) || len(s.Spec.IPFamilies) == 0 {
		return
	}
	if len(s.Spec.IPFamilies) == 2 {
		if !w.hasSlices(s, s.Spec.IPFamilies[1]) { // Count would refuse them
			s.Spec.IPFamilies, s.Spec.ClusterIPs = s.Spec.IPFamilies[:1], s.Spec.ClusterIPs[:1]
		}
		return
	}
	other := corev1.IPv6Protocol
	if s.Spec.IPFamilies[0] == other {
		other = corev1.IPv4Protocol
	}
	s.Spec.IPFamilies = append(s.Spec.IPFamilies, other)
	s.Spec.ClusterIPs = append(s.Spec.ClusterIPs, address('s', id, other == corev1.IPv6Protocol))
}

func (w *world) hasSlices(s *corev1.Service, f corev1.IPFamily) bool {
	return slices.ContainsFunc(w.slices, func(es *discoveryv1.EndpointSlice) bool {
		return owns(s, es) && es.AddressType == discoveryv1.AddressType(f)
	})
}

func (w *world) sliceOf(s *corev1.Service) *discoveryv1.EndpointSlice {
	var own []*discoveryv1.EndpointSlice
	for _, es := range w.slices {
		if owns(s, es) {
			own = append(own, es)
		}
	}
	if len(own) == 0 {
		return nil
	}
	return own[w.r.IntN(len(own))]
}

func (w *world) dropSlice(s *corev1.Service) []op {
	es := w.sliceOf(s)
	if es == nil {
		return nil
	}
	w.slices = slices.DeleteFunc(w.slices, func(o *discoveryv1.EndpointSlice) bool { return o == es })
	return []op{{Slice: es.DeepCopy(), SliceGone: true}}
}

// moveEndpoints adds, removes or changes endpoints of a slice, or only a label of it.
func (w *world) moveEndpoints(s *corev1.Service) []op {
	es := w.sliceOf(s)
	if es == nil || es.AddressType == discoveryv1.AddressTypeFQDN {
		return nil
	}
	f := corev1.IPFamily(es.AddressType)
	switch n := len(es.Endpoints); {
	case n > 0 && w.chance(3):
		i := w.r.IntN(n)
		es.Endpoints = slices.Delete(es.Endpoints, i, i+1)
	case n > 0 && w.chance(2):
		es.Endpoints[w.r.IntN(n)].Conditions = w.endpoint(s, f, 4).Conditions
	case w.chance(8):
		es.Labels["color"] = w.word(5)
	case w.chance(8) && len(es.Ports) > 0:
		es.Ports[0].Port = ptr(int32(1 + w.r.IntN(60000)))
	default:
		for range 1 + w.r.IntN(w.maxEPs/3+1) {
			es.Endpoints = append(es.Endpoints, w.endpoint(s, f, w.r.IntN(6)))
		}
	}
	return []op{{Slice: es.DeepCopy()}}
}
