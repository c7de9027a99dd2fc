package proxymodel

// The processes and calls of one ipvs sync, counted in the real proxier: 20
// iptables calls and a restore of 19 rules, 17 ipsets created and listed
// (pkg/proxy/ipvs/proxier.go:658); per virtual server two gets and a list of
// its real servers. What is new costs a process per ipset entry and a call per
// virtual server, real server and address.
const (
	ipvsIPTables = 21
	ipvsIPSets   = 34
)

func ipvsSync(c *IPVSCost, s *Shape, p phase, changed float64) Sync {
	t := &s.IPVS
	execs := float64(ipvsIPTables + ipvsIPSets)
	calls := 3*float64(t.VirtualServers) + 2
	entries := float64(t.Entries)
	if p == first {
		execs += entries
		calls += float64(t.VirtualServers + t.RealServers + t.Addresses)
		entries = 0
	} else {
		calls += 2 * changed // the endpoint that left and the one that came
	}
	out := c.Proxy.sync(proxyUnits(s, p, changed))
	out.Exec = nanos(float64(c.Exec) * execs)
	out.Restore = nanos(float64(c.Entry) * entries)
	out.Kernel = nanos(float64(c.Call) * calls)
	return out
}
