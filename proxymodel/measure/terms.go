package measure

import (
	"slices"

	"github.com/redline-go/redline/proxymodel"
	"github.com/redline-go/redline/proxymodel/internal/work"
)

// costs lists a Machine's coefficients in the order of their units in package work.
type costs []*proxymodel.Nanos

func (c costs) values() []float64 {
	out := make([]float64, len(c))
	for i, p := range c {
		out[i] = float64(*p)
	}
	return out
}

func (c costs) set(v []float64) {
	for i, p := range c {
		*p = proxymodel.Nanos(v[i])
	}
}

// of returns the nanoseconds of so many units of each.
func (c costs) of(units []float64) float64 { return work.Dot(units, c.values()) }

// scale multiplies costs by ratio.
func scale(ratio float64, parts ...costs) {
	for _, part := range parts {
		for _, c := range part {
			*c *= proxymodel.Nanos(ratio)
		}
	}
}

// iptablesTerms lists the coefficients of work.IPTables.User and Kernel.
func iptablesTerms(c *proxymodel.IPTablesCost) costs {
	return costs{
		&c.Line, &c.Parse, &c.Save, &c.Chains, &c.Cold,
		&c.Fetch, &c.Commit, &c.Rewrite, &c.SaveKernel,
	}
}

// iptablesUnits returns the units of [iptablesTerms].
func iptablesUnits(w *work.IPTables, x proxymodel.XTables) []float64 {
	user, kernel := w.User(x == proxymodel.NFT), w.Kernel(x == proxymodel.NFT)
	return slices.Concat(user[:], kernel[:])
}

// nftablesTerms lists the coefficients of work.NFTables.User and Kernel.
func nftablesTerms(c *proxymodel.NFTablesCost) costs {
	return costs{
		&c.Run, &c.Op, &c.Element, &c.Dump,
		&c.OpKernel, &c.ElementKernel, &c.Visit, &c.Bind, &c.Cold, &c.DumpKernel, &c.List, &c.ListMap,
	}
}

// nftablesUnits returns the units of [nftablesTerms].
func nftablesUnits(w *work.NFTables) []float64 {
	user, kernel := w.User(), w.Kernel()
	return slices.Concat(user[:], kernel[:])
}

// listTerms lists the coefficients of work.Listed.
func listTerms(c *proxymodel.ListCost) costs {
	return costs{&c.Chain, &c.ChainWalk, &c.Set, &c.SetWalk}
}

// proxyTerms lists the coefficients of work.Proxy.
func proxyTerms(c *proxymodel.ProxyCost) costs {
	return costs{
		&c.Change,
		&c.Base.First, &c.Base.Full, &c.Base.Partial,
		&c.Port.First, &c.Port.Full, &c.Port.Partial,
		&c.Endpoint.First, &c.Endpoint.Full, &c.Endpoint.Partial,
		&c.Map.First, &c.Map.Full, &c.Map.Partial,
	}
}

// allProxyTerms lists kube-proxy's own costs, which only [pace] tells: a sync is the same Go code
// everywhere.
func allProxyTerms(m *proxymodel.Machine) []costs {
	return []costs{
		proxyTerms(&m.Legacy.Proxy), proxyTerms(&m.IPTablesNFT.Proxy),
		proxyTerms(&m.NFTables.Proxy), proxyTerms(&m.IPVS.Proxy),
	}
}

// allTerms lists all costs that a processor's speed decides. Those of the tools are scaled for want
// of better until they are measured.
func allTerms(m *proxymodel.Machine) []costs {
	l, x, n, v := &m.Legacy, &m.IPTablesNFT, &m.NFTables, &m.IPVS
	return append(allProxyTerms(m),
		iptablesTerms(l), costs{&l.Exec}, iptablesTerms(x), costs{&x.Exec},
		nftablesTerms(n), listTerms(&n.Ask), costs{&n.Exec}, costs{&v.Exec, &v.Call, &v.Entry})
}

// sizeOf returns what the units of work depend on.
func sizeOf(s *proxymodel.Shape) work.Size {
	return work.Size{
		Ports: s.Ports, Endpoints: s.Endpoints, Large: s.Endpoints > proxymodel.LargeCluster,
		Rules: s.IPTables.Rules, Chains: s.IPTables.Chains, Always: s.IPTables.Always,
		Listed: s.NFTables.Chains, Elements: s.NFTables.Elements, Maps: s.NFTables.Maps,
		MapElements: s.NFTables.MapElements, AffinitySets: s.NFTables.AffinitySets,
	}
}

// predict returns the syncs that machine foresees of a shape.
func predict(m proxymodel.Mode, machine proxymodel.Machine, s proxymodel.Shape) proxymodel.Prediction {
	p, err := proxymodel.Predict(proxymodel.Query{
		Mode: m, Version: proxymodel.V1_37, Machine: machine, Shape: s,
	})
	if err != nil {
		panic(err) // the trials are valid
	}
	return p
}
