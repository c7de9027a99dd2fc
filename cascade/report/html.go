package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

// Page is one report that needs no other file.
type Page struct {
	Title   string
	Summary []string // paragraphs
	Tables  []Table
	Figures []Figure
	Story   []string // the timeline, a line each
}

// Table is a heading, a note and rows of cells.
type Table struct {
	Title, Note string
	Header      []string
	Rows        [][]string // each as long as Header
}

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// drawn is a figure as the page holds it.
type drawn struct {
	Caption string
	SVG     template.HTML
}

// HTML writes the page as one file. Its style and pictures are in it: it loads nothing and runs
// nothing. A row of a table that does not fit its header is an error.
func HTML(w io.Writer, p Page) error {
	for _, t := range p.Tables {
		for i, row := range t.Rows {
			if len(row) != len(t.Header) {
				return fmt.Errorf("report: Table %q: row %d has %d cells, want %d as the header",
					t.Title, i, len(row), len(t.Header))
			}
		}
	}
	var figures []drawn
	for _, f := range p.Figures {
		svg, err := f.SVG()
		if err != nil {
			return err
		}
		if i := bytes.Index(svg, []byte("<svg")); i > 0 {
			svg = svg[i:] // without the XML declaration, inside HTML
		}
		// The plot library made it, and escaped its text.
		figures = append(figures, drawn{Caption: f.Caption, SVG: template.HTML(svg)})
	}
	return pageTemplate.Execute(w, struct {
		Page
		Drawn []drawn
	}{Page: p, Drawn: figures})
}
