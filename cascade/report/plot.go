// Package report draws what came of a cascade run: plots over time, one below the other, and one
// HTML page that needs nothing else to be read.
//
//	figure, err := report.Series(result)
//	err = figure.Write("incident.svg")
//	err = report.HTML(w, report.Page{
//		Title: "Incident 8829", Figures: []report.Figure{figure}, Tables: tables,
//	})
package report

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/redline-go/redline/cascade"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
)

// Figure is a stack of plots, one below the other on one axis of time.
type Figure struct {
	Caption string
	Panels  []*plot.Plot
	Width   vg.Length // zero: 900 points
	Height  vg.Length // of each panel; zero: 150 points
}

// colours are told apart by colour-blind readers too (Okabe and Ito's).
var colours = []color.RGBA{
	{R: 0, G: 114, B: 178, A: 255},
	{R: 213, G: 94, B: 0, A: 255},
	{R: 0, G: 158, B: 115, A: 255},
	{R: 204, G: 121, B: 167, A: 255},
	{R: 230, G: 159, B: 0, A: 255},
	{R: 86, G: 180, B: 233, A: 255},
}

// panels groups the series of a run that are read together.
var panels = []struct {
	title  string
	series []string
}{
	{"etcd, 1/s", []string{"etcd proposals", "etcd writes", "lease renewals", "wasted proposals"}},
	{"WAL fsyncs, 1/s", []string{"WAL fsyncs"}},
	{"nodes NotReady", []string{"nodes NotReady"}},
	{"leaders leading", []string{"leaders leading"}},
	{"pods", []string{"pods pending", "endpoints ready"}},
	{
		"pods bound and not serving, dead endpoints in the rules",
		[]string{"pods bound and not serving", "dead endpoints in the rules"},
	},
	{"users' requests failing, share", []string{"users' requests failing"}},
	{"etcd db, B", []string{"etcd db file", "revisions written"}},
	{"scheduler, 1/s", []string{"scheduling attempts", "scheduler's Event writes"}},
}

// Series draws the run's series over time. Those that are read together share a panel. Dashed
// lines mark what the scenario and the operator did.
func Series(r *cascade.Result) (Figure, error) {
	f := Figure{Caption: "Time since the start. Dashed: what the scenario or the operator did."}
	drawn := map[string]bool{}
	add := func(title string, names ...string) error {
		var of []story.Series
		for _, s := range r.Series {
			for _, name := range names {
				if s.Name == name && !drawn[name] {
					of = append(of, s)
					drawn[name] = true
				}
			}
		}
		if len(of) == 0 {
			return nil
		}
		p, err := panel(r, title, of)
		f.Panels = append(f.Panels, p)
		return err
	}
	for _, g := range panels {
		if err := add(g.title, g.series...); err != nil {
			return f, err
		}
	}
	for _, s := range r.Series {
		title := s.Name
		if s.Unit != "" {
			title += ", " + s.Unit
		}
		if err := add(title, s.Name); err != nil {
			return f, err
		}
	}
	if len(f.Panels) == 0 {
		return f, fmt.Errorf("report: Result.Series is empty, want one series at least")
	}
	return f, nil
}

// panel draws one or more series of the run into one plot.
func panel(r *cascade.Result, title string, series []story.Series) (*plot.Plot, error) {
	p := blank(title)
	p.X.Max = r.Scenario.Length.Seconds()
	most := 0.0
	for i, s := range series {
		points := make(plotter.XYs, len(s.Values))
		for k, v := range s.Values {
			points[k] = plotter.XY{X: float64(k) * r.Grid.Seconds(), Y: v}
			most = math.Max(most, v)
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, fmt.Errorf("report: Series %q: %w", s.Name, err)
		}
		line.Color, line.Width = colours[i%len(colours)], vg.Points(1.2)
		p.Add(line)
		if len(series) > 1 {
			p.Legend.Add(s.Name, line)
		}
	}
	switch {
	case most == 0:
		p.Y.Max = 1
	case len(series) > 1: // room for the legend
		p.Y.Max = most * 1.35
	default:
		p.Y.Max = most * 1.05
	}
	for _, mark := range actions(r.Scenario.Actions, p.Y.Max) {
		p.Add(mark)
	}
	return p, nil
}

