package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
)

// lifecycle is the node lifecycle controller,
// pkg/controller/nodelifecycle/node_lifecycle_controller.go.
//
// It makes a pass over all nodes, 5 s after the last one ended, with eight workers on one 20-QPS
// client that its Events share. It looks for nodes whose Lease it has not seen renewed for the
// grace period. Such a node is looked up live (the circuit breaker, since 1.33 or so; absent in
// 1.29). Then it is written NotReady, and its pods are marked one by one.
type lifecycle struct {
	*cluster
	limit   limiter
	breaker bool // looks at a Lease live before its node is written NotReady

	// The pass.
	order   []int32 // in which a pass takes the nodes: a lister's order is a map's
	cursor  int     // in order: the next node
	running bool
	pass    uint32 // generation of the timer of the next pass
	workers [monitorWorkers]lifeWorker

	// The Events.
	events  int  // that the recorder still has to post
	posting bool // one goroutine posts them

	notReady  int  // nodes
	disrupted bool // every node is NotReady: evictions stop

	// Taints that evict.
	tainting   []int32       // nodes that wait for a NoExecute taint
	taintNext  time.Duration // the earliest time for the next taint
	evictLimit limiter       // of the client that deletes pods
}

// lifeWorker is one of the workers of a pass.
type lifeWorker struct {
	step  lifeStep
	node  int32
	left  int32 // pods still to mark
	tries int   // to write the node NotReady
	ready bool  // Ready as the pass first observed it
}

// lifeStep says which request a worker waits for.
type lifeStep uint8

// The steps.
const (
	lifeIdle    lifeStep = iota // none
	lifeBreaker                 // a live GET of the Lease
	lifeStatus                  // the PUT of the Node as NotReady
	lifeGet                     // a GET of the Node after that PUT failed
	lifePods                    // the PUT of a pod as not ready
)

const (
	monitorPeriod  = 5 * time.Second
	monitorWorkers = 8
)

// start draws the order in which a pass takes the nodes.
func (lc *lifecycle) start(c *cluster) {
	n := c.s.Nodes
	lc.cluster, lc.breaker = c, *c.s.LeaseBreaker
	lc.limit, lc.evictLimit = newLimiter(20, 30), newLimiter(20, 30)
	lc.order, lc.tainting = make([]int32, n), make([]int32, 0, n)
	for i := range lc.order {
		j := c.probeDraws.Below(i + 1)
		lc.order[i] = lc.order[j]
		lc.order[j] = int32(i)
	}
}

// monitorIn plans the next pass, instead of any that was planned.
func (lc *lifecycle) monitorIn(wait time.Duration) {
	lc.pass++
	lc.at(lc.now+wait, evMonitor, 0, lc.pass)
}

// monitor begins a pass.
func (lc *lifecycle) monitor() {
	if lc.running || !lc.electors.list[controllers].working {
		return
	}
	lc.running, lc.cursor = true, 0
	for w := range lc.workers {
		if lc.workers[w].step == lifeIdle {
			lc.next(int32(w))
		}
	}
	lc.passDone()
}

// next gives a worker its next node. Nodes that need no request take no time.
func (lc *lifecycle) next(w int32) {
	k := &lc.workers[w]
	k.step = lifeIdle
	for lc.cursor < len(lc.nodes) {
		i := lc.order[lc.cursor]
		lc.cursor++
		if lc.inspect(w, i) {
			return
		}
	}
}

// inspect looks at a node and reports whether its worker now waits for a request.
func (lc *lifecycle) inspect(w, i int32) bool {
	n := &lc.nodes[i]
	if n.seenLease != n.lease {
		n.seenLease, n.probed = n.lease, lc.now
	}
	k := &lc.workers[w]
	if lc.now <= n.probed+lc.s.Leases.Grace {
		if n.retry && n.notReady {
			return lc.markPods(w, i)
		}
		return false
	}
	k.node, k.tries, k.ready = i, 0, !n.notReady
	if lc.breaker {
		k.step = lifeBreaker
		lc.askVia(&lc.limit, forBreaker, i, 0)
		return true
	}
	return lc.writeNotReady(w)
}

// writeNotReady writes a worker's node NotReady, and reports whether the worker now waits. The
// node may be written already, perhaps by a request that timed out.
func (lc *lifecycle) writeNotReady(w int32) bool {
	k := &lc.workers[w]
	n := &lc.nodes[k.node]
	if n.notReady {
		if n.retry {
			return lc.markPods(w, k.node)
		}
		return false
	}
	k.step = lifeStatus
	k.tries++
	lc.askVia(&lc.limit, forNotReady, k.node, n.object)
	return true
}

