package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/redline-go/redline/cascade/sweep"
)

// report prints the tally as tables: verdicts, quantities, and what decides.
func report(out io.Writer, t *sweep.Tally) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d runs\n\n", t.Runs)
	for i, state := range sweep.States {
		fmt.Fprintf(w, "%s\t%d\t%5.1f %%\t\n", state, t.States[i], 100*float64(t.States[i])/float64(max(t.Runs, 1)))
	}
	fmt.Fprintf(w, "\n\tmean\tp50\tp90\tp99\tmost\t\n")
	for _, a := range t.Of {
		fmt.Fprintf(w, "%s", a.Name)
		mean := float64(a.Sum) / float64(max(t.Runs, 1))
		for _, v := range []float64{mean, a.Quantile(0.5), a.Quantile(0.9), a.Quantile(0.99), float64(a.Max)} {
			fmt.Fprintf(w, "\t%s", amount(v, a.Unit))
		}
		fmt.Fprintf(w, "\t\n")
	}
	if len(t.Along) > 0 {
		fmt.Fprintf(w, "\nshare not healthy, by tenths of each range\t\n")
	}
	for _, a := range t.Along {
		fmt.Fprintf(w, "%s", a.Range)
		for _, c := range a.Deciles {
			n := c[0] + c[1] + c[2]
			if n == 0 {
				fmt.Fprintf(w, "\t-")
				continue
			}
			fmt.Fprintf(w, "\t%.0f %%", 100*float64(n-c[0])/float64(n))
		}
		fmt.Fprintf(w, "\t\n")
	}
	return w.Flush()
}

// amount formats a number with its unit, times as a person writes them.
func amount(v float64, unit string) string {
	switch unit {
	case "ms":
		d := time.Duration(v * float64(time.Millisecond))
		if d < time.Minute {
			return d.Round(time.Millisecond).String()
		}
		return d.Round(time.Second).String()
	case "B":
		return fmt.Sprintf("%.1f MB", v/1e6)
	}
	return fmt.Sprintf("%.4g %s", v, unit)
}
