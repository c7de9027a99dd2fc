package scheduler

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
)

// Score is one Score plugin's score of a node.
type Score struct {
	Plugin     string `json:"plugin"`
	Raw        int64  `json:"raw"`
	Normalized int64  `json:"normalized"` // 0 to 100
	Weighted   int64  `json:"weighted"`   // times the plugin's weight in the profile
}

// These are the ways to keep a Score plugin up to date.
const (
	scoresOnce      = iota // its raw score never changes while replicas are placed
	scoresAgain            // it changes on the node where one was placed
	scoresNormal           // scoresOnce, then normalised by the highest of the feasible nodes
	followsSpread          // counts kept here
	followsAffinity        // weights kept here
)

var scoreKinds = map[string]int{
	names.ImageLocality: scoresOnce, names.VolumeBinding: scoresOnce, names.DynamicResources: scoresOnce,
	names.NodeResourcesFit: scoresAgain, names.NodeResourcesBalancedAllocation: scoresAgain,
	names.TaintToleration: scoresNormal, names.NodeAffinity: scoresNormal,
	names.PodTopologySpread: followsSpread, names.InterPodAffinity: followsAffinity,
}

// scoreColumn is one Score plugin over the nodes.
type scoreColumn struct {
	name   string
	plugin fwk.ScorePlugin
	weight int64
	kind   int
	raw    []int64 // node: raw score, of the kinds that are asked

	// For scoresNormal: values are the distinct raw scores, and value says which of them each node
	// has. worth is their normalised score while the highest feasible one is at highest. having
	// counts the feasible nodes of each.
	values  []int64
	value   []int32
	worth   []int64
	highest int32
	having  []int32
}

// scoreboard adds the plugins' scores up.
type scoreboard struct {
	winners
	columns              []*scoreColumn
	base                 []int64 // node: weighted sum of the asked columns but the normalised ones
	scored               []bool
	spread               *spreadScore
	affinity             *affinityScore
	spreadAt, affinityAt struct{ least, most int64 }
}

// chooseScores runs PreScore and decides how to keep each Score plugin. It returns false if one
// cannot be kept.
func (f *fast) chooseScores(ctx context.Context, n *neighbours, t *topology) (bool, error) {
	b := &f.scores
	b.base, b.scored = make([]int64, len(t.nodes)), make([]bool, len(t.nodes))
	skipped := map[string]bool{}
	for _, listed := range f.p.listed.PreScore.Enabled {
		kind, known := scoreKinds[listed.Name]
		if !known {
			return false, nil
		}
		if kind == followsSpread || kind == followsAffinity {
			continue
		}
		st := f.p.plugins[listed.Name].(fwk.PreScorePlugin).PreScore(ctx, f.state, f.pod, t.nodes)
		if st.IsSkip() {
			skipped[listed.Name] = true
		} else if !st.IsSuccess() {
			return false, nil
		}
	}
	for _, listed := range f.p.listed.Score.Enabled {
		kind, known := scoreKinds[listed.Name]
		if !known || (listed.Name == names.DynamicResources && !skipped[listed.Name] &&
			len(f.pod.Spec.ResourceClaims) > 0) {
			return false, nil
		}
		c := &scoreColumn{name: listed.Name, plugin: f.p.plugins[listed.Name].(fwk.ScorePlugin),
			weight: int64(listed.Weight), kind: kind, highest: -1}
		switch {
		case skipped[listed.Name]:
			continue
		case kind == followsSpread:
			list, selector, all := f.spreadConstraints(f.spreadArgs(), f.pod)
			rules, err := spreadRules(ctx, list, selector, all, corev1.ScheduleAnyway, f.pod, t)
			if err != nil {
				return false, err
			}
			if len(rules) == 0 {
				continue // PreScore skips
			}
			b.spread = newSpreadScore(rules, all)
		case kind == followsAffinity:
			var err error
			if b.affinity, err = newAffinityScore(ctx, n, f.affinityArgs()); err != nil {
				return false, err
			}
		default:
			c.raw = make([]int64, len(t.nodes))
		}
		b.columns = append(b.columns, c)
	}
	return true, b.ask(ctx, f)
}

// ask scores every node that the node-local filters let pass.
func (b *scoreboard) ask(ctx context.Context, f *fast) error {
	for i := range f.world.infos {
		if f.first[i] < len(f.columns) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.askNode(ctx, f, i, false); err != nil {
			return err
		}
	}
	for _, c := range b.columns {
		if c.kind == scoresNormal {
			c.index(b.scored)
		}
	}
	return nil
}

// askNode runs the plugins on a node. again means that only its pods have changed since.
func (b *scoreboard) askNode(ctx context.Context, f *fast, i int, again bool) error {
	b.scored[i] = true
	var sum int64
	for _, c := range b.columns {
		if c.raw == nil {
			continue
		}
		if !again || c.kind == scoresAgain {
			raw, st := c.plugin.Score(ctx, f.state, f.pod, f.world.infos[i])
			if !st.IsSuccess() {
				return errorf("plugin %q failed with: %v", c.name, st.AsError())
			}
			c.raw[i] = raw
		}
		if c.kind != scoresNormal {
			sum += c.weight * c.raw[i]
		}
	}
	b.base[i] = sum
	return nil
}

