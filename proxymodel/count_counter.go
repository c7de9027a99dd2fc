package proxymodel

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Counter counts as objects come and go, as kube-proxy does. [Counter.Apply] recounts one changed
// service or slice without touching the others, and [Counter.Sync] returns what the next sync
// writes. It is not safe for concurrent use. It keeps the objects it is given: they must not be
// changed afterwards.
type Counter struct {
	mode      Mode
	version   Version
	node      Node
	tables    []*tables
	services  map[name]*corev1.Service
	slices    map[name]*discoveryv1.EndpointSlice
	byService map[name][]*discoveryv1.EndpointSlice // sorted by name
	last      time.Duration                         // when Sync was called last
}

// NewCounter counts the objects at the start. It refuses the input that [Count] refuses.
func NewCounter(m Mode, v Version, n Node, services []*corev1.Service,
	slices_ []*discoveryv1.EndpointSlice) (*Counter, error) {
	v, families, err := settings(m, v, n)
	if err != nil {
		return nil, err
	}
	if _, err := checkObjects(Objects{Services: services, Slices: slices_}); err != nil {
		return nil, err
	}
	c := &Counter{mode: m, version: v, node: n,
		services:  make(map[name]*corev1.Service, len(services)),
		slices:    make(map[name]*discoveryv1.EndpointSlice, len(slices_)),
		byService: make(map[name][]*discoveryv1.EndpointSlice, len(services))}
	for _, f := range families {
		c.tables = append(c.tables, &tables{family: f, book: newBook(m, v, f, &c.node, len(services)),
			ports: make(map[name][]*servicePort, len(services)), pending: map[name]*pending{}})
	}
	for _, s := range slices_ {
		c.keepSlice(s)
	}
	for _, s := range services {
		id := name{namespace: s.Namespace, name: s.Name}
		c.services[id] = s
		for _, t := range c.tables {
			t.replace(id, c.portsOf(id, t))
		}
	}
	return c, nil
}

// Apply adds a Service or EndpointSlice, or replaces the one of its name. On error nothing has
// changed.
func (c *Counter) Apply(object runtime.Object) error {
	switch o := object.(type) {
	case *corev1.Service:
		return c.applyService(o)
	case *discoveryv1.EndpointSlice:
		return c.applySlice(o)
	}
	return fmt.Errorf("proxymodel: Apply got %T, want *Service or *EndpointSlice", object)
}

// Delete removes a Service or EndpointSlice. It reads only the object's namespace and name. The
// slices of a deleted service stay, without effect, until they are deleted or the service returns.
func (c *Counter) Delete(object runtime.Object) error {
	switch o := object.(type) {
	case *corev1.Service:
		if o != nil {
			return c.deleteService(name{namespace: o.Namespace, name: o.Name})
		}
	case *discoveryv1.EndpointSlice:
		if o != nil {
			return c.deleteSlice(name{namespace: o.Namespace, name: o.Name})
		}
	}
	return fmt.Errorf("proxymodel: Delete got %T, want *Service or *EndpointSlice", object)
}

// Replace makes the cluster's objects those of o: it deletes what is missing in o and applies what
// differs. On error nothing has changed.
func (c *Counter) Replace(o Objects) error {
	if _, err := checkObjects(o); err != nil {
		return err
	}
	services, slices_ := map[name]bool{}, map[name]bool{}
	for _, s := range o.Services {
		services[name{namespace: s.Namespace, name: s.Name}] = true
	}
	for _, s := range o.Slices {
		id := name{namespace: s.Namespace, name: s.Name}
		slices_[id] = true
		if old := c.slices[id]; old != nil && serviceOf(old) != serviceOf(s) {
			c.removeSlice(old)
		}
	}
	for id, s := range c.slices {
		if !slices_[id] {
			c.removeSlice(s)
		}
	}
	for id := range c.services {
		if !services[id] {
			c.removeService(id)
		}
	}
	for _, s := range o.Services {
		c.setService(s)
	}
	for _, s := range o.Slices {
		c.setSlice(s)
	}
	return nil
}

// SetZone changes the node's zone. kube-proxy answers a change of topology labels with a full sync.
func (c *Counter) SetZone(zone string) {
	if zone == c.node.Zone {
		return
	}
	c.node.Zone = zone
	for _, t := range c.tables {
		for id := range c.services {
			t.note(id).endpoints = true
			t.replace(id, c.portsOf(id, t))
		}
	}
	c.Resync()
}

// Resync makes the next sync a full one, as after a failed sync or when someone flushed the tables.
func (c *Counter) Resync() {
	for _, t := range c.tables {
		t.force()
	}
}

// Rules returns the result of [Count] for the present objects.
func (c *Counter) Rules() Rules {
	return c.each(func(t *tables) Rules { return t.rules() })
}

