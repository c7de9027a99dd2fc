package main

import (
	"context"
	"fmt"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/etcdmodel/alerts"
)

// Colours that stay apart for every kind of sight (Okabe and Ito).
var (
	blue   = color.RGBA{0, 114, 178, 255}
	orange = color.RGBA{230, 159, 0, 255}
	red    = color.RGBA{213, 94, 0, 255}
)

// write puts the plots, the alerting rules and the dashboard into a directory.
func write(ctx context.Context, w io.Writer, dir string, c etcdmodel.Cluster, l etcdmodel.Load, knobs []knob) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	latency, err := latencyPlot(ctx, c, l)
	if err != nil {
		return err
	}
	size, err := sizePlot(ctx, c, l, knobs)
	if err != nil {
		return err
	}
	rules, err := alerts.ForContext(ctx, c, l, alerts.Options{})
	if err != nil {
		return err
	}
	for name, text := range map[string]func() ([]byte, error){
		"alerts.yaml": rules.PrometheusRule, "rules.yaml": rules.RuleFile, "dashboard.json": rules.Dashboard,
	} {
		b, err := text()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "etcd-"+name), b, 0o644); err != nil {
			return err
		}
	}
	for name, p := range map[string]*plot.Plot{"latency": latency, "size": size} {
		for _, kind := range []string{"svg", "png"} {
			if err := p.Save(18*vg.Centimeter, 11*vg.Centimeter, filepath.Join(dir, "etcd-"+name+"."+kind)); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(w, "\nWritten to %s: etcd-latency and etcd-size as svg and png, "+
		"etcd-alerts.yaml (PrometheusRule), etcd-rules.yaml (the same for Prometheus), etcd-dashboard.json (Grafana).\n", dir)
	for _, warning := range rules.Warnings {
		fmt.Fprintf(w, "  %v\n", warning)
	}
	return nil
}

// latencyPlot draws p50 and p99 against multiples of the load, up to what is sustained, on this
// disk and on NVMe.
func latencyPlot(ctx context.Context, c etcdmodel.Cluster, l etcdmodel.Load) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("Commit latency against load, %d members, etcd %v", c.Members, c.Version)
	p.X.Label.Text, p.Y.Label.Text = "writes/s offered", "ms"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Add(plotter.NewGrid())
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, vg.Points(3)
	p.Title.Padding = vg.Points(6)
	nvme := c
	nvme.Disks = []etcdmodel.Disk{etcdmodel.NVMe()}
	for _, line := range []struct {
		name   string
		c      etcdmodel.Cluster
		colour color.Color
	}{{c.Disks[0].Name, c, red}, {"NVMe", nvme, blue}} {
		p50, p99, err := sweep(ctx, line.c, l)
		if err != nil {
			return nil, err
		}
		for _, s := range []struct {
			name   string
			points plotter.XYs
			dashes []vg.Length
		}{{"p50", p50, nil}, {"p99", p99, []vg.Length{vg.Points(5), vg.Points(3)}}} {
			drawn, err := plotter.NewLine(s.points)
			if err != nil {
				return nil, err
			}
			drawn.Color, drawn.Width, drawn.Dashes = line.colour, vg.Points(1.5), s.dashes
			p.Add(drawn)
			p.Legend.Add(line.name+", "+s.name, drawn)
		}
		if line.c.Disks[0].Name == "NVMe" && c.Disks[0].Name == "NVMe" {
			break
		}
	}
	p.Y.Max *= 30 // room for the legend
	at, err := vertical(rateOf(l), p)
	if err != nil {
		return nil, err
	}
	p.Add(at)
	p.Legend.Add("this load", at)
	return p, nil
}

