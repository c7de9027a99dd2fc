package capacity

import (
	"math"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/redline-go/redline/internal/cluster"
)

// candidate is a node where evicting the victims makes room. The most important victim is first.
type candidate struct {
	node       int
	victims    []victim
	violations int // of disruption budgets
}

// choose returns the candidate that DefaultPreemption prefers, the first of equals, and the number
// of equals (framework/preemption/preemption.go:300, pickOneNodeForPreemption).
func choose(candidates []candidate) (candidate, int) {
	for _, score := range []func(*candidate) int64{
		func(c *candidate) int64 { return -int64(c.violations) },
		func(c *candidate) int64 { return -int64(priorityOf(c.victims[0].pod)) },
		sumOfPriorities,
		func(c *candidate) int64 { return -int64(len(c.victims)) },
		latestStart,
	} {
		best, kept := int64(math.MinInt64), []candidate(nil)
		for i := range candidates {
			s := score(&candidates[i])
			if s > best {
				best, kept = s, nil
			}
			if s == best {
				kept = append(kept, candidates[i])
			}
		}
		candidates = kept
	}
	return candidates[0], len(candidates)
}

// sumOfPriorities makes every priority positive, so that fewer victims are better.
func sumOfPriorities(c *candidate) int64 {
	var sum int64
	for i := range c.victims {
		sum += int64(priorityOf(c.victims[i].pod)) + math.MaxInt32 + 1
	}
	return -sum
}

// latestStart returns the start of the oldest among the most important victims. Later is better.
func latestStart(c *candidate) int64 {
	earliest, top := int64(math.MaxInt64), int32(math.MinInt32)
	for i := range c.victims {
		priority, start := priorityOf(c.victims[i].pod), started(c.victims[i].pod.Status.StartTime)
		if priority > top || priority == top && start < earliest {
			top, earliest = priority, start
		}
	}
	return earliest
}

// guardedVictim is a victim whose eviction violates a disruption budget.
type guardedVictim struct {
	victim
	violations int
}

// splitByBudget charges the victims, in their order, to the budgets that select them
// (framework/preemption/util.go, FilterVictimsWithPDBViolation).
func (q *question) splitByBudget(victims []victim) (guarded []guardedVictim, others []victim) {
	allowed := make([]int32, len(q.state.PodDisruptionBudgets))
	for i, budget := range q.state.PodDisruptionBudgets {
		allowed[i] = budget.Status.DisruptionsAllowed
	}
	for _, v := range victims {
		if violates(q.state, v, allowed) {
			guarded = append(guarded, guardedVictim{v, 1})
		} else {
			others = append(others, v)
		}
	}
	return guarded, others
}

func violates(state *cluster.State, v victim, allowed []int32) bool {
	if len(v.pod.Labels) == 0 {
		return false
	}
	for i, budget := range state.PodDisruptionBudgets {
		if !guards(budget, v) {
			continue
		}
		if allowed[i]--; allowed[i] < 0 {
			return true
		}
	}
	return false
}

func guards(budget *policyv1.PodDisruptionBudget, v victim) bool {
	if budget.Namespace != v.pod.Namespace {
		return false
	}
	selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
	if err != nil || selector.Empty() || !selector.Matches(labels.Set(v.pod.Labels)) {
		return false
	}
	_, done := budget.Status.DisruptedPods[v.pod.Name]
	return !done
}
