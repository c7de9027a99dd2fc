package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/internal/stream"
)

// A pod of the workload has a slot of its own while its kubelet has work with it: from its binding until it is reported Ready, and again from
// its first crash on. All others are numbers on their nodes: node.serving counts all, and what of them is away from the service is in
// plane.away.
type pod struct {
	node    int32
	next    int32 // in its node's list, one more than the slot; 0 ends it
	gen     uint32
	turn    uint32 // of its own timer: older ones are void
	phase   podPhase
	step    uint8         // of podSteps, while it prepares
	ready   bool          // the Ready condition stored
	told    bool          // what the status under way says of it
	owed    bool          // its kubelet has a status to report
	parked  bool          // waits for its kubelet or runtime
	failed  bool          // something has failed before it ran
	loops   bool          // crashes again and again
	waited  bool          // CrashLoopBackOff is reported
	crasher bool          // has crashed
	fresh   bool          // has never been Ready
	views   uint8         // which of the Service's views list it though it does not serve, by bit
	mount   time.Duration // backoff of its token's mount
	since   time.Duration // bound, or exited
	served  time.Duration // since when it serves
	add     time.Duration // when the CNI plugin began
	backoff time.Duration // kubelet's for its container; 0: no crash yet
	updated time.Duration // when that backoff was set
	spam    float64       // Events its kubelet may still write of it
	spamAt  time.Duration
}

// away is what of a node's workload pods does not serve.
type away struct {
	idle      int32 // those that do not serve
	unready   int32 // whose stored Ready condition is not True by their kubelet's own report
	slots     int32 // the first that has a slot, one more than it; 0: none
	reporting bool  // its kubelet sends a status
}

// pods are the workload's pods.
type pods struct {
	*cluster
	slots            []pod
	unused           []int32
	away             []away // by node
	pending, running int
	idle             int // bound and not serving
	crashers         int // that have crashed
	fresh            int // that have never been Ready
	crashEvery       time.Duration
	binding          []int32 // whose Binding has not landed, in order
	draws            stream.Source
}

// start spreads the pods that run over the nodes.
func (ps *pods) start(c *cluster) {
	s := c.s
	start := s.Workload.Start()
	ps.cluster, ps.running, ps.away = c, start, make([]away, s.Nodes)
	ps.draws.Reset(s.Seed, "pod")
	c.nodes = make([]node, s.Nodes)
	for i := range c.nodes {
		n := &c.nodes[i]
		n.serving = int32((start + s.Nodes - 1 - i) / s.Nodes)
		n.pods = n.serving + int32(s.OtherPods)
	}
}

type podPhase uint8

const (
	podFree      podPhase = iota
	podBinding            // the Binding is on its way to etcd
	podPreparing          // its token, then its sandbox and network
	podStarting           // its containers start
	podServing
	podExited // its container has exited, and the kubelet does not know
	podBackOff
)

// serves tells whether the pod answers requests.
func (d *pod) serves() bool { return d.phase == podServing }

// newPod takes a slot for one of a node's pods. It must be in the node's counts already.
func (ps *pods) take(node int32, phase podPhase) int32 {
	var i int32
	if n := len(ps.unused); n > 0 {
		i = ps.unused[n-1]
		ps.unused = ps.unused[:n-1]
	} else {
		ps.slots = append(ps.slots, pod{})
		i = int32(len(ps.slots) - 1)
	}
	n := &ps.away[node]
	ps.slots[i] = pod{node: node, next: n.slots, gen: ps.slots[i].gen, turn: ps.slots[i].turn, phase: phase, ready: true, since: ps.now, spam: spamBurst, spamAt: ps.now}
	n.slots = i + 1
	return i
}

// freePod gives a slot back: its pod is one of the node's numbers again, or is gone.
func (ps *pods) giveBack(i int32) {
	d := &ps.slots[i]
	at := &ps.away[d.node].slots
	for *at != i+1 {
		at = &ps.slots[*at-1].next
	}
	*at = d.next
	if d.crasher {
		ps.crashers--
	}
	ps.known(d)
	d.phase = podFree
	d.gen++
	d.turn++
	ps.unused = append(ps.unused, i)
}