// place follows a placement on the node.
func (b *scoreboard) place(ctx context.Context, f *fast, i int) error {
	if b.spread != nil {
		b.spread.place(i)
	}
	if b.affinity != nil {
		b.affinity.place(i)
	}
	if f.first[i] < len(f.columns) {
		return nil // full: it never scores again
	}
	return b.askNode(ctx, f, i, true)
}

// moving reports whether a placement changes the scores of other nodes.
func (b *scoreboard) moving() bool {
	return b.spread != nil || (b.affinity != nil && (b.affinity.active || len(b.affinity.adds) > 0))
}

// index numbers the distinct raw scores.
func (c *scoreColumn) index(scored []bool) {
	ids := map[int64]int32{}
	c.value = make([]int32, len(c.raw))
	for i, raw := range c.raw {
		if !scored[i] {
			continue
		}
		id, ok := ids[raw]
		if !ok {
			id = int32(len(c.values))
			ids[raw] = id
			c.values = append(c.values, raw)
		}
		c.value[i] = id
	}
	c.having = make([]int32, len(c.values))
	c.worth = make([]int64, len(c.values))
}

// normalize asks the plugin for the normalised values of the distinct raw scores among the feasible
// nodes. Both plugins of this kind divide by the highest, so only that matters.
func (c *scoreColumn) normalize(ctx context.Context, f *fast) error {
	clear(c.having)
	for _, n := range f.list {
		c.having[c.value[n]]++
	}
	highest := int32(-1)
	for id, n := range c.having {
		if n > 0 && (highest < 0 || c.values[id] > c.values[highest]) {
			highest = int32(id)
		}
	}
	if highest == c.highest || highest < 0 {
		return nil
	}
	c.highest = highest
	var list fwk.NodeScoreList
	var ids []int
	for id, v := range c.values {
		if v <= c.values[highest] {
			list, ids = append(list, fwk.NodeScore{Score: v}), append(ids, id)
		}
	}
	if x := c.plugin.ScoreExtensions(); x != nil {
		if st := x.NormalizeScore(ctx, f.state, f.pod, list); !st.IsSuccess() {
			return errorf("plugin %q failed with: %v", c.name, st.AsError())
		}
	}
	for k, id := range ids {
		c.worth[id] = list[k].Score
	}
	return nil
}

// total scores every feasible node anew and plays all games.
func (b *scoreboard) total(ctx context.Context, f *fast) error {
	for _, c := range b.columns {
		if c.kind == scoresNormal && (len(c.values) > 1 || c.highest < 0) {
			if err := c.normalize(ctx, f); err != nil {
				return err
			}
		}
	}
	if b.spread != nil {
		b.spreadAt.least, b.spreadAt.most = b.spread.score(f.list)
	}
	if b.affinity != nil {
		b.affinityAt.least, b.affinityAt.most = b.affinity.span(f.list)
	}
	b.winners.score = b.winners.score[:0]
	for place, n := range f.list {
		b.winners.score = append(b.winners.score, b.sum(place, int(n)))
	}
	b.fill()
	return nil
}

// sum returns the total of the node at a place.
func (b *scoreboard) sum(place, n int) int64 {
	total := b.base[n]
	for _, c := range b.columns {
		switch c.kind {
		case scoresNormal:
			total += c.weight * c.worth[c.value[n]]
		case followsSpread:
			total += c.weight * normalizeSpread(b.spread.raw[place], b.spreadAt.least, b.spreadAt.most)
		case followsAffinity:
			total += c.weight * normalizeAffinity(b.affinity.raw[n], b.affinityAt.least, b.affinityAt.most)
		}
	}
	return total
}

// leave takes a place out. It returns false when that changed the worth of the others' scores.
func (b *scoreboard) leave(place, node int) bool {
	for _, c := range b.columns {
		if c.kind != scoresNormal || len(c.values) == 1 {
			continue
		}
		id := c.value[node]
		if c.having[id]--; c.having[id] == 0 && id == c.highest {
			return false
		}
	}
	b.drop(place)
	return len(b.winners.score) > 0
}

// detail returns every plugin's score of the node at a place of the list.
func (b *scoreboard) detail(place, n int) []Score {
	out := make([]Score, 0, len(b.columns))
	for _, c := range b.columns {
		s := Score{Plugin: c.name}
		switch c.kind {
		case scoresNormal:
			s.Raw, s.Normalized = c.raw[n], c.worth[c.value[n]]
		case followsSpread:
			s.Raw = max(b.spread.raw[place], 0)
			s.Normalized = normalizeSpread(b.spread.raw[place], b.spreadAt.least, b.spreadAt.most)
		case followsAffinity:
			if !b.affinity.active {
				continue // PreScore skips
			}
			s.Raw, s.Normalized = b.affinity.raw[n],
				normalizeAffinity(b.affinity.raw[n], b.affinityAt.least, b.affinityAt.most)
		default:
			s.Raw, s.Normalized = c.raw[n], c.raw[n]
		}
		s.Weighted = c.weight * s.Normalized
		out = append(out, s)
	}
	return out
}
