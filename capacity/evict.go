package capacity

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// eviction is what DefaultPreemption comes to for the next replica.
type eviction struct {
	sentence string
	more     int // how many replicas could be placed by evicting all pods of lower priority
	warnings []error
	err      error
}

const (
	noVictims  = "No preemption victims found for incoming pod"
	notHelpful = "Preemption is not helpful for scheduling"
)

// evict goes through the nodes as DefaultPreemption's dry run does
// (k8s.io/kubernetes/pkg/scheduler/framework/preemption/preemption.go:145).
func (q *question) evict(p *probe, c *count) eviction {
	if policy := q.pod.Spec.PreemptionPolicy; policy != nil && *policy == corev1.PreemptNever {
		return eviction{sentence: "not eligible due to preemptionPolicy=Never."}
	}
	h := histogram{}
	for i, stop := range c.stops {
		switch {
		case !stop.solvable() || p.only != nil && p.only.message != "":
			h[notHelpful]++
		case q.table.lowest[i] >= p.priority:
			h[noVictims]++
		default:
			return eviction{err: refused("DefaultPreemption", fmt.Sprintf("pods of lower priority on node %s", q.table.names[i]))}
		}
	}
	return eviction{sentence: fitError(len(c.nodes), "", h.reasons(), "")}
}
