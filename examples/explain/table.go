package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/redline-go/redline/scheduler"
)

const most = 50 // lines of each part, without -all

// table prints the decision, the scores of the feasible nodes, best first, and the verdicts on the
// others.
func table(out io.Writer, d scheduler.Decision, all bool) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	switch {
	case d.Refusal != "":
		fmt.Fprintf(w, "pod %s would not be created:\n  %s\n", d.Pod, d.Refusal)
		return w.Flush()
	case d.Node != "":
		fmt.Fprintf(w, "pod %s goes to node %s, one of %d feasible of %d\n", d.Pod, d.Node, d.Feasible, len(d.Nodes))
	default:
		fmt.Fprintf(w, "pod %s goes nowhere:\n  %s\n", d.Pod, d.Message)
	}
	scores(w, d, all)
	verdicts(w, d, all)
	if len(d.Skipped) > 0 {
		fmt.Fprintf(w, "\nnothing to say about this pod: %s\n", strings.Join(d.Skipped, ", "))
	}
	return w.Flush()
}

// scores prints a column a plugin: raw>normalised, and the weight behind the name.
func scores(w io.Writer, d scheduler.Decision, all bool) {
	nodes := slices.DeleteFunc(slices.Clone(d.Nodes), func(n scheduler.NodeVerdict) bool { return len(n.Scores) == 0 })
	if len(nodes) == 0 {
		return
	}
	slices.SortStableFunc(nodes, func(a, b scheduler.NodeVerdict) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), boolFirst(a.Node == d.Node, b.Node == d.Node))
	})
	fmt.Fprint(w, "\nFEASIBLE\tSCORE")
	for _, s := range nodes[0].Scores {
		fmt.Fprintf(w, "\t%s", s.Plugin)
	}
	fmt.Fprintln(w, "\t(raw>normalized=weighted)")
	for i, n := range nodes {
		if i == most && !all {
			fmt.Fprintf(w, "... and %d more\n", len(nodes)-most)
			return
		}
		fmt.Fprintf(w, "%s\t%d", n.Node, n.Score)
		for _, s := range n.Scores {
			fmt.Fprintf(w, "\t%d>%d=%d", s.Raw, s.Normalized, s.Weighted)
		}
		fmt.Fprintln(w, "\t")
	}
}

func boolFirst(a, b bool) int {
	switch {
	case a && !b:
		return -1
	case b && !a:
		return 1
	}
	return 0
}

// verdicts prints a line for each plugin that rejects a node. The first is the one that
// kube-scheduler reports.
func verdicts(w io.Writer, d scheduler.Decision, all bool) {
	lines := 0
	for _, n := range d.Nodes {
		name := n.Node
		for _, v := range n.Verdicts {
			if v.Pass {
				continue
			}
			if lines == 0 {
				fmt.Fprint(w, "\nREJECTED\tPLUGIN\tREASON\n")
			}
			if lines++; lines > most && !all {
				fmt.Fprintln(w, "... and more: -all")
				return
			}
			fmt.Fprintf(w, "%s\t%s\t%s%s\n", name, v.Plugin, strings.Join(v.Reasons, ", "), also(v))
			name = ""
		}
	}
}

func also(v scheduler.Verdict) string {
	var notes []string
	if !v.First {
		notes = append(notes, "would come next")
	}
	if v.Nominated {
		notes = append(notes, "with the pods nominated to the node")
	}
	if v.Hopeless {
		notes = append(notes, "eviction would not help")
	}
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, "; ") + ")"
}
