package proxymodel

import "time"

// ShapeOf counts the shape of a cluster's objects, as [Count] does, for the first of the node's
// families. The nftables part is v1.37's also for v1.29.
func ShapeOf(v Version, n Node, o Objects) (Shape, error) {
	all, err := ShapesOf(v, n, o)
	if err != nil {
		return Shape{}, err
	}
	return all[0], nil
}

// ShapesOf returns a shape for each of the node's families, in their order. A dual-stack kube-proxy
// runs a proxier for each, with tables and syncs of its own: ask [Predict] for both. Their
// processor time and memory add up, their durations and staleness do not.
func ShapesOf(v Version, n Node, o Objects) ([]Shape, error) {
	var out []Shape
	for _, part := range []struct {
		mode    Mode
		version Version
		read    func(*Shape, *tables, Rules, Rules)
	}{
		{IPTables, v, (*Shape).iptables}, {NFTables, V1_37, (*Shape).nftables}, {IPVS, v, (*Shape).ipvs},
	} {
		c, err := NewCounter(part.mode, part.version, n, o.Services, o.Slices)
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = make([]Shape, len(c.tables))
		}
		all, unchanged, err := twoSyncs(c)
		if err != nil {
			return nil, err
		}
		for i := range out {
			part.read(&out[i], c.tables[i], all[i], unchanged[i])
			out[i].SliceBytes = meanSliceBytes(o)
		}
	}
	return out, nil
}

// twoSyncs returns the first sync, of everything, and one without a change, by family.
func twoSyncs(c *Counter) (all, unchanged []Rules, err error) {
	for at, out := range []*[]Rules{&all, &unchanged} {
		r, err := c.Sync(time.Duration(at))
		if err != nil {
			return nil, nil, err
		}
		for *out = append(*out, r); r.Secondary != nil; *out = append(*out, r) {
			r = *r.Secondary
		}
	}
	return all, unchanged, nil
}

func (s *Shape) iptables(t *tables, all, unchanged Rules) {
	always := unchanged.NAT
	s.IPTables = IPTablesShape{
		Rules: sum(all.NAT), Chains: all.NATChains, Always: sum(always), Walk: always["KUBE-SERVICES"],
		Bytes: int64(all.Bytes), Partial: int64(unchanged.Bytes),
	}
	for _, ports := range t.ports {
		for _, p := range ports {
			s.Ports++
			s.Endpoints += len(p.endpoints.all)
		}
	}
}

func (s *Shape) nftables(t *tables, r, _ Rules) {
	s.NFTables = NFTablesShape{
		Chains: r.TableChains, Rules: sum(r.Table), Elements: sum(r.Elements), AffinitySets: r.AffinitySets,
	}
	for _, ports := range t.ports {
		for _, p := range ports {
			route := p.route()
			for _, set := range []struct {
				used bool
				n    int
			}{{route.useSVC, p.endpoints.cluster.n}, {route.useSVL, p.endpoints.local.n}} {
				if set.used {
					s.NFTables.MapElements += set.n
				}
				if set.used && set.n > 1 {
					s.NFTables.Maps++
				}
			}
		}
	}
}

func (s *Shape) ipvs(_ *tables, r, _ Rules) {
	s.IPVS = IPVSShape{
		VirtualServers: r.VirtualServers, RealServers: r.RealServers,
		Entries: sum(r.Elements), Addresses: r.BoundAddresses,
	}
}

// meanSliceBytes returns the mean length of a slice, encoded for the watch.
func meanSliceBytes(o Objects) int {
	total := 0
	for _, s := range o.Slices {
		total += s.Size()
	}
	if len(o.Slices) == 0 {
		return 0
	}
	return total / len(o.Slices)
}