// blank returns a plot that begins at zero, with its title, a grid and a place for the legend.
func blank(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.Title.TextStyle.Font.Size, p.Title.Padding = title, vg.Points(11), vg.Points(2)
	p.X.Tick.Marker, p.Y.Tick.Marker = clock{}, plainTicks{}
	p.X.Min, p.Y.Min = 0, 0
	p.Legend.Top, p.Legend.XOffs = true, -vg.Points(8)
	p.Legend.TextStyle.Font.Size = vg.Points(9)
	for _, style := range []*text.Style{
		&p.Title.TextStyle, &p.Legend.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label,
	} {
		style.Font.Variant = "Sans"
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{Y: 232}, color.Gray{Y: 232}
	p.Add(grid)
	return p
}

// actions returns dashed lines, one for each time at which something was done.
func actions(of []scenario.Action, height float64) (lines []*plotter.Line) {
	var last time.Duration = -1
	for _, a := range of {
		if a.At == last {
			continue
		}
		last = a.At
		line, err := plotter.NewLine(plotter.XYs{{X: a.At.Seconds(), Y: 0}, {X: a.At.Seconds(), Y: height}})
		if err != nil {
			continue // a time is never infinite
		}
		line.Color, line.Width = color.Gray{Y: 150}, vg.Points(0.6)
		line.Dashes = []vg.Length{vg.Points(3), vg.Points(3)}
		lines = append(lines, line)
	}
	return lines
}

// clock labels seconds as h:mm.
type clock struct{}

func (clock) Ticks(low, high float64) (ticks []plot.Tick) {
	step := 60.0
	for _, s := range []float64{300, 600, 1200, 1800, 3600, 7200, 21600, 86400} {
		if (high-low)/step > 12 {
			step = s
		}
	}
	for at := math.Ceil(low/step) * step; at <= high; at += step {
		minutes := int(at) / 60
		ticks = append(ticks, plot.Tick{Value: at, Label: fmt.Sprintf("%d:%02d", minutes/60, minutes%60)})
	}
	return ticks
}

// plainTicks writes 30,000 as 30k.
type plainTicks struct{}

func (plainTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range ticks {
		if v := ticks[i].Value; ticks[i].Label != "" {
			switch {
			case math.Abs(v) >= 1e6:
				ticks[i].Label = fmt.Sprintf("%gM", v/1e6)
			case math.Abs(v) >= 1e4:
				ticks[i].Label = fmt.Sprintf("%gk", v/1e3)
			default:
				ticks[i].Label = fmt.Sprintf("%.4g", v)
			}
		}
	}
	return ticks
}

// size returns the size of the whole figure, with its defaults.
func (f Figure) size() (width, height vg.Length) {
	width, height = f.Width, f.Height
	if width == 0 {
		width = 900
	}
	if height == 0 {
		height = 150
	}
	return width, height * vg.Length(len(f.Panels))
}

// draw puts the panels below each other with their axes aligned.
func (f Figure) draw(c draw.Canvas) {
	rows := make([][]*plot.Plot, len(f.Panels))
	for i, p := range f.Panels {
		rows[i] = []*plot.Plot{p}
	}
	tiles := draw.Tiles{
		Rows: len(rows), Cols: 1, PadY: vg.Points(6),
		PadLeft: vg.Points(4), PadRight: vg.Points(12), PadTop: vg.Points(4), PadBottom: vg.Points(4),
	}
	for i, canvases := range plot.Align(rows, tiles, c) {
		rows[i][0].Draw(canvases[0])
	}
}

// SVG returns the figure as an SVG document.
func (f Figure) SVG() ([]byte, error) {
	canvas := vgsvg.New(f.size())
	f.draw(draw.New(canvas))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return b.Bytes(), nil
}

// PNG returns the figure as a PNG image, at 144 dots an inch.
func (f Figure) PNG() ([]byte, error) {
	width, height := f.size()
	canvas := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(144), vgimg.UseBackgroundColor(color.White))
	f.draw(draw.New(canvas))
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&b); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return b.Bytes(), nil
}

// Write writes the figure to a file, in the format of the path's ending: .svg or .png.
func (f Figure) Write(path string) error {
	var image []byte
	var err error
	switch ending := strings.ToLower(filepath.Ext(path)); ending {
	case ".svg":
		image, err = f.SVG()
	case ".png":
		image, err = f.PNG()
	default:
		return fmt.Errorf("report: Write: path %q ends in %q, want .svg or .png", path, ending)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(path, image, 0o644)
}