// sweep predicts at growing multiples of a load, until it is no longer sustained.
func sweep(ctx context.Context, c etcdmodel.Cluster, l etcdmodel.Load) (p50, p99 plotter.XYs, err error) {
	for x := 0.1; x <= 200; x *= 1.4 {
		loaded := times(l, x)
		// A p99 takes some thousand requests.
		loaded.For = time.Duration(min(max(3000/rateOf(loaded), 2), 600) * float64(time.Second))
		p, err := etcdmodel.PredictContext(ctx, c, loaded)
		if err != nil {
			return nil, nil, err
		}
		if p.Commit.Empty() {
			break
		}
		rate := rateOf(loaded)
		p50 = append(p50, plotter.XY{X: rate, Y: max(p.Commit.P50.Seconds()*1e3, 0.01)})
		p99 = append(p99, plotter.XY{X: rate, Y: max(p.Commit.P99.Seconds()*1e3, 0.01)})
		if rate > p.Sustainable {
			break
		}
	}
	return p50, p99, nil
}

// vertical returns a line at x over the whole height.
func vertical(x float64, p *plot.Plot) (*plotter.Line, error) {
	line, err := plotter.NewLine(plotter.XYs{{X: x, Y: p.Y.Min}, {X: x, Y: p.Y.Max}})
	if err != nil {
		return nil, err
	}
	line.Color, line.Width = color.Gray{120}, vg.Points(1)
	return line, nil
}

// sizePlot draws the db file over time below the quota, as it is and with the change that gives it
// most room.
func sizePlot(ctx context.Context, c etcdmodel.Cluster, l etcdmodel.Load, knobs []knob) (*plot.Plot, error) {
	now, err := etcdmodel.PredictContext(ctx, c, l)
	if err != nil {
		return nil, err
	}
	p := plot.New()
	p.Title.Text = "The etcd db over time"
	p.X.Label.Text, p.Y.Label.Text = "hours", "MB"
	p.X.Min, p.Y.Min = 0, 0
	p.Add(plotter.NewGrid())
	p.Legend.Padding, p.Title.Padding = vg.Points(3), vg.Points(6)
	type curve struct {
		name   string
		series []etcdmodel.Size
		colour color.Color
	}
	curves := []curve{{"as it is", now.DB.Series, red}}
	smaller := best(knobs, func(k knob) float64 { return roomOf(k.prediction) })
	if smaller != nil {
		curves = append(curves, curve{smaller.name, smaller.prediction.DB.Series, blue})
	}
	end := 0.0
	for _, s := range curves {
		var points plotter.XYs
		for _, size := range s.series {
			points = append(points, plotter.XY{X: size.At.Hours(), Y: float64(size.Total) / 1e6})
		}
		if len(points) == 0 {
			continue
		}
		end = max(end, points[len(points)-1].X)
		drawn, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		drawn.Color, drawn.Width = s.colour, vg.Points(1.5)
		p.Add(drawn)
		p.Legend.Add(s.name, drawn)
	}
	quota, err := plotter.NewLine(plotter.XYs{
		{X: 0, Y: float64(c.Quota) / 1e6}, {X: max(end, 1), Y: float64(c.Quota) / 1e6},
	})
	if err != nil {
		return nil, err
	}
	quota.Color, quota.Dashes = orange, []vg.Length{vg.Points(5), vg.Points(3)}
	p.Add(quota)
	p.Legend.Add("quota", quota)
	p.X.Max, p.Y.Max = max(end, 1), 1.05*max(p.Y.Max, float64(c.Quota)/1e6)
	p.X.Tick.Marker = plot.TickerFunc(everyHalfHour)
	p.Legend.Top, p.Legend.YOffs = true, -p.Legend.TextStyle.Font.Size*2
	return p, nil
}

// everyHalfHour marks half hours, or hours where there are many.
func everyHalfHour(least, most float64) []plot.Tick {
	step := 0.5
	for most-least > 8*step {
		step *= 2
	}
	var ticks []plot.Tick
	for x := 0.0; x <= most+1e-9; x += step {
		ticks = append(ticks, plot.Tick{Value: x, Label: strconv.FormatFloat(x, 'g', -1, 64)})
	}
	return ticks
}
