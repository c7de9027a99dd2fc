package measure

import (
	"crypto/sha256"
	"encoding/base32"
	"net/netip"
	"strconv"

	"github.com/redline-go/redline/proxymodel"
	"github.com/redline-go/redline/proxymodel/internal/work"
)

// script writes the input that kube-proxy v1.37 gives to the kernel's tools, for services ClusterIP
// services of endpoints endpoints each. Its size is that of [proxymodel.Uniform], and [Calibrate]
// times it. It leaves out `-m nfacct`, whose counters a new namespace does not have.
//
// Addresses are in 127.0.0.0/8, so that a namespace with nothing but its loopback can reach them.
// So are the pods: a packet to be masqueraded would be dropped, since loopback has no address that
// another host could answer.
type script struct {
	services, endpoints int
	out                 []byte
}

var (
	serviceBase  = netip.MustParseAddr("127.64.0.1")
	endpointBase = netip.MustParseAddr("127.128.0.1")
)

// comment starts the comment of an iptables rule.
const comment = " -m comment --comment "

// iptables writes the input of iptables-restore: all of it, or that of a partial sync without a
// change.
func (u *script) iptables(all bool) []byte {
	u.out = append(u.out[:0], scriptHead...)
	if all {
		u.each(func(i int) { u.iptablesChains(i) })
	}
	u.out = append(u.out, scriptRules...)
	u.each(func(i int) {
		u.put("-A KUBE-SERVICES"+comment+`"`, u.name(i), ` cluster IP" -m tcp -p tcp -d `, serviceIP(i),
			" --dport 80 -j KUBE-SVC-", u.hash(i, -1), "\n")
		if all {
			u.iptablesService(i)
		}
	})
	u.put(scriptTail)
	return u.out
}

func (u *script) iptablesChains(i int) {
	u.put(":KUBE-SVC-", u.hash(i, -1), " - [0:0]\n")
	for k := range u.endpoints {
		u.put(":KUBE-SEP-", u.hash(i, k), " - [0:0]\n")
	}
}

func (u *script) iptablesService(i int) {
	svc := u.hash(i, -1)
	u.put("-A KUBE-SVC-", svc, comment+`"`, u.name(i), ` cluster IP" -m tcp -p tcp -d `, serviceIP(i),
		" --dport 80 ! -s 127.0.0.0/8 -j KUBE-MARK-MASQ\n")
	small := u.services*u.endpoints <= proxymodel.LargeCluster
	for k := range u.endpoints {
		u.put("-A KUBE-SVC-", svc)
		if small {
			u.put(comment+`"`, u.name(i), " -> ", u.endpointIP(i, k), `:8080"`)
		}
		if k < u.endpoints-1 {
			u.put(" -m statistic --mode random --probability ",
				strconv.FormatFloat(1/float64(u.endpoints-k), 'f', 10, 64))
		}
		u.put(" -j KUBE-SEP-", u.hash(i, k), "\n")
	}
	for k := range u.endpoints {
		sep, named := u.hash(i, k), ""
		if small {
			named = comment + u.name(i)
		}
		u.put("-A KUBE-SEP-", sep, named, " -s ", u.endpointIP(i, k), " -j KUBE-MARK-MASQ\n")
		u.put("-A KUBE-SEP-", sep, named, " -m tcp -p tcp -j DNAT --to-destination ", u.endpointIP(i, k), ":8080\n")
	}
}

// nftables writes the transaction that nft reads in a first sync, a full one or one of changed
// services.
func (u *script) nftables(p work.Phase, changed int) []byte {
	u.out = u.out[:0]
	switch p {
	case work.First:
		u.put(scriptTables, scriptFrame)
	case work.Full:
		u.put(scriptFrame)
	}
	u.each(func(i int) {
		if p == work.Partial && i >= changed {
			return
		}
		chain := "service-" + u.hash(i, -1)[:8] + "-" + u.namespace(i) + "/" + u.service(i) + "/tcp/http"
		u.put("add chain ip kube-proxy ", chain, "\nflush chain ip kube-proxy ", chain, "\n")
		if p == work.First {
			u.put("add element ip kube-proxy cluster-ips { ", serviceIP(i), " }\n")
			u.put("add element ip kube-proxy service-ips { ", serviceIP(i), " . tcp . 80 : goto ", chain, " }\n")
		}
		u.put("add rule ip kube-proxy ", chain, " meta l4proto tcp dnat ")
		if u.endpoints == 1 {
			u.put("to ", u.endpointIP(i, 0), ":8080\n")
			return
		}
		u.put("ip addr . port to numgen random mod ", strconv.Itoa(u.endpoints), " map { ")
		for k := range u.endpoints {
			if k > 0 {
				u.put(" , ")
			}
			u.put(strconv.Itoa(k), " : ", u.endpointIP(i, k), " . 8080")
		}
		u.put(" }\n")
	})
	return u.out
}

func (u *script) each(do func(i int)) {
	for i := range u.services {
		do(i)
	}
}

func (u *script) put(parts ...string) {
	for _, p := range parts {
		u.out = append(u.out, p...)
	}
}

func (u *script) namespace(i int) string { return "ns-" + padded(i%50, 3) }
func (u *script) service(i int) string   { return "svc-" + padded(i, 5) }
func (u *script) name(i int) string      { return u.namespace(i) + "/" + u.service(i) + ":http" }