// Sync returns what a sync at time at writes: the first sync everything, a later one the services
// that changed since. Time counts in any unit from the start and does not run backwards. It decides
// when kube-proxy deletes stale chains, and when the hourly full sync of v1.37 is due.
func (c *Counter) Sync(at time.Duration) (Rules, error) {
	if at < c.last {
		return Rules{}, fmt.Errorf("proxymodel: Sync at %v, want no earlier than the last at %v", at, c.last)
	}
	c.last = at
	return c.each(func(t *tables) Rules {
		changed := make([]change, 0, len(t.pending))
		for id, p := range t.pending {
			if p.endpoints || !samePorts(p.before, t.ports[id]) {
				changed = append(changed, change{before: p.before, after: t.ports[id]})
			}
		}
		slices.SortFunc(changed, func(a, b change) int { return strings.Compare(a.name(), b.name()) })
		clear(t.pending)
		return t.sync(at, changed)
	}), nil
}

// each asks every family, the primary first.
func (c *Counter) each(ask func(*tables) Rules) Rules {
	var out Rules
	for i, t := range c.tables {
		r := ask(t)
		r.Mode, r.Version, r.Family = c.mode, c.version, t.ip
		if i == 0 {
			out = r
		} else {
			out.Secondary = &r
		}
	}
	return out
}

func (c *Counter) applyService(s *corev1.Service) error {
	if s == nil {
		return fmt.Errorf("proxymodel: Apply got a nil Service")
	}
	if err := checkService(s); err != nil {
		return err
	}
	c.setService(s)
	return nil
}

func (c *Counter) setService(s *corev1.Service) {
	id := name{namespace: s.Namespace, name: s.Name}
	c.services[id] = s
	c.recount(id)
}

func (c *Counter) deleteService(id name) error {
	if c.services[id] == nil {
		return fmt.Errorf("proxymodel: Delete of Service %s, which is not there", id)
	}
	c.removeService(id)
	return nil
}

func (c *Counter) removeService(id name) {
	delete(c.services, id)
	c.recount(id)
}

func (c *Counter) applySlice(s *discoveryv1.EndpointSlice) error {
	if s == nil {
		return fmt.Errorf("proxymodel: Apply got a nil EndpointSlice")
	}
	if err := checkSlice(s); err != nil {
		return err
	}
	if err := checkOwner(s, c.services[serviceOf(s)]); err != nil {
		return err
	}
	if old := c.slices[name{namespace: s.Namespace, name: s.Name}]; old != nil && serviceOf(old) != serviceOf(s) {
		return fmt.Errorf("proxymodel: EndpointSlice %s/%s belongs to Service %s, but did to %s: delete it first",
			s.Namespace, s.Name, serviceOf(s), serviceOf(old))
	}
	c.setSlice(s)
	return nil
}

func (c *Counter) setSlice(s *discoveryv1.EndpointSlice) {
	old := c.slices[name{namespace: s.Namespace, name: s.Name}]
	if old != nil && sameSlice(old, s, c.version) {
		return
	}
	c.keepSlice(s)
	c.recount(serviceOf(s))
	c.noteSlice(s)
}

func (c *Counter) deleteSlice(id name) error {
	old := c.slices[id]
	if old == nil {
		return fmt.Errorf("proxymodel: Delete of EndpointSlice %s, which is not there", id)
	}
	c.removeSlice(old)
	return nil
}

func (c *Counter) removeSlice(s *discoveryv1.EndpointSlice) {
	id, owner := name{namespace: s.Namespace, name: s.Name}, serviceOf(s)
	delete(c.slices, id)
	list := c.byService[owner]
	if i, ok := slices.BinarySearchFunc(list, s.Name, bySliceName); ok {
		c.byService[owner] = slices.Delete(list, i, i+1)
	}
	c.recount(owner)
	c.noteSlice(s)
}

// keepSlice stores a slice under its name and its service's.
func (c *Counter) keepSlice(s *discoveryv1.EndpointSlice) {
	c.slices[name{namespace: s.Namespace, name: s.Name}] = s
	owner := serviceOf(s)
	list := c.byService[owner]
	if i, ok := slices.BinarySearchFunc(list, s.Name, bySliceName); ok {
		list[i] = s
	} else {
		c.byService[owner] = slices.Insert(list, i, s)
	}
}

func bySliceName(s *discoveryv1.EndpointSlice, n string) int { return strings.Compare(s.Name, n) }

// recount replaces one service's count in every family.
func (c *Counter) recount(id name) {
	for _, t := range c.tables {
		t.note(id)
		t.replace(id, c.portsOf(id, t))
	}
}

// noteSlice marks the slice's service as changed in the slice's family.
func (c *Counter) noteSlice(s *discoveryv1.EndpointSlice) {
	for _, t := range c.tables {
		if t.ip == familyOfSlice(s) && s.AddressType != discoveryv1.AddressTypeFQDN {
			t.note(serviceOf(s)).endpoints = true
		}
	}
}

// portsOf returns a service's ports with their endpoints in one family.
func (c *Counter) portsOf(id name, t *tables) []*servicePort {
	s := c.services[id]
	if s == nil {
		return nil
	}
	ports := servicePorts(s, t.family, c.version)
	if len(ports) == 0 {
		return ports
	}
	for _, p := range ports {
		all, _ := collect(nil, p, c.byService[id], t.family, &c.node, c.version)
		p.endpoints = categorize(p, all, &c.node, c.version)
	}
	return ports
}
