package proxymodel

// DefaultMachine returns the machine of the measurements in validation/RESULTS/proxymodel-cost.md.
// It is a 2-core AMD EPYC virtual machine (2.6 GHz, 1 MB L2 a core, 32 MB L3) with kernel 6.18,
// iptables 1.8.9 and nft 1.0.6. Real kube-proxy v1.37.2 proxiers ran in network namespaces of it.
//
// Coefficients are non-negative least squares of relative errors over 27 of the 43 sizes in
// testdata/syncs.csv. A test fits them again. The error of the CPU time on the other 16 sizes,
// median and worst, is 6 % and 29 % for legacy (25 syncs), and 8 % and 30 % for iptables-nft (20).
// It is 13 % and 54 % for nftables (35): the worst is a 50 ms sync, the next 36 %.
//
// First packets are medians of 1,500 connections to tables of 1,000 and 10,000 services.
// NFTables.Ask is from tables of 100 to 10,000 chains and 1,000 to 3,000 maps, measured apart.
// NFTables.Cold is from 10,000 services of two endpoints at one moment. It is several times as much
// or as little, depending on who else uses the last cache.
//
// The ipvs mode could not be measured whole, since its kernel module was missing. Measured are the
// listing of an ipset's entry and the generic netlink round trip of a call (4.5 us). Assumed are 4
// us more for the library, nothing for IPVS itself, and kube-proxy's own work being that of a full
// iptables sync.
func DefaultMachine() Machine {
	return Machine{
		Source: "AMD EPYC 2 cores, kernel 6.18, iptables 1.8.9, nft 1.0.6, kube-proxy v1.37.2",
		Cores:  2,
		Legacy: IPTablesCost{
			Exec: 1.6883e6, Line: 4870, Parse: 276.2, Save: 691, Chains: 1.153e-3,
			Fetch: 1516, Commit: 2095, Rewrite: 5613, SaveKernel: 2446,
			Walk: 2.85, Hit: 4400,
			Proxy: ProxyCost{
				Base:       ByPhase{First: 3.9914e6, Partial: 50785},
				Change:     15254,
				Port:       ByPhase{First: 18535, Full: 1112.6, Partial: 6808},
				Endpoint:   ByPhase{First: 9761, Full: 11156, Partial: 905.3},
				Background: 0.4,
			},
		},
		IPTablesNFT: IPTablesCost{
			Exec: 1.7031e6, Line: 6109.6, Save: 4891, Chains: 6.865, Cold: 10.54,
			Fetch: 912.3, Commit: 13830, Rewrite: 9705, SaveKernel: 8274, Wait: 20e6,
			Walk: 15.4, Hit: 5900,
			Proxy: ProxyCost{
				Base:       ByPhase{First: 4.0748e6, Partial: 818187},
				Change:     12614,
				Port:       ByPhase{First: 20908, Full: 11360, Partial: 5232},
				Endpoint:   ByPhase{First: 7688, Full: 5510, Partial: 741.9},
				Background: 0.4,
			},
		},
		NFTables: NFTablesCost{
			Exec: 2.2670e6, Run: 154596, Op: 5818, Element: 3784, Dump: 8463,
			OpKernel: 3032.0, ElementKernel: 1944.7, Visit: 133.54, Bind: 6.570, Cold: 57.05,
			DumpKernel: 16764, List: 2245.4, ListMap: 2175.2,
			Wait: 8e6, Hit: 6200, Miss: 4300,
			Ask: ListCost{Chain: 450, ChainWalk: 0.066, Set: 1150, SetWalk: 0.25},
			Proxy: ProxyCost{
				Base:       ByPhase{First: 3.1955e6, Full: 1.3219e6, Partial: 211078},
				Change:     12490,
				Port:       ByPhase{First: 19891, Full: 17306, Partial: 1571.3},
				Endpoint:   ByPhase{First: 2012.7, Full: 1565.6, Partial: 147.2},
				Map:        ByPhase{Full: 221.3, Partial: 631.9},
				Background: 0.15,
			},
		},
		IPVS: IPVSCost{
			Exec: 1.6883e6, Call: 8500, Entry: 6100, Hit: 6200, Miss: 4300,
			Proxy: ProxyCost{
				Base:       ByPhase{First: 3.9914e6},
				Change:     15254,
				Port:       ByPhase{First: 18535, Full: 1112.6, Partial: 1112.6},
				Endpoint:   ByPhase{First: 9761, Full: 11156, Partial: 11156},
				Background: 0.4,
			},
		},
	}
}
