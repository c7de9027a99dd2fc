package capacity

import (
	"math"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	schedulingcorev1 "k8s.io/component-helpers/scheduling/corev1"

	"github.com/redline-go/redline/internal/cluster"
)

// Every table has these columns. Extended resources and huge pages follow.
const (
	colPods = iota
	colCPU  // thousandths of a core
	colMemory
	colEphemeral
	basicColumns
)

// table holds the nodes as columns of numbers: the content of kube-scheduler's NodeInfo, laid out
// so that a count over 100,000 nodes reads memory in order.
type table struct {
	names  []string
	places []place
	words  *words
	alloc  [][]int64 // by column, by node
	free   [][]int64 // allocatable less the requests of pods; may be negative
	// exact says, by column, that all its numbers are small enough for the scan.
	exact []bool
	// column finds a resource other than the basic ones.
	column map[corev1.ResourceName]int
	// taints holds, by node, the index into taintClasses. Class 0 has no taints.
	taints       []int32
	taintClasses []taintClass
	ports        map[int32][]hostPort // by node, those that pods hold there
	// podsFrom and podIDs list the pods of node i as podIDs[podsFrom[i]:podsFrom[i+1]]. They are
	// indices into state.Pods in the order the objects were given.
	podsFrom, podIDs []int32
	lowest           []int32 // by node, the lowest priority of a pod there, or MaxInt32
	lowestOfAll      int32
	nominated        []nominated
	antiAffinity     []antiAffinityTerm
}

// taintClass groups nodes that are alike for NodeUnschedulable and TaintToleration.
type taintClass struct {
	unschedulable bool
	taints        []corev1.Taint // NoSchedule and NoExecute only
}

// nominated is a waiting pod for which kube-scheduler has evicted others from a node.
type nominated struct {
	pod  *corev1.Pod
	node int32
}

func newTable(state *cluster.State) (*table, error) {
	n := len(state.Nodes)
	t := &table{
		names: make([]string, n), taints: make([]int32, n), lowest: make([]int32, n),
		column: map[corev1.ResourceName]int{}, ports: map[int32][]hostPort{},
	}
	for range basicColumns {
		t.addColumn()
	}
	t.lowestOfAll = math.MaxInt32
	t.taintClasses = []taintClass{{}}
	classes := map[string]int32{"": 0}
	for i, node := range state.Nodes {
		t.names[i] = node.Name
		t.lowest[i] = math.MaxInt32
		t.taints[i] = t.classOf(node, classes)
		t.addAllocatable(i, node.Status.Allocatable)
	}
	for c := range t.free {
		copy(t.free[c], t.alloc[c])
	}
	t.gatherNames()
	t.addPods(state)
	t.measure()
	t.antiAffinity = antiAffinityTerms(state)
	return t, nil
}

// gatherNames lays the names of all nodes side by side, and the places that answers refer to. To
// the garbage collector an answer then refers to one object instead of thousands.
func (t *table) gatherNames() {
	all := strings.Join(t.names, "")
	t.places, t.words = make([]place, len(t.names)), newWords()
	for i, name := range t.names {
		t.names[i], all = all[:len(name)], all[len(name):]
		t.places[i] = place{t.names[i], t.words}
	}
}

func (t *table) addColumn() int {
	n := len(t.names)
	t.alloc = append(t.alloc, make([]int64, n))
	t.free = append(t.free, make([]int64, n))
	return len(t.alloc) - 1
}

// columnOf returns the column of a resource, and makes one when the resource is first seen.
func (t *table) columnOf(name corev1.ResourceName) int {
	c, ok := t.column[name]
	if !ok {
		c = t.addColumn()
		t.column[name] = c
	}
	return c
}

