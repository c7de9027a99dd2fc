package capacity

import (
	"context"
)

// count holds the room of every node and the statuses that stop them.
type count struct {
	nodes []NodeRoom
	room  int // over all nodes
	tally tally
}

// ask counts the room for the probe on every node.
//
// Room is the smallest of free/want over the resources. Every filter here looks at one node only
// and a placed replica changes only its own node, so the order of placement does not matter.
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

// begin makes room for n nodes. It uses the memory that c was given if that is enough.
func (c *count) begin(n int) {
	if c.nodes = c.nodes[:0]; cap(c.nodes) < n || n == 0 {
		c.nodes = make([]NodeRoom, n)
	}
	c.nodes = c.nodes[:n]
}

// plain reports whether nothing but cordons, taints and resources decides.
func (p *probe) plain() bool {
	return p.affinity == nil && p.features == nil && p.only == nil && len(p.ports) == 0
}

// roomOn returns how many more replicas fit on node i, and the node's status once they are there.
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

// fits returns min(free pods, free/want) of node i, not below 0. It is the slow twin of scan.
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

// short returns the status for the resources of node i that do not suffice for room+1 replicas. A
// node that could not take one even when empty cannot be helped by evicting pods
// (P/noderesources/fit.go:654).
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
