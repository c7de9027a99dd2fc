package scheduler

import (
	fwk "k8s.io/kube-scheduler/framework"
)

// scoresOf takes a node's scores apart; the framework has only raw and weighted ones.
func scoresOf(p *profile, n *fwk.NodePluginScores) []Score {
	raw := map[string]int64{}
	for _, s := range n.RawScores {
		raw[s.Name] = s.Score
	}
	weight := map[string]int64{}
	for _, s := range p.listed.Score.Enabled {
		weight[s.Name] = int64(s.Weight)
	}
	out := make([]Score, 0, len(n.Scores))
	for _, s := range n.Scores {
		w := max(weight[s.Name], 1)
		out = append(out, Score{Plugin: s.Name, Raw: raw[s.Name], Normalized: s.Score / w, Weighted: s.Score})
	}
	return out
}
