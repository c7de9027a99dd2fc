package house

import (
	"bytes"
	"fmt"
	"html"
	"slices"
	"strings"
)

// Sizes in pixels.
const (
	letter    = 7.3 // width of one, at the style's font size
	boxHeight = 28
	rowHeight = 74
	between   = 22 // boxes of a row
	passing   = 12 // room for an arrow between boxes
	margin    = 70 // left of the boxes, for the floors' names
	edge      = 16
	rounds    = 24 // of ordering and of placing: more change nothing to be seen
)

const style = `
    .paper { fill: #ffffff } .floor { fill: #f3f4f6 } .label { fill: #57606a }
    .box { fill: #ffffff; stroke: #57606a } .heavy { fill: #fff1d6; stroke: #9a6700 }
    .name { fill: #1f2328 } .arrow { fill: none; stroke: #6e7781 } .tip { fill: #6e7781 }
    text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117 } .floor { fill: #161b22 } .label { fill: #9198a1 }
      .box { fill: #0d1117; stroke: #9198a1 } .heavy { fill: #3d2e00; stroke: #d29922 }
      .name { fill: #f0f6fc } .arrow { stroke: #848d97 } .tip { fill: #848d97 }
    }
`

// Draw returns the house as SVG, readable on light and dark pages.
//
// An arrow is left out where another way of arrows leads to the same package.
func Draw(packages []Package) []byte {
	rows := layers(packages)
	arrange(rows)
	width := place(rows)
	height := 2*edge + rowHeight*len(rows) + 24
	y := func(n *node) int { return height - edge - 24 - rowHeight*(n.row+1) + (rowHeight-boxHeight)/2 }

	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[2]d" width="%[1]d" height="%[2]d" `+
		`role="img" aria-labelledby="title desc">`+"\n", width, height)
	fmt.Fprintf(&b, "  <title id=\"title\">The house: every floor imports only downward</title>\n")
	fmt.Fprintf(&b, "  <desc id=\"desc\">%s</desc>\n", html.EscapeString(describe(rows)))
	fmt.Fprintf(&b, "  <style>%s  </style>\n", style)
	fmt.Fprintf(&b, "  <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" "+
		"markerHeight=\"7\" orient=\"auto\"><path class=\"tip\" d=\"M0 0 8 4 0 8z\"/></marker></defs>\n")
	fmt.Fprintf(&b, "  <rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", width, height)
	drawFloors(&b, rows, width, height)
	for _, row := range slices.Backward(rows) {
		for _, n := range row {
			if n.Package == nil {
				continue
			}
			for _, to := range n.below {
				drawArrow(&b, n, to, y)
			}
		}
	}
	for _, row := range slices.Backward(rows) {
		for _, n := range row {
			if n.Package != nil {
				drawBox(&b, n, y(n))
			}
		}
	}
	fmt.Fprintf(&b, "  <text class=\"label\" x=\"%d\" y=\"%d\">an arrow: imports, and what stands below that; "+
		"coloured: builds Kubernetes or its client</text>\n", margin, height-edge)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func drawFloors(b *bytes.Buffer, rows [][]*node, width, height int) {
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && floor(rows[to]) == floor(rows[from]) {
			to++
		}
		top := height - edge - 24 - rowHeight*to
		fmt.Fprintf(b, "  <rect class=\"floor\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n",
			edge, top+4, width-2*edge, rowHeight*(to-from)-8)
		fmt.Fprintf(b, "  <text class=\"label\" x=\"%d\" y=\"%d\">%d</text>\n",
			edge+12, top+rowHeight*(to-from)/2+4, floor(rows[from]))
		from = to
	}
}

// floor returns the floor of a row's boxes.
func floor(row []*node) int {
	for _, n := range row {
		if n.Package != nil {
			return n.Floor
		}
	}
	panic("house: a row without a box")
}

func drawBox(b *bytes.Buffer, n *node, y int) {
	class := "box"
	if n.Heavy {
		class = "heavy"
	}
	w := n.width()
	fmt.Fprintf(b, "  <rect class=%q x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"5\"/>\n",
		class, n.x-w/2, y, w, boxHeight)
	fmt.Fprintf(b, "  <text class=\"name\" text-anchor=\"middle\" x=\"%.1f\" y=\"%d\">%s</text>\n",
		n.x, y+boxHeight/2+4, html.EscapeString(n.Name))
}

// drawArrow draws the way from a box through the places where it passes other rows.
func drawArrow(b *bytes.Buffer, from, to *node, y func(*node) int) {
	x0, y0 := from.port(to, from.below), float64(y(from)+boxHeight)
	fmt.Fprintf(b, "  <path class=\"arrow\" marker-end=\"url(#tip)\" d=\"M%.1f %.0f", x0, y0)
	for {
		x1, y1 := to.port(from, to.above), float64(y(to))
		half := (y1 - y0) / 2
		fmt.Fprintf(b, " C%.1f %.0f %.1f %.0f %.1f %.0f", x0, y0+half, x1, y1-half, x1, y1)
		if to.Package != nil {
			break
		}
		fmt.Fprintf(b, " V%.0f", y1+boxHeight)
		x0, y0 = x1, y1+boxHeight
		from, to = to, to.below[0]
	}
	b.WriteString("\"/>\n")
}

// port returns where the arrow to or from a neighbour touches a box: side by side with the
// arrows of the others.
func (n *node) port(neighbour *node, all []*node) float64 {
	if n.Package == nil {
		return n.x
	}
	sorted := slices.SortedStableFunc(slices.Values(all), func(a, b *node) int { return int(a.x*10) - int(b.x*10) })
	step := min(9, (n.width()-12)/float64(len(sorted)))
	return n.x + step*(float64(slices.Index(sorted, neighbour))-float64(len(sorted)-1)/2)
}

// describe tells the drawing in words, floor by floor from the top.
func describe(rows [][]*node) string {
	var floors []string
	for _, row := range slices.Backward(rows) {
		for _, n := range row {
			if n.Package == nil {
				continue
			}
			var below []string
			for _, to := range n.below {
				for to.Package == nil {
					to = to.below[0]
				}
				below = append(below, to.Name)
			}
			slices.Sort(below)
			text := fmt.Sprintf("Floor %d: %s", n.Floor, n.Name)
			if len(below) > 0 {
				text += " imports " + strings.Join(below, ", ")
			}
			floors = append(floors, text+".")
		}
	}
	return strings.Join(floors, " ")
}
