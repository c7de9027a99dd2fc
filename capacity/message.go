package capacity

import (
	"fmt"
	"sort"
	"strings"
)

// histogram counts nodes by the reasons they give.
type histogram map[string]int

func (p *probe) histogram(t *tally) histogram {
	h := histogram{}
	for i := range t.entries {
		if t.entries[i].nodes == 0 {
			continue
		}
		for _, word := range p.words(t.entries[i].status) {
			h[word] += t.entries[i].nodes
		}
	}
	return h
}

// reasons are sorted as kube-scheduler prints them: as text, count first
// (k8s.io/kubernetes/pkg/scheduler/framework/types.go:1470, FitError.Error).
func (h histogram) reasons() []Reason {
	reasons := make([]Reason, 0, len(h))
	for text, nodes := range h {
		reasons = append(reasons, Reason{text, nodes})
	}
	sort.Slice(reasons, func(i, j int) bool { return reasons[i].String() < reasons[j].String() })
	return reasons
}

// String is the reason as it stands in the scheduler's sentence: "100 Insufficient cpu".
func (r Reason) String() string { return fmt.Sprintf("%d %s", r.Nodes, r.Text) }

// fitError is the sentence for a pod that no node takes; said is what a PreFilter plugin said of
// all of them, post what preemption came to.
func fitError(nodes int, said string, reasons []Reason, post string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "0/%d nodes are available:", nodes)
	if said != "" {
		fmt.Fprintf(&b, " %s.", said)
	} else if len(reasons) > 0 {
		parts := make([]string, len(reasons))
		for i, r := range reasons {
			parts[i] = r.String()
		}
		fmt.Fprintf(&b, " %s.", strings.Join(parts, ", "))
	}
	if post != "" {
		b.WriteString(" " + post)
	}
	return b.String()
}

// noNodes is what the scheduler says in a cluster without nodes.
const noNodes = "no nodes available to schedule pods"

// notPrefiltered is what comes of preemption when PreFilter has rejected the pod before plugin
// DynamicResources was asked: its PostFilter does not find what its PreFilter would have stored.
const notPrefiltered = "not found"
