package proxymodel

import "time"

// tables is one family's proxier: its services, the changes since the last sync, and the book that
// counts.
type tables struct {
	*family
	book
	ports   map[name][]*servicePort
	pending map[name]*pending
}

// pending is a service that something happened to since the last sync.
type pending struct {
	before    []*servicePort // as of the last sync
	endpoints bool           // a slice changed, or the node's zone
}

// book counts for one mode and family.
type book interface {
	put(ports []*servicePort, times int)           // times is 1, or -1 to take them out
	rules() Rules                                  // everything
	sync(at time.Duration, changed []change) Rules // what a sync writes
	force()                                        // the next sync is full
}

// change holds a service before and after: nil where it is not proxied.
type change struct{ before, after []*servicePort }

func (c change) name() string {
	for _, ports := range [][]*servicePort{c.after, c.before} {
		if len(ports) > 0 {
			return ports[0].service.String()
		}
	}
	return ""
}

// newBook opens the book of a mode and family, with room for so many services.
func newBook(m Mode, v Version, f *family, n *Node, services int) book {
	switch {
	case m == NFTables && v == V1_29:
		return newNFT129(f, n)
	case m == NFTables:
		return newNFTables(f, n, services)
	case m == IPVS:
		return newIPVS(v, f, n, services)
	}
	return newIPTables(v, f, n)
}

// note remembers the service as of the last sync.
func (t *tables) note(id name) *pending {
	p := t.pending[id]
	if p == nil {
		p = &pending{before: t.ports[id]}
		t.pending[id] = p
	}
	return p
}

// replace takes a service's old ports out of the count and puts new ones in.
func (t *tables) replace(id name, ports []*servicePort) {
	t.put(t.ports[id], -1)
	t.put(ports, 1)
	if ports == nil {
		delete(t.ports, id)
	} else {
		t.ports[id] = ports
	}
}
