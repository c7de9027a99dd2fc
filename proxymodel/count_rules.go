package proxymodel

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
)

// Rules holds what one sync of kube-proxy writes: rules and chains, elements and servers, and the
// bytes it hands to the kernel's tools. [Count] and [Counter.Rules] return those of the first sync
// on an empty node, which is also everything that is there afterwards. [Counter.Sync] returns those
// of a later sync.
//
// Maps hold no zeros. Chains that exist once per service or endpoint are summed under their prefix.
// With iptables these are SVC, SVL, SEP, EXT and FW: chain KUBE-SVC-XXXXXXXXXXXXXXXX counts under
// SVC. With nftables they are service, local, endpoint, external and firewall.
type Rules struct {
	Mode    Mode
	Version Version
	Family  corev1.IPFamily // whose tables these are

	// Full reports whether the sync writes every service, not only the changed.
	Full bool
	// Large reports whether kube-proxy dropped the comments of per-endpoint rules, which the
	// iptables mode does above 1000 endpoints.
	Large bool

	NAT, Filter             map[string]int // rules per chain of the iptables tables nat and filter
	NATChains, FilterChains int            // chain lines (":KUBE-SVC-... - [0:0]") per table
	Chains                  map[string]int // how many chains stand behind each summed name
	DeletedChains           int            // stale chains that this sync deletes

	// Bytes counts the restore input: iptables-restore's in iptables and ipvs mode, the nft script
	// in nftables mode.
	Bytes int

	Table           map[string]int // nftables: rules per chain of the table kube-proxy
	TableChains     int            // nftables: chains that this sync adds
	FlushedChains   int            // nftables: stale chains emptied now, to be deleted a second later
	AffinitySets    int            // nftables: sets that remember clients, one per endpoint with affinity
	Operations      int            // nftables: commands in the transaction
	Elements        map[string]int // nftables: elements added per set or map; ipvs: entries per ipset
	DeletedElements map[string]int // nftables: elements deleted per set or map

	VirtualServers int // ipvs: address, port and protocol each
	RealServers    int // ipvs: destinations, summed over the virtual servers
	BoundAddresses int // ipvs: addresses on kube-ipvs0

	// Secondary holds the same for the node's other family, if it has two. Each family has tables
	// of its own (iptables and ip6tables) and a restore of its own. Nothing of it is contained in
	// the counts above.
	Secondary *Rules

	// Warnings names what the real proxier leaves to chance: two services that claim one address
	// and port.
	Warnings []error
}

// listHeader counts the lines that `iptables -L CHAIN` prints before the rules: the chain's name
// and the names of the columns.
const listHeader = 2

// Lines returns the number that `iptables -t TABLE -L CHAIN | wc -l` prints on the node, for the
// chains that kube-proxy owns. That is two lines of header and one per rule. A summed name (SVC,
// SEP, ...) gives the lines of all its chains. It is 0 for a table or chain that kube-proxy did not
// write.
func (r Rules) Lines(table, chain string) int {
	rules, static := r.NAT, natChains[r.Mode]
	switch table {
	case "nat":
	case "filter":
		rules, static = r.Filter, filterChains[r.Mode]
	default:
		return 0
	}
	for _, name := range static {
		if name == chain {
			return listHeader + rules[chain]
		}
	}
	if n := r.Chains[chain]; n > 0 && table == "nat" {
		return n*listHeader + rules[chain]
	}
	return 0
}

// Total returns the number of rules in all chains of all tables.
func (r Rules) Total() int {
	return sum(r.NAT) + sum(r.Filter) + sum(r.Table)
}

func sum(counts map[string]int) int {
	n := 0
	for c := range maps.Values(counts) {
		n += c
	}
	return n
}

// natChains and filterChains list the chains that exist once, by mode: the jump targets of
// pkg/proxy/iptables/proxier.go:365 and pkg/proxy/ipvs/proxier.go:360.
var natChains = map[Mode][]string{
	IPTables: {"KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ"},
	IPVS:     {"KUBE-SERVICES", "KUBE-POSTROUTING", "KUBE-NODE-PORT", "KUBE-LOAD-BALANCER", "KUBE-MARK-MASQ"},
}

var filterChains = map[Mode][]string{
	IPTables: {"KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD", "KUBE-NODEPORTS",
		"KUBE-PROXY-FIREWALL", "KUBE-FIREWALL"},
	IPVS: {"KUBE-FORWARD", "KUBE-NODE-PORT", "KUBE-PROXY-FIREWALL",
		"KUBE-SOURCE-RANGES-FIREWALL", "KUBE-IPVS-FILTER", "KUBE-IPVS-OUT-FILTER"},
}
