package capacity

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// eviction holds the outcome of DefaultPreemption for the next replica.
type eviction struct {
	sentence string
	more     int // replicas that could be placed by evicting all pods of lower priority
	warnings []error
}

const (
	noVictims  = "No preemption victims found for incoming pod"
	notHelpful = "Preemption is not helpful for scheduling"
)

// evict goes through the nodes, all full, as DefaultPreemption's dry run does
// (k8s.io/kubernetes/pkg/scheduler/framework/preemption/preemption.go:145). It returns a sentence
// about every node when none helps, else one about the node chosen.
func (q *question) evict(ctx context.Context, p *probe, v *view, c *count) (eviction, error) {
	if policy := q.pod.Spec.PreemptionPolicy; policy != nil && *policy == corev1.PreemptNever {
		return eviction{sentence: "not eligible due to preemptionPolicy=Never."}, nil
	}
	if q.table.lowestOfAll >= p.priority {
		return eviction{sentence: fitError(len(c.nodes), "", nobodyGivesWay(&c.tally).reasons(), "")}, nil
	}
	var e eviction
	h, candidates, potential := histogram{}, []candidate(nil), 0
	for i := range c.nodes {
		if _, stop := p.roomOn(q.Snapshot, v, i); !stop.solvable() {
			h.add(notHelpful, 1)
			continue
		}
		potential++
		if q.table.lowest[i] >= p.priority {
			h.add(noVictims, 1)
			continue
		}
		if err := ctx.Err(); err != nil {
			return e, fmt.Errorf("capacity: %w", err)
		}
		d := q.newDryRun(p, v, i, c.nodes[i].Room())
		e.more = addRoom(e.more, d.more())
		chosen, still := d.run()
		if still == 0 {
			candidates = append(candidates, chosen)
			continue
		}
		p.eachWord(still, func(word string) { h.add(word, 1) })
	}
	if len(candidates) == 0 {
		e.sentence = fitError(len(c.nodes), "", h.reasons(), "")
		return e, nil
	}
	best, ties := choose(candidates)
	e.sentence = fmt.Sprintf("found a potential placement for pod on node %s, preempting %d victims",
		q.table.names[best.node], len(best.victims))
	e.warnings = chance(len(candidates), potential, ties)
	return e, nil
}

// nobodyGivesWay returns the histogram of a cluster in which no pod has a lower priority.
func nobodyGivesWay(t *tally) histogram {
	h := make(histogram, 0, 2)
	for _, e := range t.entries {
		if e.nodes == 0 {
			continue
		}
		if e.status.solvable() {
			h.add(noVictims, e.nodes)
		} else {
			h.add(notHelpful, e.nodes)
		}
	}
	return h
}

// chance warns where kube-scheduler would throw dice. It looks at 10 % of the nodes but at least
// 100, from a random one on, and takes any among equals
// (P/defaultpreemption/default_preemption.go:261).
func chance(candidates, potential, ties int) []error {
	if wanted := max(potential/10, 100); candidates > wanted {
		return []error{fmt.Errorf(
			"capacity: preemption: kube-scheduler looks for %d of the %d nodes where it helps, from a random one on; "+
				"Message names the best of all", wanted, candidates)}
	}
	if ties > 1 {
		return []error{fmt.Errorf(
			"capacity: preemption: kube-scheduler chooses one of %d equal nodes at random; Message names the first",
			ties)}
	}
	return nil
}
