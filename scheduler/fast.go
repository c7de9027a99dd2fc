package scheduler

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/features"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
)

// follower is a plugin whose state this package keeps itself while replicas are placed.
type follower interface {
	prepare()                    // before a cycle
	place(node int)              // a replica was placed
	ok(node int) bool            // Filter, yes or no
	status(node int) *fwk.Status // Filter, in the plugin's words
}

// column is one Filter plugin: node-local and asked itself, or followed.
type column struct {
	plugin  fwk.FilterPlugin
	follows follower
	moves   bool // its verdict changes when a pod is placed on the node
}

// fast places identical replicas without running every plugin on every node each time.
// docs/scheduler.md lists the state that it keeps, and proves it right.
type fast struct {
	*run
	p     *profile
	pod   *corev1.Pod // the template: replicas differ in name and UID only
	state fwk.CycleState

	columns   []column
	first     []int         // node: the first local column that rejects it, or len(columns)
	said      []*fwk.Status // node: the status of that column
	followers []follower

	scores scoreboard
	list   []int32 // feasible nodes, in the order in which they were found
	valid  bool    // list and scores.win are those of the current world
}

// These plugins look only at the node and the pod. Those marked true move when a pod is added.
var local = map[string]bool{
	names.NodeName: false, names.NodeUnschedulable: false, names.TaintToleration: false, names.NodeAffinity: false,
	names.NodeDeclaredFeatures: false, names.NodePorts: true, names.NodeResourcesFit: true,
}

// These plugins do nothing in Reserve and Permit for a pod whose PreFilter they skipped.
var idleReserve = map[string]bool{names.VolumeBinding: true, names.DynamicResources: true}

// newFast prepares the incremental path. ok is false when some plugin, feature or state rules it
// out. The whole cycle must then run for every replica.
func (r *run) newFast(ctx context.Context, p *profile, pod *corev1.Pod) (f *fast, ok bool, err error) {
	if r.slow || len(r.world.infos) == 0 || len(r.world.names) > 0 || pod.Status.NominatedNodeName != "" ||
		!p.fw.HasScorePlugins() ||
		utilfeature.DefaultFeatureGate.Enabled(features.InterPodAffinityHostnameFastPath) {
		return nil, false, nil
	}
	for _, listed := range append(append([]config.Plugin(nil), p.listed.Reserve.Enabled...),
		p.listed.Permit.Enabled...) {
		if !idleReserve[listed.Name] {
			return nil, false, nil
		}
	}
	f = &fast{run: r, p: p, pod: pod, state: framework.NewCycleState()}
	result, st, _ := p.fw.RunPreFilterPlugins(ctx, f.state, pod)
	if !st.IsSuccess() || !result.AllNodes() {
		return nil, false, nil // the whole cycle words it
	}
	t := &topology{nodes: r.world.infos, byKey: map[string]*domains{}}
	n, err := r.neighbours(pod, t)
	if err != nil {
		return nil, false, nil
	}
	ok, err = f.chooseColumns(ctx, n, t)
	if ok && err == nil {
		err = f.askAll(ctx)
	}
	if ok && err == nil {
		ok, err = f.chooseScores(ctx, n, t)
	}
	if err != nil {
		return nil, false, ctx.Err() // the whole cycle words any other error as kube-scheduler does
	}
	return f, ok, nil
}

// chooseColumns decides how to follow each Filter plugin. It returns false if one cannot be
// followed.
func (f *fast) chooseColumns(ctx context.Context, n *neighbours, t *topology) (bool, error) {
	skip := f.state.GetSkipFilterPlugins()
	for _, listed := range f.p.listed.Filter.Enabled {
		if skip.Has(listed.Name) {
			continue
		}
		c := column{plugin: f.p.plugins[listed.Name].(fwk.FilterPlugin)}
		moves, isLocal := local[listed.Name]
		switch {
		case isLocal:
			c.moves = moves
		case listed.Name == names.InterPodAffinity:
			follows, err := newAffinityFilter(ctx, n)
			if err != nil {
				return false, err
			}
			c.follows = follows
		case listed.Name == names.PodTopologySpread:
			list, selector, _ := f.spreadConstraints(f.spreadArgs(), f.pod)
			rules, err := spreadRules(ctx, list, selector, true, corev1.DoNotSchedule, f.pod, t)
			if err != nil {
				return false, err
			}
			c.follows = &spreadFilter{rules: rules}
		default:
			return false, nil
		}
		if c.follows != nil {
			f.followers = append(f.followers, c.follows)
		}
		f.columns = append(f.columns, c)
	}
	return true, nil
}

func (f *fast) spreadArgs() *config.PodTopologySpreadArgs {
	for i := range f.p.config.PluginConfig {
		if a, ok := f.p.config.PluginConfig[i].Args.(*config.PodTopologySpreadArgs); ok {
			return a
		}
	}
	return &config.PodTopologySpreadArgs{DefaultingType: config.SystemDefaulting}
}