// known is a pod that is fresh no more.
func (ps *pods) known(d *pod) {
	if d.fresh {
		d.fresh = false
		ps.fresh--
	}
}

// podKey is a slot and its generation, as the version of a request.
func (ps *pods) key(i int32) uint32 { return uint32(i)<<8 | ps.slots[i].gen&0xff }

// podOf is the slot of a key, or false if its pod is gone.
func (ps *pods) of(key uint32) (int32, bool) {
	i := int32(key >> 8)
	return i, ps.slots[i].phase != podFree && ps.slots[i].gen&0xff == key&0xff
}

// podIdle and podServes are a pod that ceases to serve and one that begins to.
func (ps *pods) ceases(i int32, phase podPhase) {
	d := &ps.slots[i]
	if d.serves() {
		ps.proxies.dies(d, d.ready && ps.storedReady(d.node) > 0)
		ps.away[d.node].idle++
		ps.idle++
	}
	d.phase = phase
}

func (ps *pods) serves(i int32) {
	d := &ps.slots[i]
	d.phase, d.served = podServing, ps.now
	ps.away[d.node].idle--
	ps.idle--
	ps.proxies.revives(d)
	ps.users.changed()
}

// storedReady is how many of the workload's pods on a node etcd holds to be ready.
func (ps *pods) storedReady(node int32) int32 {
	n := &ps.nodes[node]
	return max(0, min(n.serving, n.pods-n.marked)-ps.away[node].unready)
}

// podTimer is a pod's own time: the next thing that its kubelet does with it, or its next crash.
func (ps *pods) goOn(i int32) {
	d := &ps.slots[i]
	k := &ps.kubelets.list[d.node]
	if k.stalled && d.phase != podServing || k.silent && d.phase == podPreparing {
		d.parked = true
		return
	}
	switch d.phase {
	case podBinding:
		ps.bound(i)
	case podPreparing:
		ps.prepare(i)
	case podStarting:
		ps.runs(i)
	case podServing:
		if d.loops {
			ps.exits(i, story.ByScenario)
		}
	case podExited, podBackOff:
		ps.restart(i)
	}
}

// podIn sets the pod's timer.
func (ps *pods) goOnIn(i int32, wait time.Duration) {
	ps.slots[i].turn++
	ps.at(ps.now+wait, evPod, i, ps.slots[i].turn)
}

// unparkPods goes on with the pods of a node whose kubelet or runtime is back.
func (ps *pods) unpark(node int32) {
	for at := ps.away[node].slots; at > 0; at = ps.slots[at-1].next {
		if d := &ps.slots[at-1]; d.parked {
			d.parked = false
			ps.goOnIn(at-1, 0)
		}
	}
	ps.reportsWake(node)
}

// deleteIdle deletes up to n of the workload's pods that are not ready, which is whom the ReplicaSet controller takes first after those on no
// node, and says how many it were.
func (ps *pods) deleteIdle(n int) int {
	left := n
	for i := range ps.slots {
		if d := &ps.slots[i]; left > 0 && d.phase != podFree && !d.ready {
			ps.drop(int32(i))
			left--
		}
	}
	return n - left
}

// dropPod deletes a pod that has a slot.
func (ps *pods) drop(i int32) {
	d := &ps.slots[i]
	n := &ps.nodes[d.node]
	if d.serves() {
		ps.ceases(i, podExited)
	}
	n.serving--
	n.pods--
	ps.away[d.node].idle--
	ps.idle--
	ps.running--
	if !d.ready {
		ps.away[d.node].unready--
		ps.rec.creating = max(ps.rec.creating, d.creating(ps.now))
	}
	ps.giveBack(i)
}

// dropPods deletes pods of a node, those without a slot first.
func (ps *pods) dropFrom(node int32, count int) {
	n := &ps.nodes[node]
	slots := 0
	for at := ps.away[node].slots; at > 0; at = ps.slots[at-1].next {
		slots++
	}
	plain := min(count, int(n.serving)-slots)
	ps.proxies.lost(min(plain, int(ps.storedReady(node))))
	n.serving -= int32(plain)
	n.pods -= int32(plain)
	ps.running -= plain
	for range count - plain {
		ps.drop(ps.away[node].slots - 1)
	}
	ps.users.changed()
}
