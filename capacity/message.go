package capacity

import (
	"bytes"
	"slices"
	"strconv"
)

// histogram counts nodes by the reasons they give. There are few different ones, so a list beats
// a map.
type histogram []Reason

func (h *histogram) add(text string, nodes int) {
	for i := range *h {
		if (*h)[i].Text == text {
			(*h)[i].Nodes += nodes
			return
		}
	}
	*h = append(*h, Reason{text, nodes})
}

func (p *probe) histogram(t *tally) histogram {
	var h histogram
	for i := range t.entries {
		if t.entries[i].nodes > 0 {
			p.eachWord(t.entries[i].status, func(word string) { h.add(word, t.entries[i].nodes) })
		}
	}
	return h
}

// reasons sorts the histogram as kube-scheduler prints it: as text, count first
// (k8s.io/kubernetes/pkg/scheduler/framework/types.go:1470, FitError.Error).
func (h histogram) reasons() []Reason {
	slices.SortFunc(h, func(a, b Reason) int {
		var x, y [80]byte
		return bytes.Compare(a.append(x[:0]), b.append(y[:0]))
	})
	return h
}

// String returns the reason as it stands in the scheduler's sentence: "100 Insufficient cpu".
func (r Reason) String() string { return string(r.append(nil)) }

func (r Reason) append(b []byte) []byte {
	b = strconv.AppendInt(b, int64(r.Nodes), 10)
	return append(append(b, ' '), r.Text...)
}

// fitError returns the sentence for a pod that no node takes. said comes from a PreFilter plugin
// and concerns all nodes. post is the outcome of preemption.
func fitError(nodes int, said string, reasons []Reason, post string) string {
	var memory [512]byte
	b := append(memory[:0], "0/"...)
	b = append(strconv.AppendInt(b, int64(nodes), 10), " nodes are available:"...)
	if said != "" {
		b = append(append(append(b, ' '), said...), '.')
	} else if len(reasons) > 0 {
		for i, r := range reasons {
			if i > 0 {
				b = append(b, ',')
			}
			b = r.append(append(b, ' '))
		}
		b = append(b, '.')
	}
	if post != "" {
		b = append(append(b, ' '), post...)
	}
	return string(b)
}

// noNodes is the scheduler's sentence in a cluster without nodes.
const noNodes = "no nodes available to schedule pods"

// notPrefiltered is the outcome of preemption when PreFilter has rejected the pod before plugin
// DynamicResources was asked. Its PostFilter does not find what its PreFilter would have stored.
const notPrefiltered = "not found"
