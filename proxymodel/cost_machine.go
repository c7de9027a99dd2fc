package proxymodel

// Nanos counts nanoseconds of CPU time for one unit of work: a rule, a chain, a process. It is a
// float because a packet passes a rule in 2.85 of them.
type Nanos float64

// Machine holds what one node's kernel, iptables and nft binaries and kube-proxy cost per unit of
// work. [DefaultMachine] returns a measured one. Package proxymodel/measure measures the machine
// that it runs on.
type Machine struct {
	Source string // where the numbers come from; only the zero Machine has none
	Cores  int    // processors of the node, for [Prediction.CPUShare]; zero means 2

	// XTables selects the iptables binary that the node's kube-proxy calls: the legacy one, or
	// iptables-nft, which writes the same rules to nf_tables.
	XTables XTables

	Legacy      IPTablesCost // iptables-legacy
	IPTablesNFT IPTablesCost // iptables-nft
	NFTables    NFTablesCost // the nftables mode, through nft
	IPVS        IPVSCost     // the ipvs mode, through ipset and netlink

	Warnings []error // what could not be measured, and is a reference value instead
}

func (m *Machine) isZero() bool {
	return m.Source == "" && m.Cores == 0 && m.XTables == 0 && m.Warnings == nil &&
		m.Legacy == (IPTablesCost{}) && m.IPTablesNFT == (IPTablesCost{}) &&
		m.NFTables == (NFTablesCost{}) && m.IPVS == (IPVSCost{})
}

func (m *Machine) cores() int {
	if m.Cores <= 0 {
		return 2
	}
	return m.Cores
}

// XTables is the iptables binary behind kube-proxy's iptables mode, which `iptables --version`
// prints in brackets.
type XTables int

// The two implementations of the iptables command.
const (
	Legacy XTables = iota // ip_tables: the whole table is read and replaced
	NFT                   // nf_tables: a diff, but quadratic in the chains it declares
)

// String returns the implementation as `iptables --version` prints it.
func (x XTables) String() string {
	if x == NFT {
		return "nf_tables"
	}
	return "legacy"
}

// ByPhase is a cost of kube-proxy's own work in each kind of sync.
type ByPhase struct {
	First   Nanos // into an empty kernel
	Full    Nanos // everything rewritten
	Partial Nanos // only what changed
}

// ProxyCost prices the work of the kube-proxy process itself: the maps it walks and the text it
// writes, garbage collection included.
//
// In nftables mode a partial sync walks everything and writes little. Its costs per port and per
// map grow with the sixth root of the ports and maps, since caches miss the more.
type ProxyCost struct {
	Base     ByPhase // one sync
	Port     ByPhase // per service port
	Endpoint ByPhase // per endpoint
	Map      ByPhase // per service port with two endpoints or more; nftables mode only
	Change   Nanos   // per changed service

	// Background is the share of this work that garbage collection does on another core while the
	// sync goes on. It is CPU time, but not duration.
	Background float64
}

// IPTablesCost prices iptables and iptables-restore, user space and kernel apart. Take R rules and
// C chains in table nat, and a sync that reads L rules and D chain lines. Of the rules, K are
// those that every sync rewrites:
//
//	legacy user   = Exec·processes + Line·L + Parse·R·fetches + Save·R·saves + Chains·D·C^1.5
//	legacy kernel = Fetch·R·fetches + Commit·R + Rewrite·K + SaveKernel·R·saves
//	nft user      = Exec·processes + Line·L + Parse·R·fetches + Save·R·saves + (Chains + Cold·c)·V
//	nft kernel    = Fetch·R·fetches + Commit·L + Rewrite·K (not at first) + SaveKernel·R·saves
//
// There is 1 fetch, or 7 in a full sync, which asks for six rules of table nat by name. The first
// sync finds nothing to fetch. A small cluster saves on every sync, a large one once per sync
// period.
//
// V counts the names that iptables-nft passes in its sorted list of chains: 8 S² in a full sync of
// S services of one endpoint, S²/4 in a partial one. c is 0 for up to 2,000 names and 1 from
// 14,000. The legacy binary's index walks miss the processor's caches the more often the longer
// they are: its exponent is measured.
type IPTablesCost struct {
	Exec   Nanos // one process on an empty table: fork, exec, libraries
	Line   Nanos // user: one rule of the input
	Parse  Nanos // user: one rule fetched from the kernel
	Save   Nanos // user: one rule printed by iptables-save
	Chains Nanos // user: legacy: the chains that the input declares; nft: one name passed in the list
	Cold   Nanos // user: nft: what passing a name costs more where no cache holds the list

	Fetch      Nanos // kernel: one rule copied out
	Commit     Nanos // kernel: one rule checked and copied in
	Rewrite    Nanos // kernel: one of the rules that every sync rewrites
	SaveKernel Nanos // kernel: one rule read by iptables-save

	Wait  Nanos // a commit waits for the kernel's grace period: duration, but not CPU time
	Walk  Nanos // one rule passed by the first packet of a connection
	Hit   Nanos // that packet's fixed cost: the hooks and the translation
	Proxy ProxyCost
}