func (t *table) addAllocatable(i int, list corev1.ResourceList) {
	for name, q := range list {
		switch name {
		case corev1.ResourcePods:
			t.alloc[colPods][i] = q.Value()
		case corev1.ResourceCPU:
			t.alloc[colCPU][i] = q.MilliValue()
		case corev1.ResourceMemory:
			t.alloc[colMemory][i] = q.Value()
		case corev1.ResourceEphemeralStorage:
			t.alloc[colEphemeral][i] = q.Value()
		default:
			if isScalar(name) {
				t.alloc[t.columnOf(name)][i] = q.Value()
			}
		}
	}
}

func (t *table) classOf(node *corev1.Node, classes map[string]int32) int32 {
	class := taintClass{unschedulable: node.Spec.Unschedulable}
	for _, taint := range node.Spec.Taints {
		if taint.Effect == corev1.TaintEffectNoSchedule || taint.Effect == corev1.TaintEffectNoExecute {
			class.taints = append(class.taints, taint)
		}
	}
	key := class.key()
	id, ok := classes[key]
	if !ok {
		id = int32(len(t.taintClasses))
		classes[key] = id
		t.taintClasses = append(t.taintClasses, class)
	}
	return id
}

func (c taintClass) key() string {
	if !c.unschedulable && len(c.taints) == 0 {
		return ""
	}
	var b strings.Builder
	if c.unschedulable {
		b.WriteByte('u')
	}
	for _, taint := range c.taints {
		for _, part := range []string{"\x00", taint.Key, "\x01", taint.Value, "\x01", string(taint.Effect)} {
			b.WriteString(part)
		}
	}
	return b.String()
}

// addPods charges every bound pod to its node.
func (t *table) addPods(state *cluster.State) {
	t.podsFrom = make([]int32, len(t.names)+1)
	for _, node := range state.NodeOf {
		if node >= 0 {
			t.podsFrom[node+1]++
		}
	}
	for i := range t.names {
		t.podsFrom[i+1] += t.podsFrom[i]
	}
	t.podIDs = make([]int32, t.podsFrom[len(t.names)])
	next := slices.Clone(t.podsFrom[:len(t.names)])
	var use usage
	for _, id := range state.PodOrder {
		pod, node := state.Pods[id], state.NodeOf[id]
		if node < 0 {
			t.nominate(pod)
			continue
		}
		t.podIDs[next[node]] = id
		next[node]++
		t.lowest[node] = min(t.lowest[node], schedulingcorev1.PodPriority(pod))
		t.lowestOfAll = min(t.lowestOfAll, t.lowest[node])
		use.of(pod)
		t.charge(node, &use, -1)
		if ports := addHostPorts(nil, &pod.Spec); ports != nil {
			t.ports[node] = append(t.ports[node], ports...)
		}
	}
}

// measure finds the columns that the scan can read.
func (t *table) measure() {
	t.exact = make([]bool, len(t.free))
	for c := range t.free {
		t.exact[c] = !slices.ContainsFunc(t.alloc[c], tooLarge) && !slices.ContainsFunc(t.free[c], tooLarge)
	}
	t.exact[colPods] = t.exact[colPods] &&
		!slices.ContainsFunc(t.alloc[colPods], func(n int64) bool { return n > maxRoom })
}

func tooLarge(n int64) bool { return n >= exactBelow || n <= -exactBelow }

// charge adds sign times the usage to the free amounts of a node.
func (t *table) charge(node int32, use *usage, sign int64) {
	t.free[colPods][node] += sign
	t.free[colCPU][node] += sign * use.cpu
	t.free[colMemory][node] += sign * use.memory
	t.free[colEphemeral][node] += sign * use.ephemeral
	for _, s := range use.scalars {
		t.free[t.columnOf(s.name)][node] += sign * s.value
	}
}

// nominate remembers a waiting pod for which room was made.
func (t *table) nominate(pod *corev1.Pod) {
	if pod.Status.NominatedNodeName == "" || pod.Spec.NodeName != "" || cluster.Finished(pod) {
		return
	}
	if i, ok := slices.BinarySearch(t.names, pod.Status.NominatedNodeName); ok {
		t.nominated = append(t.nominated, nominated{pod, int32(i)})
	}
}
