package main

import (
	"fmt"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

var colours = []color.Color{color.RGBA{R: 0xd5, G: 0x5e, A: 0xff}, color.RGBA{G: 0x72, B: 0xb2, A: 0xff}}

// drawPlots writes the pictures.
func drawPlots(out io.Writer, dir string, stories []story) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	per := sample.Seconds()
	for _, p := range []struct {
		file, title, axis string
		value             func(story, int) float64
	}{
		{"writes", "Writes of the pods that fit nowhere, and of their controller", "writes/s", func(s story, i int) float64 { return float64(s.made[i].Writes()+s.tried[i].Writes()) / per }},
		{"attempts", "Scheduling attempts", "attempts/s", func(s story, i int) float64 { return float64(s.tried[i].Attempts) / per }},
	} {
		for _, format := range []string{"svg", "png"} {
			path := filepath.Join(dir, p.file+"."+format)
			if err := draw(path, p.title, p.axis, stories, p.value); err != nil {
				return err
			}
			fmt.Fprintln(out, "wrote", path)
		}
	}
	return nil
}

func draw(path, title, axis string, stories []story, value func(story, int) float64) error {
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text, p.Y.Label.Text = "minutes", axis
	p.X.Tick.Marker = plot.ConstantTicks(minutes())
	p.Y.Min = 0
	p.Legend.Top, p.Legend.XOffs = true, -vg.Points(6)
	p.Add(plotter.NewGrid())
	for i, s := range stories {
		points := make(plotter.XYs, 0, 2*len(s.tried))
		for j := range s.tried { // steps: each value holds for its ten seconds
			from := (time.Duration(j) * sample).Minutes()
			points = append(points, plotter.XY{X: from, Y: value(s, j)}, plotter.XY{X: from + sample.Minutes(), Y: value(s, j)})
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		line.Color, line.Width = colours[i%len(colours)], vg.Points(1.4)
		p.Add(line)
		p.Legend.Add("kube-scheduler "+s.version.String(), line)
	}
	p.Y.Max *= 1.25 // room for the legend
	return p.Save(8*vg.Inch, 3.6*vg.Inch, path)
}

// minutes marks where an act of the story begins.
func minutes() (ticks []plot.Tick) {
	for _, a := range acts {
		ticks = append(ticks, plot.Tick{Value: a.at.Minutes(), Label: fmt.Sprint(a.at.Minutes())})
	}
	return append(ticks, plot.Tick{Value: end.Minutes(), Label: fmt.Sprint(end.Minutes())})
}