func (f *fast) affinityArgs() *config.InterPodAffinityArgs {
	for i := range f.p.config.PluginConfig {
		if a, ok := f.p.config.PluginConfig[i].Args.(*config.InterPodAffinityArgs); ok {
			return a
		}
	}
	return &config.InterPodAffinityArgs{HardPodAffinityWeight: 1}
}

// askAll runs the local columns on every node once.
func (f *fast) askAll(ctx context.Context) error {
	f.first = make([]int, len(f.world.infos))
	f.said = make([]*fwk.Status, len(f.world.infos))
	for i := range f.world.infos {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.ask(ctx, i, false); err != nil {
			return err
		}
	}
	return nil
}

// ask runs the local columns on a node. again means that only its pods have changed since.
func (f *fast) ask(ctx context.Context, i int, again bool) error {
	if again && f.first[i] < len(f.columns) && !f.columns[f.first[i]].moves {
		return nil
	}
	f.first[i], f.said[i] = len(f.columns), nil
	for k := range f.columns {
		c := &f.columns[k]
		if c.follows != nil || (again && !c.moves) {
			continue
		}
		if st := c.plugin.Filter(ctx, f.state, f.pod, f.world.infos[i]); !st.IsSuccess() {
			if !st.IsRejected() {
				return errorf("running %q filter plugin: %v", c.plugin.Name(), st.AsError())
			}
			f.first[i], f.said[i] = k, st.WithPlugin(c.plugin.Name())
			return nil
		}
	}
	return nil
}

// fits reports whether every column lets the node pass.
func (f *fast) fits(i int) bool {
	if f.first[i] < len(f.columns) {
		return false
	}
	for _, x := range f.followers {
		if !x.ok(i) {
			return false
		}
	}
	return true
}

// status returns the first rejecting column's status of the node.
func (f *fast) status(i int) *fwk.Status {
	for k := range f.columns {
		if k == f.first[i] {
			break
		}
		if x := f.columns[k].follows; x != nil {
			if st := x.status(i); st != nil {
				return st
			}
		}
	}
	return f.said[i]
}

// fitError returns kube-scheduler's error for a pod that no node takes.
func (f *fast) fitError() *framework.FitError {
	d := framework.Diagnosis{NodeToStatus: framework.NewDefaultNodeToStatus()}
	for i, n := range f.world.infos {
		st := f.status(i)
		d.NodeToStatus.Set(n.Node().Name, st)
		d.AddPluginStatus(st)
	}
	return &framework.FitError{Pod: f.pod, NumAllNodes: len(f.world.infos), Diagnosis: d}
}

// find lists the feasible nodes as findNodesThatPassFilters would with one worker. It returns the
// number of nodes it passed.
func (f *fast) find() (processed int) {
	for _, x := range f.followers {
		x.prepare()
	}
	n := len(f.world.infos)
	wanted := feasibleWanted(f.p.percentage, n)
	f.list = f.list[:0]
	at := f.next
	for k := 0; k < n; k++ {
		if f.fits(at) {
			if len(f.list) == wanted {
				return k
			}
			f.list = append(f.list, int32(at))
		}
		if at++; at == n {
			at = 0
		}
	}
	return n
}

// whole reports that the feasible list changes only where a pod was placed: nothing is followed and
// nothing sampled.
func (f *fast) whole() bool {
	return len(f.followers) == 0 && feasibleWanted(f.p.percentage, len(f.world.infos)) >= len(f.world.infos)
}

// choose finds the node for the next replica. ok is false when there is none.
func (f *fast) choose(ctx context.Context) (place int, ok bool, err error) {
	if !f.valid || !f.whole() {
		f.next = (f.next + f.find()) % len(f.world.infos)
		f.valid = false
	}
	if len(f.list) == 0 {
		return 0, false, nil
	}
	if len(f.list) == 1 {
		return 0, true, nil
	}
	if !f.valid || f.scores.moving() {
		if err := f.scores.total(ctx, f); err != nil {
			return 0, false, err
		}
		f.valid = true
	}
	return f.scores.top(), true, nil
}

// put places a replica on the node at a place of the list and brings everything up to date.
func (f *fast) put(ctx context.Context, place int, p *podInfo) error {
	i := int(f.list[place])
	f.world.add(i, p)
	for _, x := range f.followers {
		x.place(i)
	}
	if err := f.ask(ctx, i, true); err != nil {
		return err
	}
	if err := f.scores.place(ctx, f, i); err != nil {
		return err
	}
	if !f.valid || !f.whole() || f.scores.moving() {
		if f.whole() && !f.fits(i) { // only the scores are made anew
			f.list = append(f.list[:place], f.list[place+1:]...)
		}
		return nil
	}
	if f.fits(i) {
		f.scores.set(place, f.scores.sum(place, i))
		return nil
	}
	f.list = append(f.list[:place], f.list[place+1:]...)
	f.valid = f.scores.leave(place, i)
	return nil
}