// hash returns a chain's name, as long and as unordered as kube-proxy's.
func (u *script) hash(i, endpoint int) string {
	h := sha256.Sum256([]byte(u.name(i) + strconv.Itoa(endpoint)))
	return base32.StdEncoding.EncodeToString(h[:10])
}

func (u *script) endpointIP(i, k int) string {
	return offset(endpointBase, i*u.endpoints+k)
}

func serviceIP(i int) string { return offset(serviceBase, i) }

func offset(base netip.Addr, i int) string {
	b := base.As4()
	n := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	n += uint32(i)
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String()
}

func padded(i, width int) string {
	s := strconv.Itoa(i)
	for len(s) < width {
		s = "0" + s
	}
	return s
}

// The input that does not depend on the services, as pkg/proxy/iptables and pkg/proxy/nftables
// v1.37.2 write it on an IPv4 node with --cluster-cidr.
const (
	scriptHead = "*filter\n" +
		":KUBE-SERVICES - [0:0]\n" +
		":KUBE-EXTERNAL-SERVICES - [0:0]\n" +
		":KUBE-FORWARD - [0:0]\n" +
		":KUBE-NODEPORTS - [0:0]\n" +
		":KUBE-PROXY-FIREWALL - [0:0]\n" +
		":KUBE-FIREWALL - [0:0]\n" +
		"-A KUBE-FIREWALL" + comment + `"block incoming localnet connections"` +
		" -d 127.0.0.0/8 ! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP\n" +
		"-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP\n" +
		"-A KUBE-FORWARD" + comment + `"kubernetes forwarding rules"` +
		" -m mark --mark 0x00004000/0x00004000 -j ACCEPT\n" +
		"-A KUBE-FORWARD" + comment + `"kubernetes forwarding conntrack rule"` +
		" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n" +
		"COMMIT\n" +
		"*nat\n" +
		":KUBE-SERVICES - [0:0]\n" +
		":KUBE-NODEPORTS - [0:0]\n" +
		":KUBE-POSTROUTING - [0:0]\n" +
		":KUBE-MARK-MASQ - [0:0]\n"
	scriptRules = "-A KUBE-POSTROUTING -m mark ! --mark 0x00004000/0x00004000 -j RETURN\n" +
		"-A KUBE-POSTROUTING -j MARK --xor-mark 0x00004000\n" +
		"-A KUBE-POSTROUTING" + comment + `"kubernetes service traffic requiring SNAT"` +
		" -j MASQUERADE --random-fully\n" +
		"-A KUBE-MARK-MASQ -j MARK --or-mark 0x00004000\n"
	scriptTail = "-A KUBE-SERVICES" + comment +
		`"kubernetes service nodeports; NOTE: this must be the last rule in this chain"` +
		" -m addrtype --dst-type LOCAL ! -d 127.0.0.0/8 -j KUBE-NODEPORTS\n" +
		"COMMIT\n"
	scriptTables = `add table ip kube-proxy
add chain ip kube-proxy nat-prerouting { type nat hook prerouting priority -100 ; }
add chain ip kube-proxy nat-output { type nat hook output priority -100 ; }
add chain ip kube-proxy nat-postrouting { type nat hook postrouting priority 100 ; }
add chain ip kube-proxy filter-input { type filter hook input priority 0 ; }
add chain ip kube-proxy filter-output { type filter hook output priority 0 ; }
add chain ip kube-proxy services
add chain ip kube-proxy masquerading
add chain ip kube-proxy service-endpoints-check
add chain ip kube-proxy cluster-ips-check
add set ip kube-proxy cluster-ips { type ipv4_addr ; }
add map ip kube-proxy service-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }
add map ip kube-proxy service-nodeports { type inet_proto . inet_service : verdict ; }
add map ip kube-proxy no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict ; }
`
	scriptFrame = `flush chain ip kube-proxy nat-prerouting
flush chain ip kube-proxy nat-output
flush chain ip kube-proxy nat-postrouting
flush chain ip kube-proxy filter-input
flush chain ip kube-proxy filter-output
flush chain ip kube-proxy services
flush chain ip kube-proxy masquerading
flush chain ip kube-proxy service-endpoints-check
flush chain ip kube-proxy cluster-ips-check
add rule ip kube-proxy nat-prerouting jump services
add rule ip kube-proxy nat-output jump services
add rule ip kube-proxy nat-postrouting jump masquerading
add rule ip kube-proxy filter-input ct state new jump service-endpoints-check
add rule ip kube-proxy filter-output ct state new jump service-endpoints-check
add rule ip kube-proxy filter-output ct state new jump cluster-ips-check
add rule ip kube-proxy service-endpoints-check ip daddr . meta l4proto . th dport vmap @no-endpoint-services
add rule ip kube-proxy cluster-ips-check ip daddr @cluster-ips reject
add rule ip kube-proxy masquerading mark and 0x00004000 != 0 mark set mark xor 0x00004000 masquerade fully-random
add rule ip kube-proxy services ip daddr @cluster-ips ip saddr != 127.0.0.0/8 mark set mark or 0x00004000
add rule ip kube-proxy services ip daddr . meta l4proto . th dport vmap @service-ips
add rule ip kube-proxy services fib daddr type local ip daddr != 127.0.0.0/8` +
		" meta l4proto . th dport vmap @service-nodeports\n"
)
