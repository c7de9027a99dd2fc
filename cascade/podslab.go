package cascade

import "time"

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
func (p *plane) newPod(node int32, phase podPhase) int32 {
	var i int32
	if n := len(p.freePods); n > 0 {
		i = p.freePods[n-1]
		p.freePods = p.freePods[:n-1]
	} else {
		p.slots = append(p.slots, pod{})
		i = int32(len(p.slots) - 1)
	}
	n := &p.away[node]
	p.slots[i] = pod{node: node, next: n.slots, gen: p.slots[i].gen, turn: p.slots[i].turn, phase: phase, ready: true, since: p.now, spam: spamBurst, spamAt: p.now}
	n.slots = i + 1
	return i
}

// freePod gives a slot back: its pod is one of the node's numbers again, or is gone.
func (p *plane) freePod(i int32) {
	d := &p.slots[i]
	at := &p.away[d.node].slots
	for *at != i+1 {
		at = &p.slots[*at-1].next
	}
	*at = d.next
	if d.crasher {
		p.crashers--
	}
	p.known(d)
	d.phase = podFree
	d.gen++
	d.turn++
	p.freePods = append(p.freePods, i)
}

// known is a pod that is fresh no more.
func (p *plane) known(d *pod) {
	if d.fresh {
		d.fresh = false
		p.fresh--
	}
}

// podKey is a slot and its generation, as the version of a request.
func (p *plane) podKey(i int32) uint32 { return uint32(i)<<8 | p.slots[i].gen&0xff }

// podOf is the slot of a key, or false if its pod is gone.
func (p *plane) podOf(key uint32) (int32, bool) {
	i := int32(key >> 8)
	return i, p.slots[i].phase != podFree && p.slots[i].gen&0xff == key&0xff
}

// podIdle and podServes are a pod that ceases to serve and one that begins to.
func (p *plane) podIdle(i int32, phase podPhase) {
	d := &p.slots[i]
	if d.serves() {
		p.rules.dies(d, d.ready && p.storedReady(d.node) > 0)
		p.away[d.node].idle++
		p.idle++
	}
	d.phase = phase
}

func (p *plane) podServes(i int32) {
	d := &p.slots[i]
	d.phase, d.served = podServing, p.now
	p.away[d.node].idle--
	p.idle--
	p.rules.revives(d)
	p.usersChanged()
}

// storedReady is how many of the workload's pods on a node etcd holds to be ready.
func (p *plane) storedReady(node int32) int32 {
	n := &p.nodes[node]
	return max(0, min(n.serving, n.pods-n.marked)-p.away[node].unready)
}

// podTimer is a pod's own time: the next thing that its kubelet does with it, or its next crash.
func (p *plane) podTimer(i int32) {
	d := &p.slots[i]
	k := &p.kubelets[d.node]
	if k.stalled && d.phase != podServing || k.silent && d.phase == podPreparing {
		d.parked = true
		return
	}
	switch d.phase {
	case podBinding:
		p.podBound(i)
	case podPreparing:
		p.podAsk(i)
	case podStarting:
		p.podRuns(i)
	case podServing:
		if d.loops {
			p.podCrash(i, ByScenario)
		}
	case podExited, podBackOff:
		p.podRestart(i)
	}
}

// podIn sets the pod's timer.
func (p *plane) podIn(i int32, wait time.Duration) {
	p.slots[i].turn++
	p.queue.Push(p.now+wait, evPod, i, p.slots[i].turn)
}

// unparkPods goes on with the pods of a node whose kubelet or runtime is back.
func (p *plane) unparkPods(node int32) {
	for at := p.away[node].slots; at > 0; at = p.slots[at-1].next {
		if d := &p.slots[at-1]; d.parked {
			d.parked = false
			p.podIn(at-1, 0)
		}
	}
	p.reportsWake(node)
}

// deleteIdle deletes up to n of the workload's pods that are not ready, which is whom the ReplicaSet controller takes first after those on no
// node, and says how many it were.
func (p *plane) deleteIdle(n int) int {
	left := n
	for i := range p.slots {
		if d := &p.slots[i]; left > 0 && d.phase != podFree && !d.ready {
			p.dropPod(int32(i))
			left--
		}
	}
	return n - left
}

// dropPod deletes a pod that has a slot.
func (p *plane) dropPod(i int32) {
	d := &p.slots[i]
	n := &p.nodes[d.node]
	if d.serves() {
		p.podIdle(i, podExited)
	}
	n.serving--
	n.pods--
	p.away[d.node].idle--
	p.idle--
	p.running--
	if !d.ready {
		p.away[d.node].unready--
		p.rec.creating = max(p.rec.creating, d.creating(p.now))
	}
	p.freePod(i)
}

// dropPods deletes pods of a node, those without a slot first.
func (p *plane) dropPods(node int32, count int) {
	n := &p.nodes[node]
	slots := 0
	for at := p.away[node].slots; at > 0; at = p.slots[at-1].next {
		slots++
	}
	plain := min(count, int(n.serving)-slots)
	p.rules.lost(min(plain, int(p.storedReady(node))))
	n.serving -= int32(plain)
	n.pods -= int32(plain)
	p.running -= plain
	for range count - plain {
		p.dropPod(p.away[node].slots - 1)
	}
	p.usersChanged()
}

// powerOff takes the power from the first n nodes for so long. What runs there is gone; etcd holds the pods to be ready until the node lifecycle
// controller marks them. With the power back the kubelet makes every sandbox anew (kuberuntime_manager.go, SandboxChanged).
func (p *plane) powerOff(n int, length time.Duration) {
	p.note(NodesDown, itoa(n)+" nodes", ByScenario)
	for i := range int32(n) {
		p.silence(i)
		for range p.plainPods(i) {
			p.newPod(i, podServing)
		}
		for at := p.away[i].slots; at > 0; at = p.slots[at-1].next {
			d := &p.slots[at-1]
			if d.phase != podBinding {
				p.podIdle(at-1, podPreparing)
				d.step, d.parked, d.since = 0, true, p.now
				d.turn++
			}
		}
		p.queue.Push(p.now+length, evPower, i, p.kubelets[i].leaseGen)
	}
	p.usersChanged()
}

// powerOn boots a node.
func (p *plane) powerOn(node int32) {
	p.note(NodesUp, "", ByScenario)
	for at := p.away[node].slots; at > 0; at = p.slots[at-1].next {
		p.slots[at-1].owed = p.slots[at-1].phase != podBinding
	}
	p.awake(node)
}
