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

// The newer version's line is the thinner one and drawn last, so that both are seen where
// they agree.
var widths = []vg.Length{vg.Points(3), vg.Points(1.2)}

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
		{
			"writes", "Writes of the pods that fit nowhere, and of their controller", "writes/s",
			func(s story, i int) float64 { return float64(s.made[i].Writes()+s.tried[i].Writes()) / per },
		},
		{"attempts", "Scheduling attempts, mean of a minute", "attempts/s", meanAttempts},
		{"bytes", "What that adds to etcd's log", "kB/s", func(s story, i int) float64 { return s.log(i) / per / 1000 }},
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

// meanAttempts returns attempts/s over the minute around a sample. v1.29's come in bursts, a
// second to eleven apart, which ten seconds do not show truly.
func meanAttempts(s story, i int) float64 {
	from, to := max(i-3, 0), min(i+3, len(s.tried))
	sum := 0
	for _, t := range s.tried[from:to] {
		sum += t.Attempts
	}
	return float64(sum) / (sample * time.Duration(to-from)).Seconds()
}

func draw(path, title, axis string, stories []story, value func(story, int) float64) error {
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text, p.Y.Label.Text = "minutes", axis
	p.X.Tick.Marker = plot.ConstantTicks(minutes())
	p.Y.Min = 0
	p.Legend.Top, p.Legend.XOffs, p.Legend.TextStyle.Font.Size = true, -vg.Points(6), vg.Points(9)
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
		line.Color, line.Width = colours[i%len(colours)], widths[i%len(widths)]
		p.Add(line)
		p.Legend.Add("kube-scheduler "+s.version.String(), line)
	}
	p.Y.Max *= 1.5 // room for the legend and the acts' names
	names, err := plotter.NewLabels(actNames(0.75 * p.Y.Max))
	if err != nil {
		return err
	}
	p.Add(names)
	return p.Save(9*vg.Inch, 3.8*vg.Inch, path)
}

// actNames returns the acts' names at the times at which they begin.
func actNames(height float64) (l plotter.XYLabels) {
	for _, a := range acts {
		l.XYs = append(l.XYs, plotter.XY{X: a.at.Minutes() + 0.1, Y: height})
		l.Labels = append(l.Labels, a.short)
	}
	return l
}

// minutes marks where an act of the story begins.
func minutes() (ticks []plot.Tick) {
	for _, a := range acts {
		ticks = append(ticks, plot.Tick{Value: a.at.Minutes(), Label: fmt.Sprint(a.at.Minutes())})
	}
	return append(ticks, plot.Tick{Value: end.Minutes(), Label: fmt.Sprint(end.Minutes())})
}
