package main

import (
	"context"
	"fmt"
	"image/color"
	"io"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/palette"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/redline-go/redline/cascade"
	"github.com/redline-go/redline/cascade/scenario"
)

// chain prints how long the trap holds: by the reduced Markov chain, and as other runs of the
// simulation observed it.
func chain(ctx context.Context, w io.Writer) error {
	fmt.Fprintln(w, "After a spell of 8 s fsyncs, how long until the cluster renews its Leases on this disk?")
	fmt.Fprintf(w, "%8s %18s %12s\n", "delay", "by Markov chain", "observed")
	for _, delay := range []float64{1, 1.5, 2} {
		s, err := scenario.ParamDelay.Apply(cascade.Tipping(), delay)
		if err == nil {
			s.Length = 20 * time.Minute
			s, err = scenario.ParamDuration.Apply(s, 900)
		}
		if err != nil {
			return err
		}
		c, err := cascade.Reduce(ctx, s, cascade.Spell{}, 40)
		if err != nil {
			return err
		}
		escape, err := c.Escape()
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%7.2gs %18v %12v\n", delay, escape.Round(time.Second), c.Observed.Round(time.Second))
	}
	return nil
}

// sensitivities prints which parameters matter to the time that the cluster is down.
func sensitivities(ctx context.Context, w io.Writer, trajectories int) error {
	ranked, err := cascade.Sensitivities(ctx, cascade.Tipping(), trajectories, []cascade.Range{
		{Parameter: scenario.ParamDelay, Low: 0.5, High: 4},
		{Parameter: scenario.ParamDuration, Low: 60, High: 420},
		{Parameter: scenario.ParamNodes, Low: 20, High: 300},
		{Parameter: scenario.ParamPending, Low: 0, High: 900},
		{Parameter: scenario.ParamGrace, Low: 20, High: 120},
		{Parameter: scenario.ParamServers, Low: 1, High: 5},
	}...)
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "\nWhat decides how long it is down (Morris, effect over the parameter's range, mean and spread):")
	for _, r := range ranked {
		fmt.Fprintf(w, "%10s %10v %10v\n", r.Parameter, r.Mean.Round(time.Second), r.Spread.Round(time.Second))
	}
	return nil
}

// draw writes the map as a picture.
func draw(m cascade.PhaseMap, file string) error {
	p := plot.New()
	p.Title.Text = "healthy (white), degraded (yellow), trapped after a spell (orange), metastable (red)"
	p.Title.TextStyle.Font.Size = vg.Points(10)
	p.X.Label.Text, p.Y.Label.Text = string(m.X.Parameter), string(m.Y.Parameter)
	h := plotter.NewHeatMap(grid{m}, states{})
	h.Min, h.Max = 0, 3
	p.Add(h)
	return p.Save(18*vg.Centimeter, 12*vg.Centimeter, file)
}

// grid makes the map a plotter.GridXYZ.
type grid struct{ cascade.PhaseMap }

func (g grid) Dims() (columns, rows int) { return len(g.PhaseMap.X.Values), len(g.PhaseMap.Y.Values) }
func (g grid) X(i int) float64           { return g.PhaseMap.X.Values[i] }
func (g grid) Y(j int) float64           { return g.PhaseMap.Y.Values[j] }

// Z returns the number of the colour.
func (g grid) Z(i, j int) float64 {
	switch g.Cells[j][i].Letter() {
	case 'd':
		return 1
	case 'T':
		return 2
	case 'M':
		return 3
	}
	return 0
}

// states is the palette of the four states.
type states struct{}

func (states) Colors() []color.Color {
	return []color.Color{
		color.RGBA{R: 250, G: 250, B: 250, A: 255},
		color.RGBA{R: 240, G: 228, B: 66, A: 255},
		color.RGBA{R: 230, G: 159, B: 0, A: 255},
		color.RGBA{R: 204, G: 51, B: 17, A: 255},
	}
}

var _ palette.Palette = states{}
