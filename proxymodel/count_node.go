package proxymodel

import (
	"fmt"
	"net"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	netutils "k8s.io/utils/net"
)

// Node describes the node that kube-proxy runs on and the settings it runs with. The zero value is
// a node without name, zone or addresses, on IPv4.
type Node struct {
	Name string // endpoints with this nodeName are local
	Zone string // label topology.kubernetes.io/zone, for topology hints

	// IPs are the addresses of the node's interfaces. The first of each family is the node's own
	// IP. kube-proxy serves the families that they come from, IPv4 if there are none. The first
	// address decides which family [Rules] answers for and which is Secondary. The loopback
	// addresses 127.0.0.1 and ::1 need not be given.
	IPs []string

	// DetectLocalCIDR is --cluster-cidr, the source of traffic from local pods. "" detects nothing.
	// For two families give both, separated by a comma.
	DetectLocalCIDR string

	MasqueradeAll      bool // --masquerade-all
	LocalhostNodePorts bool // --iptables-localhost-nodeports, true by default in kube-proxy
	NFAcct             bool // the kernel has nfacct, so v1.37 adds counters (iptables mode)
	TCPBeLiberal       bool // sysctl nf_conntrack_tcp_be_liberal is set

	// NodePortAddresses are the CIDRs of --nodeport-addresses, which pick the IPs that NodePorts
	// answer on. None means all, which is kube-proxy's default except in nftables mode, where it is
	// "primary": the node's own IPs.
	NodePortAddresses []string

	// ServiceCIDRs are the cluster's, known to kube-proxy by the ServiceCIDR API. nftables mode
	// from v1.30 on drops traffic to their unused addresses.
	ServiceCIDRs []string

	// SyncPeriod is --iptables-sync-period (or that of the mode): the least time between two
	// deletions of stale chains in a large cluster. Zero means 30s.
	SyncPeriod time.Duration
}

// family is one of the node's IP families, with the settings that go with it.
type family struct {
	ip          corev1.IPFamily
	v6          bool
	nodeIP      net.IP   // the node's own; nil if it has none
	addresses   []string // of the node's interfaces in this family, without loopback
	local       string   // the CIDR of local pods; "" detects nothing
	matchAll    bool     // NodePorts answer on every address
	nodePortIPs []string // else on these, loopback included
	localhost   bool     // NodePorts answer on 127.0.0.1 (iptables mode)
	cidrs       string   // service CIDRs, comma-separated
}

// families resolves the node's settings, primary family first.
func (n Node) families(v Version) ([]*family, error) {
	var out []*family
	byFamily := map[bool]*family{}
	add := func(v6 bool) *family {
		f := byFamily[v6]
		if f == nil {
			f = &family{ip: familyOf(v6), v6: v6}
			byFamily[v6], out = f, append(out, f)
		}
		return f
	}
	for i, s := range n.IPs {
		ip := netutils.ParseIPSloppy(s)
		if ip == nil {
			return nil, fmt.Errorf("proxymodel: Node.IPs[%d] is %q, want an IP address", i, s)
		}
		f := add(netutils.IsIPv6(ip))
		if f.nodeIP == nil {
			f.nodeIP = ip
		}
		if !ip.IsLoopback() {
			f.addresses = append(f.addresses, ip.String())
		}
	}
	if len(out) == 0 {
		add(false)
	}
	if n.SyncPeriod < 0 {
		return nil, fmt.Errorf("proxymodel: Node.SyncPeriod is %v, want >= 0", n.SyncPeriod)
	}
	for _, f := range out {
		f.addresses = unique(f.addresses)
		if err := n.resolve(f, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (n Node) resolve(f *family, v Version) error {
	local, err := ofFamily("DetectLocalCIDR", splitList(n.DetectLocalCIDR), f.v6)
	if err != nil {
		return err
	}
	if len(local) > 0 {
		f.local = local[0]
	}
	cidrs, err := ofFamily("ServiceCIDRs", n.ServiceCIDRs, f.v6)
	if err != nil {
		return err
	}
	f.cidrs = strings.Join(cidrs, ",")
	return n.resolveNodePorts(f, v)
}

// resolveNodePorts follows NewNodePortAddresses and GetNodeIPs of
// pkg/proxy/util/nodeport_addresses.go.
func (n Node) resolveNodePorts(f *family, v Version) error {
	var asked []string
	for _, s := range n.NodePortAddresses {
		if s != "primary" {
			asked = append(asked, s)
		} else if f.nodeIP != nil {
			asked = append(asked, hostCIDR(f.nodeIP))
		}
	}
	cidrs, err := ofFamily("NodePortAddresses", asked, f.v6)
	if err != nil {
		return err
	}
	if len(cidrs) == 0 {
		cidrs = []string{"0.0.0.0/0"}
		if f.v6 {
			cidrs = []string{"::/0"}
		}
	}
	loopback := "127.0.0.1"
	if f.v6 {
		loopback = "::1"
	}
	containsLoopback := false
	for _, s := range cidrs {
		_, cidr, _ := netutils.ParseCIDRSloppy(s)
		if !f.v6 && (cidr.IP.IsLoopback() || cidr.Contains(net.IPv4(127, 0, 0, 0))) {
			containsLoopback = true
		}
		if isAny(s, cidr, v) {
			f.matchAll, f.nodePortIPs = true, nil
			break
		}
		for _, ip := range append(f.addresses[:len(f.addresses):len(f.addresses)], loopback) {
			if cidr.Contains(netutils.ParseIPSloppy(ip)) {
				f.nodePortIPs = append(f.nodePortIPs, ip)
			}
		}
	}
	f.nodePortIPs = unique(f.nodePortIPs)
	f.localhost = n.LocalhostNodePorts && containsLoopback
	return nil
}

// isAny reports whether a CIDR matches every address. v1.29 compares the text, v1.37 the length of
// the prefix (IsZeroCIDR in pkg/proxy/util/utils.go).
func isAny(s string, cidr *net.IPNet, v Version) bool {
	if v == V1_29 {
		return s == "0.0.0.0/0" || s == "::/0"
	}
	ones, _ := cidr.Mask.Size()
	return ones == 0
}

// ofFamily returns the CIDRs of one family. All must parse.
func ofFamily(field string, cidrs []string, v6 bool) ([]string, error) {
	var out []string
	for _, s := range cidrs {
		_, cidr, err := netutils.ParseCIDRSloppy(s)
		if err != nil {
			return nil, fmt.Errorf("proxymodel: Node.%s has %q, want CIDRs", field, s)
		}
		if netutils.IsIPv6CIDR(cidr) == v6 {
			out = append(out, s)
		}
	}
	return out, nil
}

func familyOf(v6 bool) corev1.IPFamily {
	if v6 {
		return corev1.IPv6Protocol
	}
	return corev1.IPv4Protocol
}

func hostCIDR(ip net.IP) string {
	if netutils.IsIPv6(ip) {
		return ip.String() + "/128"
	}
	return ip.String() + "/32"
}

func splitList(s string) []string {
	if s == "" {
		return nil
	}
	out := strings.Split(s, ",")
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

// unique drops repeated strings, keeping the order.
func unique(in []string) []string {
	seen := make(map[string]bool, len(in))
	out := in[:0]
	for _, s := range in {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
