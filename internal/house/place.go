package house

import "slices"

func (n *node) width() float64 {
	if n.Package == nil {
		return passing
	}
	return letter*float64(len(n.Name)) + 20
}

// arrange orders the boxes of each row so that few arrows cross: each stands at the mean place
// of its neighbours, in turn those above and those below (Sugiyama's barycenters).
func arrange(rows [][]*node) {
	best, fewest := copied(rows), crossings(rows)
	for round := range rounds {
		for i := range rows {
			row, neighbours := rows[i], func(n *node) []*node { return n.below }
			if round%2 == 1 {
				row, neighbours = rows[len(rows)-1-i], func(n *node) []*node { return n.above }
			}
			index(rows)
			for k, n := range row {
				n.order = mean(neighbours(n), float64(k), func(n *node) float64 { return n.x })
			}
			slices.SortStableFunc(row, func(a, b *node) int {
				switch {
				case a.order < b.order:
					return -1
				case a.order > b.order:
					return 1
				}
				return 0
			})
		}
		if n := crossings(rows); n < fewest {
			best, fewest = copied(rows), n
		}
	}
	copy(rows, best)
}

func copied(rows [][]*node) [][]*node {
	c := make([][]*node, len(rows))
	for i, row := range rows {
		c[i] = slices.Clone(row)
	}
	return c
}

// index sets each node's x to its place in its row, as a ratio of the row.
func index(rows [][]*node) {
	for _, row := range rows {
		for k, n := range row {
			n.x = (float64(k) + 0.5) / float64(len(row))
		}
	}
}

func crossings(rows [][]*node) int {
	index(rows)
	count := 0
	for _, row := range rows {
		for i, a := range row {
			for _, b := range row[i+1:] {
				for _, p := range a.below {
					for _, q := range b.below {
						if p.x > q.x {
							count++
						}
					}
				}
			}
		}
	}
	return count
}

// place gives every node its x and returns the drawing's width. Nodes are drawn towards their
// neighbours as far as the others of their row leave room.
func place(rows [][]*node) int {
	widest := 0.0
	for _, row := range rows {
		widest = max(widest, span(row))
	}
	left, right := float64(margin), margin+widest
	for _, row := range rows {
		x := left + (widest-span(row))/2
		for _, n := range row {
			n.x = x + n.width()/2
			x += n.width() + between
		}
	}
	for round := range rounds {
		for i := range rows {
			if round%2 == 1 {
				i = len(rows) - 1 - i
			}
			settle(rows[i], left, right)
		}
	}
	return int(right) + margin/2 + edge
}

func span(row []*node) float64 {
	w := -float64(between)
	for _, n := range row {
		w += n.width() + between
	}
	return w
}

// settle moves the nodes of a row to the mean of their neighbours, in order and apart.
func settle(row []*node, left, right float64) {
	wanted := make([]float64, len(row))
	for i, n := range row {
		wanted[i] = mean(slices.Concat(n.below, n.above), n.x, func(n *node) float64 { return n.x })
	}
	low := make([]float64, len(row)) // as far left as those before allow
	for i, n := range row {
		low[i] = max(wanted[i], left+n.width()/2)
		if i > 0 {
			low[i] = max(low[i], low[i-1]+apart(row[i-1], n))
		}
	}
	for i, n := range slices.Backward(row) {
		n.x = min(low[i], right-n.width()/2)
		if i+1 < len(row) {
			n.x = min(n.x, row[i+1].x-apart(n, row[i+1]))
		}
	}
}

func apart(a, b *node) float64 { return (a.width()+b.width())/2 + between }

func mean(nodes []*node, none float64, of func(*node) float64) float64 {
	if len(nodes) == 0 {
		return none
	}
	sum := 0.0
	for _, n := range nodes {
		sum += of(n)
	}
	return sum / float64(len(nodes))
}
