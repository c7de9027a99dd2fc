package capacity

import (
	"math"
	"slices"
	"sort"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// dryRun tries on one full node whether pods of lower priority can give way.
type dryRun struct {
	q     *question
	p     *probe
	node  int
	room  int // replicas that fit without eviction, all placed
	slots int64
	free  []int64 // by need of the probe, with those replicas placed
	taken []hostPort
	lower []victim // in the order the scheduler has them
}

// victim is a pod that may be evicted.
type victim struct {
	pod   *corev1.Pod
	uses  []int64 // by need of the probe
	ports []hostPort
	order int // among the pods of the node
}

func (q *question) newDryRun(p *probe, v *view, node, room int) *dryRun {
	d := &dryRun{q: q, p: p, node: node, room: room}
	d.slots = v.free[colPods][node] - int64(room)
	d.free = make([]int64, len(p.needs))
	for k, n := range p.needs {
		if n.column >= 0 {
			d.free[k] = v.free[n.column][node] - int64(room)*n.want
		}
	}
	d.taken = slices.Clone(v.ports[int32(node)])
	if room > 0 {
		d.taken = append(d.taken, p.ports...)
	}
	t := q.table
	for order, id := range t.podIDs[t.podsFrom[node]:t.podsFrom[node+1]] {
		if pod := q.state.Pods[id]; priorityOf(pod) < p.priority {
			d.lower = append(d.lower, d.newVictim(pod, order))
		}
	}
	return d
}

func (d *dryRun) newVictim(pod *corev1.Pod, order int) victim {
	var use usage
	use.of(pod)
	v := victim{pod: pod, uses: make([]int64, len(d.p.needs)), ports: addHostPorts(nil, &pod.Spec), order: order}
	for k, n := range d.p.needs {
		v.uses[k] = use.named(n.name)
	}
	return v
}

// named returns the use of one resource.
func (u *usage) named(name corev1.ResourceName) int64 {
	switch name {
	case corev1.ResourceCPU:
		return u.cpu
	case corev1.ResourceMemory:
		return u.memory
	case corev1.ResourceEphemeralStorage:
		return u.ephemeral
	}
	for _, s := range u.scalars {
		if s.name == name {
			return s.value
		}
	}
	return 0
}

// leave and stay take a victim off the node and put it back. The scheduler keeps the ports of a
// node as a set, so a pod that leaves also frees a port that another pod still has.
func (d *dryRun) leave(v *victim) { d.move(v, 1) }
func (d *dryRun) stay(v *victim)  { d.move(v, -1) }

func (d *dryRun) move(v *victim, sign int64) {
	d.slots += sign
	for k := range d.free {
		d.free[k] += sign * v.uses[k]
	}
	for _, port := range v.ports {
		d.taken = slices.DeleteFunc(d.taken, func(other hostPort) bool { return other == port })
		if sign < 0 {
			d.taken = append(d.taken, port)
		}
	}
}

// status returns the reason that one more replica does not fit now, or 0. It asks NodePorts, then
// NodeResourcesFit, then NodeDeclaredFeatures. The filters before them have let the pod pass.
func (d *dryRun) status() status {
	if anyConflict(d.p.ports, d.taken) {
		return statusPorts
	}
	var stop status
	if d.slots < 1 {
		stop = statusPods
	}
	for k, n := range d.p.needs {
		if d.free[k] < n.want {
			stop |= statusPods << (k + 1)
		}
	}
	if stop == 0 && d.p.lacksFeatures(d.q.state.Nodes[d.node]) {
		return statusFeatures
	}
	return stop
}

// more returns how many more replicas the node would hold without any pod of lower priority.
func (d *dryRun) more() int {
	for i := range d.lower {
		d.leave(&d.lower[i])
	}
	defer func() {
		for i := range d.lower {
			d.stay(&d.lower[i])
		}
	}()
	if d.status() != 0 {
		return 0
	}
	if len(d.p.ports) > 0 {
		return 1
	}
	room := d.slots
	for k, n := range d.p.needs {
		room = min(room, d.free[k]/n.want)
	}
	return clampInt(room)
}

// run evicts every pod of lower priority. Then it takes back those that leave room for the replica:
// first those that a disruption budget protects, and the most important before the others
// (P/defaultpreemption/default_preemption.go, SelectVictimsOnNode).
//
// It returns the status that still keeps the replica away, or 0.
func (d *dryRun) run() (candidate, status) {
	for i := range d.lower {
		d.leave(&d.lower[i])
	}
	if stop := d.status(); stop != 0 {
		return candidate{}, stop
	}
	lower := slices.Clone(d.lower)
	sort.Slice(lower, func(i, j int) bool { return lower[i].before(&lower[j]) })
	guarded, others := d.q.splitByBudget(lower)
	c := candidate{node: d.node}
	for i := range guarded {
		if d.evicted(&guarded[i].victim) {
			c.victims = append(c.victims, guarded[i].victim)
			c.violations += guarded[i].violations
		}
	}
	for i := range others {
		if d.evicted(&others[i]) {
			c.victims = append(c.victims, others[i])
		}
	}
	if len(guarded) > 0 && len(others) > 0 {
		sort.Slice(c.victims, func(i, j int) bool { return c.victims[i].before(&c.victims[j]) })
	}
	return c, 0
}

// evicted puts the victim back and takes it away again if the replica then lacks room.
func (d *dryRun) evicted(v *victim) bool {
	d.stay(v)
	if d.status() == 0 {
		return false
	}
	d.leave(v)
	return true
}

// before orders victims by importance: by priority, then by how long they have run. A pod that has
// not started is the youngest (framework/preemption/util.go:60, MoreImportantVictim).
func (v *victim) before(other *victim) bool {
	if a, b := priorityOf(v.pod), priorityOf(other.pod); a != b {
		return a > b
	}
	a, b := v.pod.Status.StartTime, other.pod.Status.StartTime
	if a == nil && b == nil {
		return v.order < other.order
	}
	return started(a) < started(b)
}

// started returns a start time as a number. No start time is later than any.
func started(t *metav1.Time) int64 {
	if t == nil {
		return math.MaxInt64
	}
	return t.UnixNano()
}
