package proxymodel

import "time"

// ShapeOf counts the shape of a cluster's objects, as [Count] does, for the
// first of the node's families: each has tables, and syncs, of its own. The
// nftables part is v1.37's also for v1.29.
func ShapeOf(v Version, n Node, o Objects) (Shape, error) {
	s := Shape{SliceBytes: meanSliceBytes(o)}
	c, err := NewCounter(IPTables, v, n, o.Services, o.Slices)
	if err != nil {
		return Shape{}, err
	}
	if err := s.iptables(c); err != nil {
		return Shape{}, err
	}
	if c, err = NewCounter(NFTables, V1_37, n, o.Services, o.Slices); err != nil {
		return Shape{}, err
	}
	s.nftables(c)
	if c, err = NewCounter(IPVS, v, n, o.Services, o.Slices); err != nil {
		return Shape{}, err
	}
	s.ipvs(c)
	return s, nil
}

// iptables reads the first sync, everything, and one without a change.
func (s *Shape) iptables(c *Counter) error {
	all, err := c.Sync(0)
	if err != nil {
		return err
	}
	unchanged, err := c.Sync(time.Nanosecond)
	if err != nil {
		return err
	}
	always := unchanged.NAT
	s.IPTables = IPTablesShape{
		Rules: sum(all.NAT), Chains: all.NATChains, Always: sum(always), Walk: always["KUBE-SERVICES"],
		Bytes: int64(all.Bytes), Partial: int64(unchanged.Bytes),
	}
	for _, ports := range c.tables[0].ports {
		for _, p := range ports {
			s.Ports++
			s.Endpoints += len(p.endpoints.all)
		}
	}
	return nil
}

func (s *Shape) nftables(c *Counter) {
	r := c.Rules()
	s.NFTables = NFTablesShape{Chains: r.TableChains, Rules: sum(r.Table), Elements: sum(r.Elements)}
	for _, ports := range c.tables[0].ports {
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

func (s *Shape) ipvs(c *Counter) {
	r := c.Rules()
	s.IPVS = IPVSShape{VirtualServers: r.VirtualServers, RealServers: r.RealServers, Entries: sum(r.Elements), Addresses: r.BoundAddresses}
}

// meanSliceBytes is what the mean slice is long, encoded for the watch.
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
