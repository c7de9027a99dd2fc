package main

import (
	"fmt"
	"image/color"
	"io"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/redline-go/redline/proxymodel"
)

// colours of the four options. The colour-blind can tell them apart, too.
var colours = []color.Color{
	color.RGBA{R: 0xd5, G: 0x5e, A: 0xff}, color.RGBA{R: 0xcc, G: 0x79, B: 0xa7, A: 0xff},
	color.RGBA{G: 0x72, B: 0xb2, A: 0xff}, color.RGBA{G: 0x9e, B: 0x73, A: 0xff},
}

// curve is one figure of a prediction, drawn.
type curve struct {
	name   string
	dashes []vg.Length
	of     func(proxymodel.Prediction) float64
}

// drawPlots writes the pictures: sync times and first packets against the number of services, with
// the endpoints per service of the question.
func drawPlots(out io.Writer, dir string, q proxymodel.Query) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	per := 1
	if q.Shape.Ports > 0 {
		per = max(1, (q.Shape.Endpoints+q.Shape.Ports/2)/q.Shape.Ports)
	}
	dash := []vg.Length{vg.Points(4), vg.Points(3)}
	for _, p := range []struct {
		file, title, axis string
		curves            []curve
	}{
		{
			file: "sync",
			title: fmt.Sprintf("Sync time with %s per service, %g changes/s, kube-proxy %v",
				counted(per, "endpoint"), q.Churn.Changes, q.Version),
			axis: "seconds",
			curves: []curve{
				{name: "full", of: func(p proxymodel.Prediction) float64 { return p.Full.Duration().Seconds() }},
				{name: "after changes", dashes: dash,
					of: func(p proxymodel.Prediction) float64 { return p.Partial.Duration().Seconds() }},
			},
		},
		{
			file: "packet", title: "What the rules add to a connection's first packet", axis: "microseconds",
			curves: []curve{
				{name: "no service",
					of: func(p proxymodel.Prediction) float64 { return p.FirstPacket.Miss.Seconds() * 1e6 }},
				{name: "mean service", dashes: dash,
					of: func(p proxymodel.Prediction) float64 { return p.FirstPacket.Mean.Seconds() * 1e6 }},
			},
		},
	} {
		picture := plot.New()
		picture.Title.Text, picture.X.Label.Text, picture.Y.Label.Text = p.title, "service ports", p.axis
		picture.Title.Padding = vg.Points(8)
		picture.Y.Scale, picture.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		if err := fill(picture, q, per, p.curves); err != nil {
			return err
		}
		for _, format := range []string{"svg", "png"} {
			path := filepath.Join(dir, p.file+"."+format)
			if err := picture.Save(8*vg.Inch, 4.2*vg.Inch, path); err != nil {
				return err
			}
			fmt.Fprintln(out, "wrote", path)
		}
	}
	return nil
}

// counted returns "1 endpoint", "2 endpoints".
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// fill draws every curve of every mode, up to twice the cluster's services.
func fill(picture *plot.Plot, q proxymodel.Query, per int, curves []curve) error {
	const steps = 60
	last := max(2*q.Shape.Ports, steps)
	series := map[string]plotter.XYs{}
	var names []string
	for i := 1; i <= steps; i++ {
		n := i * last / steps
		asked := q
		asked.Shape = proxymodel.Uniform(n, per)
		c, err := proxymodel.Compare(asked)
		if err != nil {
			return err
		}
		for _, o := range c.Options {
			for _, k := range curves {
				name := o.String() + ", " + k.name
				if i == 1 {
					names = append(names, name)
				}
				series[name] = append(series[name], plotter.XY{X: float64(n), Y: max(k.of(o.Prediction), 1e-4)})
			}
		}
	}
	picture.Add(plotter.NewGrid())
	lines := make([]*plotter.Line, len(names))
	for i := len(names) - 1; i >= 0; i-- { // ipvs first and wide, so that nftables shows on top of it
		line, err := plotter.NewLine(series[names[i]])
		if err != nil {
			return err
		}
		option := i / len(curves)
		line.Color, line.Width = colours[option], vg.Points(1.5)
		line.Dashes = curves[i%len(curves)].dashes
		if option == len(colours)-1 {
			line.Width = vg.Points(3.5)
		}
		picture.Add(line)
		lines[i] = line
	}
	here, err := mark(picture, q)
	if err != nil {
		return err
	}
	legend(picture, append(names, "this cluster"), append(lines, here))
	picture.X.Min, picture.X.Max = 0, float64(last)*1.45 // room for the legend
	picture.X.Tick.Marker = plot.TickerFunc(func(_, _ float64) []plot.Tick { return ticks(last) })
	return nil
}

// mark draws a line at the question's cluster.
func mark(picture *plot.Plot, q proxymodel.Query) (*plotter.Line, error) {
	x := float64(q.Shape.Ports)
	here, err := plotter.NewLine(plotter.XYs{{X: x, Y: picture.Y.Min}, {X: x, Y: picture.Y.Max}})
	if err != nil {
		return nil, err
	}
	here.Color, here.Width = color.Gray{Y: 0x60}, vg.Points(0.8)
	picture.Add(here)
	return here, nil
}

func legend(picture *plot.Plot, names []string, lines []*plotter.Line) {
	l := &picture.Legend
	l.TextStyle.Font.Size, l.Padding = vg.Points(9), vg.Points(2.5)
	l.XOffs, l.YOffs = -vg.Points(6), vg.Points(8)
	for i, name := range names {
		l.Add(name, lines[i])
	}
}

// ticks returns four or five round numbers up to last.
func ticks(last int) (out []plot.Tick) {
	step := 1
	for i := 0; last/step > 5; i++ {
		step = step * [...]int{2, 5, 2}[i%3] / [...]int{1, 2, 1}[i%3]
	}
	for n := 0; n <= last; n += step {
		out = append(out, plot.Tick{Value: float64(n), Label: fmt.Sprint(n)})
	}
	return out
}
