package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/internal/stream"
)

// pods are the workload's pods.
//
// A pod has a slot of its own while its kubelet has work with it. That is from its binding until
// it is reported Ready, and again from its first crash on. All others are mere numbers on their
// nodes: node.serving counts all, and pods.away says how many of these do not serve.
type pods struct {
	*cluster
	slots            []pod
	unused           []int32 // slots
	away             []away  // by node
	pending, running int     // created and not bound; bound
	idle             int     // bound and not serving
	crashers         int     // that have crashed
	fresh            int     // that have never been Ready
	crashEvery       time.Duration
	binding          []int32 // whose Binding has not landed, in order
	draws            stream.Source
}

// pod is a pod with a slot.
type pod struct {
	node  int32
	next  int32  // slot of the next pod of its node, plus one; 0: none
	gen   uint32 // of the slot
	turn  uint32 // generation of its timer
	phase podPhase

	// Its status.
	ready bool // the Ready condition stored
	told  bool // the Ready condition in the report under way
	owed  bool // its kubelet has a status to report
	fresh bool // it has never been Ready

	// Its start.
	parked bool          // it waits for its kubelet or runtime
	failed bool          // something has failed before it ran
	step   uint8         // index into podSteps, while it prepares
	since  time.Duration // when it was bound, or exited last
	mount  time.Duration // backoff of its token's mount
	add    time.Duration // when the CNI plugin began
	served time.Duration // since when it serves

	views uint8 // the Service's views that list it though it does not serve, by bit

	// Its crashes.
	crasher bool          // it has crashed
	loops   bool          // it crashes again and again
	waited  bool          // CrashLoopBackOff is reported
	backoff time.Duration // its kubelet's for its container; 0: no crash yet
	updated time.Duration // when that backoff was set

	spam   float64       // Events that its kubelet may still write of it
	spamAt time.Duration // when spam was counted
}

// podPhase says what a pod waits for or does.
type podPhase uint8

// The phases.
const (
	podFree      podPhase = iota // the slot holds no pod
	podBinding                   // the Binding is on its way to etcd
	podPreparing                 // its token, then its sandbox and network
	podStarting                  // its containers start
	podServing
	podExited  // its container has exited, and the kubelet does not know
	podBackOff // the kubelet waits before it starts the container again
)

// away says which of a node's workload pods do not serve.
type away struct {
	idle      int32 // those that do not serve
	unready   int32 // those not Ready in etcd by their kubelet's own report
	slots     int32 // the first slot of its pods, plus one; 0: none
	reporting bool  // its kubelet sends a status
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

// serves reports whether the pod answers requests.
func (p *pod) serves() bool { return p.phase == podServing }

// take gives a slot to one of a node's pods. The node must count that pod already.
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
	ps.slots[i] = pod{
		node: node, next: n.slots, gen: ps.slots[i].gen, turn: ps.slots[i].turn,
		phase: phase, ready: true, since: ps.now, spam: spamBurst, spamAt: ps.now,
	}
	n.slots = i + 1
	return i
}

// giveBack frees a slot. Its pod is a mere number again, or is gone.
func (ps *pods) giveBack(i int32) {
	p := &ps.slots[i]
	at := &ps.away[p.node].slots
	for *at != i+1 {
		at = &ps.slots[*at-1].next
	}
	*at = p.next
	if p.crasher {
		ps.crashers--
	}
	ps.clearFresh(p)
	p.phase = podFree
	p.gen++
	p.turn++
	ps.unused = append(ps.unused, i)
}

// clearFresh counts a pod no longer as fresh.
func (ps *pods) clearFresh(p *pod) {
	if p.fresh {
		p.fresh = false
		ps.fresh--
	}
}

// key returns a slot and its generation in one number, to be sent as the version of a request.
func (ps *pods) key(i int32) uint32 { return uint32(i)<<8 | ps.slots[i].gen&0xff }

// of returns the slot of a key, or false if its pod is gone.
func (ps *pods) of(key uint32) (int32, bool) {
	i := int32(key >> 8)
	return i, ps.slots[i].phase != podFree && ps.slots[i].gen&0xff == key&0xff
}

// plain returns how many of the workload's pods on a node have no slot.
func (ps *pods) plain(node int32) int32 {
	n := ps.nodes[node].serving
	for at := ps.away[node].slots; at > 0; at = ps.slots[at-1].next {
		n--
	}
	return n
}

// storedReady returns how many of the workload's pods on a node are Ready in etcd.
func (ps *pods) storedReady(node int32) int32 {
	n := &ps.nodes[node]
	return max(0, min(n.serving, n.pods-n.marked)-ps.away[node].unready)
}

// serves lets a pod answer requests from now on. In the rules that list its address it is alive
// again.
func (ps *pods) serves(i int32) {
	p := &ps.slots[i]
	p.phase, p.served = podServing, ps.now
	ps.away[p.node].idle--
	ps.idle--
	ps.proxies.revives(p)
	ps.users.changed()
}

// ceases ends a pod's service, if it serves, and moves it to another phase.
func (ps *pods) ceases(i int32, phase podPhase) {
	p := &ps.slots[i]
	if p.serves() {
		ps.proxies.dies(p, p.ready && ps.storedReady(p.node) > 0)
		ps.away[p.node].idle++
		ps.idle++
	}
	p.phase = phase
}

// goOn does the next thing that a pod's kubelet does with it, or makes it crash. A pod whose
// kubelet or runtime is away waits.
func (ps *pods) goOn(i int32) {
	p := &ps.slots[i]
	k := &ps.kubelets.list[p.node]
	if k.stalled && p.phase != podServing || k.silent && p.phase == podPreparing {
		p.parked = true
		return
	}
	switch p.phase {
	case podBinding:
		ps.bound(i)
	case podPreparing:
		ps.prepare(i)
	case podStarting:
		ps.runs(i)
	case podServing:
		if p.loops {
			ps.exits(i, story.ByScenario)
		}
	case podExited, podBackOff:
		ps.restart(i)
	}
}

// goOnIn sets the pod's timer.
func (ps *pods) goOnIn(i int32, wait time.Duration) {
	ps.slots[i].turn++
	ps.at(ps.now+wait, evPod, i, ps.slots[i].turn)
}

// unpark goes on with the pods of a node whose kubelet or runtime is back.
func (ps *pods) unpark(node int32) {
	for at := ps.away[node].slots; at > 0; at = ps.slots[at-1].next {
		if p := &ps.slots[at-1]; p.parked {
			p.parked = false
			ps.goOnIn(at-1, 0)
		}
	}
	ps.reportsWake(node)
}

// deleteIdle deletes up to n of the workload's pods that are not Ready, and returns how many. The
// ReplicaSet controller takes these first, after the pods on no node.
func (ps *pods) deleteIdle(n int) int {
	left := n
	for i := range ps.slots {
		if p := &ps.slots[i]; left > 0 && p.phase != podFree && !p.ready {
			ps.drop(int32(i))
			left--
		}
	}
	return n - left
}

// drop deletes a pod that has a slot.
func (ps *pods) drop(i int32) {
	p := &ps.slots[i]
	n := &ps.nodes[p.node]
	if p.serves() {
		ps.ceases(i, podExited)
	}
	n.serving--
	n.pods--
	ps.away[p.node].idle--
	ps.idle--
	ps.running--
	if !p.ready {
		ps.away[p.node].unready--
		ps.rec.creating = max(ps.rec.creating, p.creating(ps.now))
	}
	ps.giveBack(i)
}

// dropFrom deletes `count` pods of a node, those without a slot first.
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
