package proxymodel

// DefaultMachine is the machine that the numbers of docs/proxymodel.md were
// measured on: real kube-proxy v1.37.2 proxiers in network namespaces of a
// 2-core AMD EPYC virtual machine (2.6 GHz, 32 MB L3), kernel 6.18,
// iptables 1.8.9, nft 1.0.6. Coefficients are non-negative least squares of
// relative errors over every other measured size; on the sizes left out the
// error of the CPU time was, median and worst: legacy 8 % and 33 % (39 syncs),
// iptables-nft 14 % and 32 % (25), nftables 11 % and 59 % (30; the worst is a
// 4 ms sync). The ipvs mode could not be measured, its kernel module was
// missing: its calls are assumed a netlink round trip each.
func DefaultMachine() Machine {
	return Machine{
		Source: "AMD EPYC 2 cores, kernel 6.18, iptables 1.8.9, nft 1.0.6, kube-proxy v1.37.2",
		Cores:  2,
		Legacy: IPTablesCost{
			Exec: 2.19e6, Line: 3610, Parse: 201, Save: 126, Chains: 1.465e-3,
			Fetch: 1330, Commit: 2404, Rewrite: 8025, SaveKernel: 2217,
			Walk: 2.85, Hit: 4400,
			Proxy: ProxyCost{
				Port:       ByPhase{First: 16040, Full: 8670, Partial: 5552},
				Endpoint:   ByPhase{First: 8173, Full: 4151, Partial: 873},
				Change:     42860,
				Background: 0.4,
			},
		},
		IPTablesNFT: IPTablesCost{
			Exec: 2.57e6, Save: 3761, Chains: 18.17, LineChain: 1.954,
			Commit: 13780, Rewrite: 22140, SaveKernel: 6809, Wait: 18e6,
			Walk: 15.4, Hit: 5900,
			Proxy: ProxyCost{
				Port:       ByPhase{First: 25310, Full: 6808, Partial: 2449},
				Endpoint:   ByPhase{First: 475, Partial: 5310},
				Change:     63980,
				Background: 0.4,
			},
		},
		NFTables: NFTablesCost{
			Exec: 2.345e6, Op: 5504, Element: 3762, List: 298,
			OpKernel: 4448, ElementKernel: 4466, ListKernel: 2134, ListMap: 2584,
			Pair: 241.5, Wait: 9e6, Hit: 6200,
			Proxy: ProxyCost{
				Base:       879100,
				Port:       ByPhase{First: 27770, Full: 22040, Partial: 6362},
				Endpoint:   ByPhase{First: 3266, Partial: 274},
				Map:        ByPhase{First: 4593, Full: 17470, Partial: 5488},
				Change:     41300,
				Background: 0.15,
			},
		},
		IPVS: IPVSCost{
			Exec: 2.19e6, Call: 6000, Entry: 1000, Hit: 6200,
			Proxy: ProxyCost{
				Port:       ByPhase{First: 16040, Full: 8670, Partial: 8670},
				Endpoint:   ByPhase{First: 8173, Full: 4151, Partial: 4151},
				Change:     42860,
				Background: 0.4,
			},
		},
	}
}
