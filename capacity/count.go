package capacity

import (
	"context"
)

// count is the room of every node and what stops them.
type count struct {
	nodes []NodeRoom
	room  int // over all nodes
	tally tally
}

// ask counts the room for the probe on every node.
//
// Room is the smallest of free/want over the resources: every filter here looks at one node only
// and a replica placed changes only its own, so the order of placement does not matter.
func (p *probe) ask(ctx context.Context, s *Snapshot, v *view, c *count) error {
	t := s.table
	c.begin(len(t.places))
	if p.scannable(t) {
		p.scan(t, v.free, c)
		return nil
	}
	for i := range t.names {
		if i&0xfff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		room, stop := p.roomOn(s, v, i)
		c.room = addRoom(c.room, room)
		c.nodes[i] = NodeRoom{&t.places[i], int32(room), c.tally.add(p, t.words, stop)}
	}
	return nil
}

// begin makes room for n nodes, in memory that c was given if that is enough.
func (c *count) begin(n int) {
	if c.nodes = c.nodes[:0]; cap(c.nodes) < n || n == 0 {
		c.nodes = make([]NodeRoom, n)
	}
	c.nodes = c.nodes[:n]
}

// plain: nothing but cordons, taints and resources decides.
func (p *probe) plain() bool {
	return p.affinity == nil && p.features == nil && p.only == nil && len(p.ports) == 0
}

// roomOn is how many more fit on node i, and the status of the node when they are there.
func (p *probe) roomOn(s *Snapshot, v *view, i int) (int, status) {
	t, free, node := s.table, v.free, s.state.Nodes[i]
	if stop := p.fixed(t, i, node); stop != 0 {
		return 0, stop
	}
	if len(p.ports) > 0 && anyConflict(p.ports, v.ports[int32(i)]) {
		return 0, statusPorts
	}
	room := p.fits(free, i)
	switch {
	case room > 0 && p.lacksFeatures(node):
		return 0, statusFeatures
	case room > 0 && len(p.ports) > 0:
		return 1, statusPorts // its own ports stop the second
	}
	return int(room), p.short(t, free, i, room)
}

// fits is min(free pods, free/want) of node i, not below 0: the slow twin of scan.
func (p *probe) fits(free [][]int64, i int) int64 {
	room := min(max(free[colPods][i], 0), maxRoom)
	for k := range p.needs {
		n := &p.needs[k]
		if n.column < 0 {
			return 0
		}
		room = min(room, max(free[n.column][i], 0)/n.want)
	}
	return room
}

// short is which resources of node i do not suffice for one more than room. A node that could not
// take it even when empty cannot be helped by evicting pods (P/noderesources/fit.go:654).
func (p *probe) short(t *table, free [][]int64, i int, room int64) status {
	var stop status
	if free[colPods][i]-room < 1 {
		stop = statusPods
	}
	for k := range p.needs {
		n := &p.needs[k]
		var has, alloc int64
		if n.column >= 0 {
			has, alloc = free[n.column][i]-room*n.want, t.alloc[n.column][i]
		}
		if has < n.want {
			stop |= statusPods << (k + 1)
			if n.want > alloc {
				stop |= statusUnsolvable
			}
		}
	}
	return stop
}
