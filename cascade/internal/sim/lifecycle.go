package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
)

// The node lifecycle controller, pkg/controller/nodelifecycle/node_lifecycle_controller.go: a pass over all nodes 5 s after
// the last one ended, by eight workers on one 20-QPS client that its Events share. A node whose Lease the controller has
// not seen renewed for the grace period is looked up live (the circuit breaker, since 1.33 or so; absent in 1.29), then
// written NotReady, then its pods are marked one by one.

const (
	monitorPeriod  = 5 * time.Second
	monitorWorkers = 8
)

type lifeStep uint8

const (
	lifeIdle lifeStep = iota
	lifeBreaker
	lifeStatus
	lifeGet
	lifePods
)

type lifeWorker struct {
	step  lifeStep
	node  int32
	left  int32 // pods still to mark
	tries int
	ready bool // Ready as the pass first observed it
}

// lifecycle is the node lifecycle controller.
type lifecycle struct {
	*cluster
	cursor  int
	order   []int32 // in which a pass takes the nodes: a lister's is a map's
	running bool
	pass    uint32 // of the next pass: others in the queue are void
	workers [monitorWorkers]lifeWorker
	limit   limiter
	events  int  // Events the recorder still has to post
	posting bool // one goroutine posts them

	tainting  []int32 // NoExecute queue
	taintNext time.Duration
	notReady  int
	disrupted bool // every node NotReady: evictions stop

	evictLimit limiter // of the client that deletes pods
	breaker    bool    // a live look at a Lease before its node is marked NotReady
}

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

// lifeNext gives a worker its next node; nodes that need no request take no time.
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

// monitorIn begins the next pass so much later, instead of any that was to begin.
func (lc *lifecycle) monitorIn(wait time.Duration) {
	lc.pass++
	lc.at(lc.now+wait, evMonitor, 0, lc.pass)
}

// lifeNode looks at one node and says whether its worker now waits for a request.
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

func (lc *lifecycle) writeNotReady(w int32) bool {
	k := &lc.workers[w]
	n := &lc.nodes[k.node]
	if n.notReady {
		if n.retry {
			return lc.markPods(w, k.node)
		}
		return false // written before, perhaps by a request that timed out
	}
	k.step = lifeStatus
	k.tries++
	lc.askVia(&lc.limit, forNotReady, k.node, n.object)
	return true
}

func (lc *lifecycle) reply(i int32, why purpose, c code) {
	w := lc.workerOf(i)
	if w < 0 {
		return // of a process that has exited
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

// workerOf is which worker handles the node, -1 if none does.
func (lc *lifecycle) workerOf(node int32) int32 {
	for w := range lc.workers {
		if lc.workers[w].step != lifeIdle && lc.workers[w].node == node {
			return int32(w)
		}
	}
	return -1
}

// markPods marks the node's pods not ready, one PUT after the other.
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

// recordEvents queues Events on the controller's client: one goroutine posts them, one at a time.
func (lc *lifecycle) recordEvents(n int) {
	lc.events = min(lc.events+n, eventBuffer)
	if !lc.posting && lc.events > 0 {
		lc.posting = true
		lc.postEvent()
	}
}

// eventBuffer is how many Events client-go's broadcaster holds (tools/record/event.go, maxQueuedEvents x2: queue and watch).
const eventBuffer = 2000

func (lc *lifecycle) postEvent() { lc.askVia(&lc.limit, forNodeEvent, 0, 0) }

// eventPosted goes on with the next Event; one that failed in transport is tried again after 10 s.
func (lc *lifecycle) eventPosted(c code) {
	if c == refused || c == gaveUp {
		lc.at(lc.now+10*time.Second, evNodeEvent, 0, lc.electors.list[controllers].process)
		return
	}
	lc.posting = false
	lc.events--
	lc.recordEvents(0)
}

// becameNotReady and becameReady are what follows when the stored condition changes: taints, and pods' readiness.
func (lc *lifecycle) becameNotReady(i int32) {
	lc.sched.catchUp() // while pods may still be placed here
	n := &lc.nodes[i]
	n.notReady = true
	lc.notReady++
	lc.note(story.NodeNotReady, "", lc.blame(i))
	lc.taint(i)
	lc.tainting = append(lc.tainting, i)
	lc.sched.messageChanged()
	lc.kubelets.statusWake(i, lc.now)
}

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

// blame is why a node was marked NotReady: its kubelet is silent, or its renewals do not land.
func (lc *lifecycle) blame(i int32) story.Cause {
	switch {
	case lc.kubelets.list[i].silent:
		return story.BySilence
	case lc.kubelets.list[i].unhealthy:
		return story.ByRuntime
	}
	return story.L1
}

// podMarked is a pod's Ready condition becoming False in etcd; a kubelet that is back reports otherwise.
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
