package proxymodel

// DefaultMachine is the machine that the numbers of docs/proxymodel.md were
// measured on: real kube-proxy v1.37.2 proxiers in network namespaces of a
// 2-core AMD EPYC virtual machine (2.6 GHz, 1 MB L2 a core, 32 MB L3), kernel
// 6.18, iptables 1.8.9, nft 1.0.6.
//
// Coefficients are non-negative least squares of relative errors over 26 of
// the 42 sizes in testdata/syncs.csv; a test fits them again and measures the
// error of the CPU time on the other 16, median and worst: legacy 7 % and 30 %
// (25 syncs), iptables-nft 14 % and 36 % (20), nftables 15 % and 54 % (35; the
// worst is a 50 ms sync). First packets are medians of 1,500 connections to
// tables of 1,000 and 10,000 services.
//
// The ipvs mode could not be measured, its kernel module was missing: its
// calls are assumed a netlink round trip each, and kube-proxy's own work that
// of a full iptables sync.
func DefaultMachine() Machine {
	return Machine{
		Source: "AMD EPYC 2 cores, kernel 6.18, iptables 1.8.9, nft 1.0.6, kube-proxy v1.37.2",
		Cores:  2,
		Legacy: IPTablesCost{
			Exec: 1.739e6, Line: 4870, Parse: 276.2, Save: 691, Chains: 1.153e-3,
			Fetch: 1516, Commit: 2095, Rewrite: 5613, SaveKernel: 2446,
			Walk: 2.85, Hit: 4400,
			Proxy: ProxyCost{
				Change:     14386,
				Port:       ByPhase{First: 19468, Full: 263, Partial: 6779},
				Endpoint:   ByPhase{First: 9776, Full: 11203, Partial: 912.1},
				Background: 0.4,
			},
		},
		IPTablesNFT: IPTablesCost{
			Exec: 1.713e6, Line: 7618, Save: 4519, Chains: 0.11465, Always: 2.572,
			Fetch: 912.3, Commit: 13830, Rewrite: 9705, SaveKernel: 8274, Wait: 20e6,
			Walk: 15.4, Hit: 5900,
			Proxy: ProxyCost{
				Base:       761146,
				Change:     12639,
				Port:       ByPhase{First: 25360, Full: 7960, Partial: 5239},
				Endpoint:   ByPhase{First: 7206, Full: 5901, Partial: 745.9},
				Background: 0.4,
			},
		},
		NFTables: NFTablesCost{
			Exec: 2.5638e6, Op: 5845, Element: 3811, Dump: 8183,
			OpKernel: 2836, ElementKernel: 3497, Pair: 45.58, DumpKernel: 16562, List: 2206, ListMap: 1572,
			Wait: 8e6, Hit: 6200, Miss: 4300,
			Proxy: ProxyCost{
				Change:     12065,
				Port:       ByPhase{First: 20902, Full: 17673, Partial: 1760},
				Endpoint:   ByPhase{First: 2111, Full: 1478, Partial: 170.8},
				Map:        ByPhase{Full: 1543, Partial: 992.5},
				Background: 0.15,
			},
		},
		IPVS: IPVSCost{
			Exec: 1.739e6, Call: 6000, Entry: 1000, Hit: 6200, Miss: 4300,
			Proxy: ProxyCost{
				Change:     14386,
				Port:       ByPhase{First: 19468, Full: 263, Partial: 263},
				Endpoint:   ByPhase{First: 9776, Full: 11203, Partial: 11203},
				Background: 0.4,
			},
		},
	}
}
