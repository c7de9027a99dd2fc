// Package house draws the packages of this module as a house: a package stands on its floor, and
// an arrow goes down to what it imports.
//
//	svg := house.Draw(packages)
//
// Draw depends on nothing but its input: the same packages give the same bytes.
package house

import (
	"cmp"
	"maps"
	"slices"
)

// A Package is a box of the drawing.
type Package struct {
	Name    string
	Floor   int      // boxes of one floor stand together; the lowest is 0
	Imports []string // names of other packages; unknown names are passed over
	Heavy   bool     // whether its importers build Kubernetes or client-go
}

// A node is a box, or a place where the arrow of a longer way passes between boxes.
type node struct {
	*Package         // nil where an arrow passes
	below    []*node // where arrows go, one row further down
	above    []*node
	row      int
	x        float64 // its middle
	order    float64
}

// layers returns the rows of the house, the lowest first. Arrows lead from each row to the next
// one below it.
func layers(packages []Package) [][]*node {
	nodes := map[string]*node{}
	for _, p := range packages {
		nodes[p.Name] = &node{Package: &p}
	}
	imports := reduced(nodes)
	top := stack(nodes, imports)
	rows := make([][]*node, top+1)
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		rows[nodes[name].row] = append(rows[nodes[name].row], nodes[name])
	}
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		for _, to := range imports[name] {
			at := nodes[name]
			for row := at.row - 1; row > nodes[to].row; row-- {
				pass := &node{row: row}
				rows[row] = append(rows[row], pass)
				join(at, pass)
				at = pass
			}
			join(at, nodes[to])
		}
	}
	return rows
}

func join(upper, lower *node) {
	upper.below = append(upper.below, lower)
	lower.above = append(lower.above, upper)
}

// reduced returns what each package imports, without what one of those imports itself.
func reduced(nodes map[string]*node) map[string][]string {
	reached := map[string]map[string]bool{} // through one import or more
	var reach func(name string) map[string]bool
	reach = func(name string) map[string]bool {
		if reached[name] == nil {
			reached[name] = map[string]bool{}
			for _, to := range nodes[name].Imports {
				if nodes[to] != nil && to != name {
					reached[name][to] = true
					maps.Copy(reached[name], reach(to))
				}
			}
		}
		return reached[name]
	}
	imports := map[string][]string{}
	for name, n := range nodes {
		for to := range reach(name) {
			indirect := slices.ContainsFunc(n.Imports, func(via string) bool {
				return nodes[via] != nil && via != to && reach(via)[to]
			})
			if !indirect {
				imports[name] = append(imports[name], to)
			}
		}
		slices.Sort(imports[name])
	}
	return imports
}

// stack gives each package its row, above all that it imports, and returns the highest row. No
// row holds packages of two floors.
func stack(nodes map[string]*node, imports map[string][]string) int {
	names := slices.SortedFunc(maps.Keys(nodes), func(a, b string) int {
		return cmp.Or(cmp.Compare(nodes[a].Floor, nodes[b].Floor), cmp.Compare(a, b))
	})
	var depth func(name string) int // among the packages of its floor
	depth = func(name string) int {
		d := 0
		for _, to := range imports[name] {
			if nodes[to].Floor == nodes[name].Floor {
				d = max(d, depth(to)+1)
			}
		}
		return d
	}
	base, top := 0, -1
	for i, name := range names {
		if i > 0 && nodes[name].Floor != nodes[names[i-1]].Floor {
			base = top + 1
		}
		nodes[name].row = base + depth(name)
		top = max(top, nodes[name].row)
	}
	return top
}
