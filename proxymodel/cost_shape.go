package proxymodel

import "fmt"

// Shape is the size of a cluster's services, as far as kube-proxy's work depends on it. [Uniform]
// makes one from two numbers, [ShapeOf] counts one from objects.
type Shape struct {
	Ports     int // service ports that have rules
	Endpoints int // endpoints that traffic reaches, summed over the ports

	IPTables IPTablesShape
	NFTables NFTablesShape
	IPVS     IPVSShape

	SliceBytes int // mean encoded EndpointSlice; zero means one slice per service, of [SliceBytes]
}

// IPTablesShape counts what the iptables mode writes to table nat.
type IPTablesShape struct {
	Rules  int
	Chains int

	// Always counts the rules that every sync rewrites: KUBE-SERVICES, KUBE-NODEPORTS and the
	// constant ones.
	Always int

	Walk    int   // of those, the ones in KUBE-SERVICES, which a packet walks
	Bytes   int64 // restore input of a full sync
	Partial int64 // restore input of a sync without a change
}

// NFTablesShape counts what the nftables mode writes to its table.
type NFTablesShape struct {
	Chains      int
	Rules       int
	Elements    int // elements of the service, node-port and firewall maps
	Maps        int // anonymous maps: rules that choose between two endpoints or more
	MapElements int // elements of all of those

	AffinitySets int // sets that remember clients: one per endpoint of a service with affinity
}

// IPVSShape counts what the ipvs mode writes to IPVS, ipset and its dummy device.
type IPVSShape struct {
	VirtualServers int // address and port pairs
	RealServers    int // summed over them
	Entries        int // ipset entries
	Addresses      int // bound to kube-ipvs0
}

// LargeCluster is the number of endpoints, summed over service ports, above which kube-proxy's
// iptables mode drops comments and stops cleaning up on every sync
// (pkg/proxy/iptables/proxier.go:87).
const LargeCluster = 1000

// Uniform returns the shape of services ClusterIP services of one TCP port with endpoints ready
// endpoints each, on a node that detects local traffic. Rules and chains are exact
// (validation/RESULTS/proxymodel.md). The bytes are those of names as long as
// "ns-000/svc-00000:http". Uniform accepts any numbers; [Predict] refuses bad ones.
func Uniform(services, endpoints int) Shape {
	n, e := services, services*endpoints
	s := Shape{Ports: n, Endpoints: e}
	if endpoints == 0 { // the rule moves to table filter: nothing to choose from
		n = 0
	}
	s.IPTables = IPTablesShape{
		Rules: 5 + 2*n + 3*e, Chains: 4 + n + e, Always: 5 + n, Walk: 1 + n,
		Bytes: 1100 + 282*int64(n) + restoreBytes(e), Partial: 1100 + 143*int64(n),
	}
	maps := 0
	if endpoints > 1 {
		maps = n
	}
	s.NFTables = NFTablesShape{Chains: n + 15, Rules: n + 21, Elements: 2 * services, Maps: maps, MapElements: e}
	s.IPVS = IPVSShape{VirtualServers: services, RealServers: e, Entries: 2 * services, Addresses: services}
	return s
}

// restoreBytes returns the restore input that e endpoints add: a chain line and two rules, with
// comments below the large-cluster threshold.
func restoreBytes(e int) int64 {
	if e > LargeCluster {
		return 294 * int64(e)
	}
	return 442 * int64(e)
}

func (s Shape) large() bool { return s.Endpoints > LargeCluster }

// check returns an error for a shape that no cluster has.
func (s Shape) check() error {
	for _, f := range [...]struct {
		name string
		n    int
	}{
		{"Ports", s.Ports}, {"Endpoints", s.Endpoints},
		{"IPTables.Rules", s.IPTables.Rules}, {"IPTables.Chains", s.IPTables.Chains},
		{"IPTables.Always", s.IPTables.Always}, {"IPTables.Walk", s.IPTables.Walk},
		{"NFTables.Chains", s.NFTables.Chains}, {"NFTables.Rules", s.NFTables.Rules},
		{"NFTables.Elements", s.NFTables.Elements}, {"NFTables.Maps", s.NFTables.Maps},
		{"NFTables.MapElements", s.NFTables.MapElements}, {"NFTables.AffinitySets", s.NFTables.AffinitySets},
		{"IPVS.VirtualServers", s.IPVS.VirtualServers}, {"IPVS.RealServers", s.IPVS.RealServers},
		{"IPVS.Entries", s.IPVS.Entries}, {"IPVS.Addresses", s.IPVS.Addresses},
		{"SliceBytes", s.SliceBytes},
	} {
		if f.n < 0 || f.n > maxUnits {
			return fmt.Errorf("proxymodel: Shape.%s is %d, want 0 to %d", f.name, f.n, maxUnits)
		}
	}
	return nil
}

// maxUnits bounds a shape. No kernel holds so many rules, and squares of it stay far from overflow.
const maxUnits = 100_000_000
