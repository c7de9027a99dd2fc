package scheduler

import (
	"math"

	fwk "k8s.io/kube-scheduler/framework"
)

// spreadScore does PodTopologySpread's PreScore, Score and NormalizeScore over the counts of its
// ScheduleAnyway rules.
type spreadScore struct {
	rules  []*spreadRule
	all    bool // nodes without every label are ignored
	weight []float64
	seen   [][]int32 // rule, domain: the cycle that last saw a feasible node of it
	cycle  int32
	raw    []int64 // by position in the feasible list
}

const ignored = -1

func newSpreadScore(rules []*spreadRule, all bool) *spreadScore {
	s := &spreadScore{rules: rules, all: all, weight: make([]float64, len(rules))}
	for _, r := range rules {
		s.seen = append(s.seen, make([]int32, len(r.count)))
	}
	return s
}

func (s *spreadScore) place(node int) {
	for _, r := range s.rules {
		r.place(node)
	}
}

// weigh does topologyNormalizingWeight: the log of the number of domains that the feasible nodes
// are in, plus two.
func (s *spreadScore) weigh(feasible []int32) {
	s.cycle++
	size := make([]int, len(s.rules))
	left := 0
	for _, n := range feasible {
		if s.all && !hasAll(s.rules, int(n)) {
			continue
		}
		left++
		for k, r := range s.rules {
			if r.hostname {
				continue
			}
			if d := r.domains.of[n]; s.seen[k][d] != s.cycle {
				s.seen[k][d] = s.cycle
				size[k]++
			}
		}
	}
	for k, r := range s.rules {
		if r.hostname {
			size[k] = left
		}
		s.weight[k] = math.Log(float64(size[k] + 2))
	}
}

// score fills raw and returns the least and the most of the nodes that are not ignored.
func (s *spreadScore) score(feasible []int32) (least, most int64) {
	s.weigh(feasible)
	s.raw = s.raw[:0]
	least = math.MaxInt64
	for _, n := range feasible {
		if s.all && !hasAll(s.rules, int(n)) {
			s.raw = append(s.raw, ignored)
			continue
		}
		raw := s.of(int(n))
		s.raw = append(s.raw, raw)
		least, most = min(least, raw), max(most, raw)
	}
	return least, most
}

func (s *spreadScore) of(n int) int64 {
	var score float64
	for k, r := range s.rules {
		if !r.domains.has[n] {
			continue
		}
		count := r.here[n]
		if !r.hostname {
			count = r.count[r.domains.of[n]]
		}
		score += scoreForCount(int64(count), r.maxSkew, s.weight[k])
	}
	return int64(math.Round(score))
}

// scoreForCount computes the plugin's score, term for term.
func scoreForCount(count int64, maxSkew int32, weight float64) float64 {
	return float64(count)*weight + float64(maxSkew-1)
}

func normalizeSpread(raw, least, most int64) int64 {
	switch {
	case raw == ignored:
		return 0
	case most == 0:
		return fwk.MaxScore
	}
	return fwk.MaxScore * (most + least - raw) / most
}
