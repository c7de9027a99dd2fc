package main

import (
	"time"

	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
)

// request starts a proxier, drops it, or lets it sync after some events.
type request struct {
	ID    int
	New   *settings
	Drop  bool
	After time.Duration // since the last sync
	Ops   []op
}

// settings describe one family's proxier on a node.
type settings struct {
	Mode   string // iptables, nftables or ipvs
	Family v1.IPFamily
	Local  string // CIDR of local pods
	NodeIP string
	Node   node
}

// node repeats proxymodel.Node.
type node struct {
	Name, Zone                                              string
	IPs                                                     []string
	MasqueradeAll, LocalhostNodePorts, NFAcct, TCPBeLiberal bool
	NodePortAddresses                                       []string
}

// op is one event, as an informer tells it.
type op struct {
	Service, ServiceBefore *v1.Service // Service nil: deleted
	Slice                  *discovery.EndpointSlice
	SliceGone              bool
	Zone                   *string
}

// answer precedes the text of a sync.
type answer struct {
	Size    int // of the text that follows
	Ops     int // nftables: commands
	Entries map[string]int
	Servers int
	Real    int
	Bound   int
}