// markPods marks the node's pods not ready, one PUT after the other. It reports whether the worker
// now waits.
func (lc *lifecycle) markPods(w, i int32) bool {
	k := &lc.workers[w]
	n := &lc.nodes[i]
	k.node, k.left = i, n.pods-lc.pods.away[i].unready-n.marked
	if k.left <= 0 {
		n.retry = false
		return false
	}
	k.step = lifePods
	lc.recordEvents(int(k.left))
	lc.askVia(&lc.limit, forMarkPod, i, 0)
	return true
}

// reply goes on with the worker of a node. Answers to a process that has exited find no worker.
func (lc *lifecycle) reply(i int32, why purpose, c code) {
	w := lc.workerOf(i)
	if w < 0 {
		return
	}
	k := &lc.workers[w]
	n := &lc.nodes[k.node]
	waits := false
	switch {
	case why == forBreaker:
		if c == ok && n.lease == n.seenLease {
			waits = lc.writeNotReady(w)
		}
	case why == forNotReady && c == ok:
		lc.recordEvents(1)
		waits = lc.markPods(w, k.node)
	case why == forNotReady && k.tries < 2:
		k.step = lifeGet
		lc.askVia(&lc.limit, forNotReadyGet, i, 0)
		waits = true
	case why == forNotReadyGet && c == ok:
		waits = lc.writeNotReady(w)
	case why == forMarkPod:
		if c != ok {
			n.retry = true
			break
		}
		if k.left--; k.left > 0 {
			lc.askVia(&lc.limit, forMarkPod, i, 0)
			return
		}
		n.retry = false
	}
	if !waits {
		lc.next(w)
		lc.passDone()
	}
}

// workerOf returns the worker that handles the node, -1 if none does.
func (lc *lifecycle) workerOf(node int32) int32 {
	for w := range lc.workers {
		if lc.workers[w].step != lifeIdle && lc.workers[w].node == node {
			return int32(w)
		}
	}
	return -1
}

// passDone ends the pass when no worker has anything left to do.
func (lc *lifecycle) passDone() {
	if !lc.running || lc.cursor < len(lc.nodes) {
		return
	}
	for w := range lc.workers {
		if lc.workers[w].step != lifeIdle {
			return
		}
	}
	lc.running = false
	lc.disruption()
	lc.monitorIn(monitorPeriod)
}

// becameNotReady acts on a node whose stored Ready condition is no longer True. It taints the node
// and changes the scheduler's message.
func (lc *lifecycle) becameNotReady(i int32) {
	lc.sched.catchUp() // while pods may still be placed on the node
	n := &lc.nodes[i]
	n.notReady = true
	lc.notReady++
	lc.note(story.NodeNotReady, "", lc.blame(i))
	lc.taint(i)
	lc.tainting = append(lc.tainting, i)
	lc.sched.messageChanged()
	lc.kubelets.statusWake(i, lc.now)
}

// blame returns why a node was marked NotReady: its kubelet is silent, its runtime hangs, or its
// renewals do not land.
func (lc *lifecycle) blame(i int32) story.Cause {
	switch {
	case lc.kubelets.list[i].silent:
		return story.BySilence
	case lc.kubelets.list[i].unhealthy:
		return story.ByRuntime
	}
	return story.L1
}

// becameReady acts on a node whose stored Ready condition is True again. It takes back what
// becameNotReady has done.
func (lc *lifecycle) becameReady(i int32) {
	n := &lc.nodes[i]
	n.notReady, n.retry = false, false
	lc.notReady--
	lc.note(story.NodeReady, "", story.ByRecovery)
	n.evictAt = 0
	lc.taint(i)
	lc.sched.messageChanged()
	lc.kubelets.podsWake(i)
}

// podMarked handles a pod's Ready condition that has become False in etcd. A kubelet that is back
// reports otherwise.
func (lc *lifecycle) podMarked(i int32) {
	n := &lc.nodes[i]
	if n.marked < n.pods-lc.pods.away[i].unready {
		n.marked++
		lc.endpoints.changed()
	}
	if !n.notReady || lc.kubelets.list[i].unhealthy {
		lc.kubelets.podsWake(i)
	}
}
