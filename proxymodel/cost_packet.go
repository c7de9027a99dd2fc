package proxymodel

// packet returns the cost of a connection's first packet. In iptables mode it walks KUBE-SERVICES
// from its start to the service's rule. Then it walks half of the service's endpoints, each rule of
// them with even odds. A packet to no service walks all of KUBE-SERVICES. The other modes look the
// address up.
func (b *backend) packet() FirstPacket {
	switch b.mode {
	case NFTables:
		hit := nanos(float64(b.machine.NFTables.Hit))
		return FirstPacket{First: hit, Mean: hit, Last: hit, Miss: nanos(float64(b.machine.NFTables.Miss))}
	case IPVS:
		hit := nanos(float64(b.machine.IPVS.Hit))
		return FirstPacket{First: hit, Mean: hit, Last: hit, Miss: nanos(float64(b.machine.IPVS.Miss))}
	}
	c := b.iptables()
	walk := float64(b.shape.IPTables.Walk)
	choose := (float64(b.shape.Endpoints)/float64(max(b.shape.Ports, 1)) + 1) / 2
	at := func(rules float64) float64 { return float64(c.Hit) + float64(c.Walk)*rules }
	return FirstPacket{
		First: nanos(at(min(walk, 1) + choose)),
		Mean:  nanos(at(walk/2 + choose)),
		Last:  nanos(at(walk + choose)),
		Miss:  nanos(at(walk)),
	}
}