// user lists the coefficients in the order of work.IPTables.User.
func (c *IPTablesCost) user() costs {
	return costs{&c.Line, &c.Parse, &c.Save, &c.Chains, &c.Cold}
}

// kernel lists the coefficients in the order of work.IPTables.Kernel.
func (c *IPTablesCost) kernel() costs {
	return costs{&c.Fetch, &c.Commit, &c.Rewrite, &c.SaveKernel}
}

// NFTablesCost prices nft in nftables mode. Take P service ports, O operations and E map elements
// in the transaction, and X maps of endpoints written while Y sets and maps exist:
//
//	user   = Exec·processes + Run·transactions + Op·O + Element·E + Dump·P (full)
//	kernel = OpKernel·O + ElementKernel·E + X·(Visit·Y + Bind·T/2 + Cold·c·(4·Y + T/2))
//	         + DumpKernel·P (full) + List·P + ListMap·maps (not at first)
//
// nft lists all chains and sets before it runs a transaction that is not empty. kube-proxy has
// listed them itself before it started nft: see [ListCost].
//
// X is why 10,000 services of two endpoints take twenty times 10,000 of one. To name an anonymous
// map, the kernel visits every set of the table four times (nft_set_lookup and
// nf_tables_set_alloc_name of nf_tables_api.c). To bind it to its rule, the kernel visits every
// one of the T objects that the transaction has so far (nft_set_trans_bind). A first sync finds
// half of the maps on average. A full one finds all of the old ones beside.
//
// c is 0 for lists of up to 50,000 objects, a set counting as four, and 1 from 90,000, some 8 MB.
// Whether that stays in the processor's last cache depends on who else uses it, and the same sync
// takes half or twice as long.
type NFTablesCost struct {
	Exec    Nanos // one process on an empty table
	Run     Nanos // user: one transaction that is not empty
	Op      Nanos // user: one operation of it
	Element Nanos // user: one endpoint in a map
	Dump    Nanos // user: one service listed by a full sync, to compare

	OpKernel      Nanos
	ElementKernel Nanos
	DumpKernel    Nanos
	Visit         Nanos // kernel: one map written, per set that exists
	Bind          Nanos // kernel: one map written, per object of the transaction so far
	Cold          Nanos // kernel: what an object's visit costs more when no cache holds the lists
	List          Nanos // kernel: one service port read by nft before it commits
	ListMap       Nanos // kernel: one map likewise

	Wait  Nanos // a commit waits for the kernel's grace period: duration, but not CPU time
	Hit   Nanos // first packet: map lookup and translation; no walk
	Miss  Nanos // first packet to no service: the lookup alone
	Ask   ListCost
	Proxy ProxyCost
}

// user lists the coefficients in the order of work.NFTables.User.
func (c *NFTablesCost) user() costs { return costs{&c.Run, &c.Op, &c.Element, &c.Dump} }

// kernel lists the coefficients in the order of work.NFTables.Kernel.
func (c *NFTablesCost) kernel() costs {
	return costs{&c.OpKernel, &c.ElementKernel, &c.Visit, &c.Bind, &c.Cold, &c.DumpKernel, &c.List, &c.ListMap}
}

// ListCost prices kube-proxy's own listing of its table's chains and sets over netlink, on every
// sync but the first. With C chains, and S sets and maps, it is
//
//	Chain·C + ChainWalk·C² + Set·S + SetWalk·S²
//
// The kernel answers in pieces of a page, and starts each of them at the beginning of its list
// again: that is the square.
type ListCost struct {
	Chain, ChainWalk Nanos
	Set, SetWalk     Nanos
}

// terms lists the coefficients in the order of work.Listed.
func (c *ListCost) terms() costs { return costs{&c.Chain, &c.ChainWalk, &c.Set, &c.SetWalk} }

// IPVSCost prices ipvs mode: processes of ipset and iptables, and a netlink call for each virtual
// and real server.
type IPVSCost struct {
	Exec  Nanos // one ipset or iptables process
	Call  Nanos // one netlink call: get, add or delete a virtual or real server, a bound address
	Entry Nanos // one ipset entry listed
	Hit   Nanos // first packet: hash lookup and translation; no walk
	Miss  Nanos // first packet to no service: the lookup alone
	Proxy ProxyCost
}

// terms lists the coefficients in the order of work.Proxy.
func (c *ProxyCost) terms() costs {
	return costs{
		&c.Change,
		&c.Base.First, &c.Base.Full, &c.Base.Partial,
		&c.Port.First, &c.Port.Full, &c.Port.Partial,
		&c.Endpoint.First, &c.Endpoint.Full, &c.Endpoint.Partial,
		&c.Map.First, &c.Map.Full, &c.Map.Partial,
	}
}
