package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/redline-go/redline/proxymodel"
)

func printCluster(out io.Writer, q proxymodel.Query) {
	s := q.Shape
	fmt.Fprintf(out, "%d service ports, %d endpoints, %g changes/s, %d nodes, kube-proxy %v in %v mode\n",
		s.Ports, s.Endpoints, q.Churn.Changes, q.Churn.Nodes, q.Version, q.Mode)
	fmt.Fprintf(out, "machine: %s\n", q.Machine.Source)
	for _, w := range q.Machine.Warnings {
		fmt.Fprintln(out, "  warning:", w)
	}
	// Two lines of header, then the rules, the jump to NodePorts among them.
	fmt.Fprintf(out, "iptables -t nat -L KUBE-SERVICES | wc -l: %d; "+
		"%d rules and %d chains in table nat, %s a full sync\n\n",
		2+s.IPTables.Walk, s.IPTables.Rules, s.IPTables.Chains, size(s.IPTables.Bytes))
}

func printModes(out io.Writer, c proxymodel.Comparison) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, of func(proxymodel.Prediction) string) {
		fmt.Fprint(w, name, "\t")
		for _, o := range c.Options {
			fmt.Fprint(w, of(o.Prediction), "\t")
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "\t")
	for _, o := range c.Options {
		fmt.Fprint(w, o, "\t")
	}
	fmt.Fprintln(w)
	row("first sync", func(p proxymodel.Prediction) string { return brief(p.First.Duration()) })
	row("full sync", func(p proxymodel.Prediction) string { return brief(p.Full.Duration()) })
	row("sync after changes", func(p proxymodel.Prediction) string { return brief(p.Partial.Duration()) })
	row("  kube-proxy", func(p proxymodel.Prediction) string { return brief(p.Partial.User) })
	row("  starting tools", func(p proxymodel.Prediction) string { return brief(p.Partial.Exec) })
	row("  the tools", func(p proxymodel.Prediction) string { return brief(p.Partial.Restore) })
	row("  the kernel", func(p proxymodel.Prediction) string { return brief(p.Partial.Kernel + p.Partial.Wait) })
	row("services changed in it", func(p proxymodel.Prediction) string { return fmt.Sprintf("%.1f", p.Changed) })
	row("a sync every", func(p proxymodel.Prediction) string { return brief(p.Period) })
	row("a change waits, mean", func(p proxymodel.Prediction) string { return brief(p.Staleness.Mean) })
	row("99 %", func(p proxymodel.Prediction) string { return brief(p.Staleness.P99) })
	row("at most", func(p proxymodel.Prediction) string { return brief(p.Staleness.Max) })
	row("of the node's CPU", func(p proxymodel.Prediction) string { return fmt.Sprintf("%.1f %%", 100*p.CPUShare) })
	row("first packet, mean service", func(p proxymodel.Prediction) string { return brief(p.FirstPacket.Mean) })
	row("to no service", func(p proxymodel.Prediction) string { return brief(p.FirstPacket.Miss) })
	row("kernel memory", func(p proxymodel.Prediction) string { return size(p.Memory.Kernel) })
	row("kube-proxy heap", func(p proxymodel.Prediction) string { return size(p.Memory.Proxy) })
	row("slices sent, all nodes", func(p proxymodel.Prediction) string { return size(int64(p.FanOut)) + "/s" })
	w.Flush()
	for _, o := range c.Options {
		for _, warning := range o.Warnings {
			fmt.Fprintf(out, "%v: %v\n", o, warning)
		}
	}
}

func printAdvice(out io.Writer, c proxymodel.Comparison) {
	fmt.Fprintf(out, "\nAdvice: %v mode\n", c.Advice.Mode)
	for _, r := range c.Advice.Reasons {
		fmt.Fprintln(out, "  -", r)
	}
}

// brief rounds a duration to two digits.
func brief(d time.Duration) string {
	unit := time.Duration(1)
	for d/unit >= 100 {
		unit *= 10
	}
	return d.Round(unit).String()
}

func size(n int64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}
