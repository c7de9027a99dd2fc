package cascade

import "time"

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

type nodeLife struct {
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
}

func (p *plane) monitor() {
	l := &p.life
	if l.running || !p.electors[controllers].working {
		return
	}
	l.running, l.cursor = true, 0
	for w := range l.workers {
		if l.workers[w].step == lifeIdle {
			p.lifeNext(int32(w))
		}
	}
	p.monitorDone()
}

// lifeNext gives a worker its next node; nodes that need no request take no time.
func (p *plane) lifeNext(w int32) {
	l := &p.life
	k := &l.workers[w]
	k.step = lifeIdle
	for l.cursor < len(p.nodes) {
		i := l.order[l.cursor]
		l.cursor++
		if p.lifeNode(w, i) {
			return
		}
	}
}

func (p *plane) monitorDone() {
	l := &p.life
	if !l.running || l.cursor < len(p.nodes) {
		return
	}
	for w := range l.workers {
		if l.workers[w].step != lifeIdle {
			return
		}
	}
	l.running = false
	p.disruption()
	p.monitorIn(monitorPeriod)
}

// monitorIn begins the next pass so much later, instead of any that was to begin.
func (p *plane) monitorIn(wait time.Duration) {
	p.life.pass++
	p.queue.Push(p.now+wait, evMonitor, 0, p.life.pass)
}

// lifeNode looks at one node and says whether its worker now waits for a request.
func (p *plane) lifeNode(w, i int32) bool {
	n := &p.nodes[i]
	if n.seenLease != n.lease {
		n.seenLease, n.probed = n.lease, p.now
	}
	k := &p.life.workers[w]
	if p.now <= n.probed+p.s.Leases.Grace {
		if n.retry && n.notReady {
			return p.markPods(w, i)
		}
		return false
	}
	k.node, k.tries, k.ready = i, 0, !n.notReady
	if p.breaker {
		k.step = lifeBreaker
		p.askVia(&p.life.limit, forBreaker, i, 0)
		return true
	}
	return p.writeNotReady(w)
}

func (p *plane) writeNotReady(w int32) bool {
	k := &p.life.workers[w]
	n := &p.nodes[k.node]
	if n.notReady {
		if n.retry {
			return p.markPods(w, k.node)
		}
		return false // written before, perhaps by a request that timed out
	}
	k.step = lifeStatus
	k.tries++
	p.askVia(&p.life.limit, forNotReady, k.node, n.object)
	return true
}

func (p *plane) lifeReply(i int32, why purpose, c code) {
	w := p.life.workerOf(i)
	if w < 0 {
		return // of a process that has exited
	}
	k := &p.life.workers[w]
	n := &p.nodes[k.node]
	waits := false
	switch {
	case why == forBreaker:
		if c == ok && n.lease == n.seenLease {
			waits = p.writeNotReady(w)
		}
	case why == forNotReady && c == ok:
		p.recordEvents(1)
		waits = p.markPods(w, k.node)
	case why == forNotReady && k.tries < 2:
		k.step = lifeGet
		p.askVia(&p.life.limit, forNotReadyGet, i, 0)
		waits = true
	case why == forNotReadyGet && c == ok:
		waits = p.writeNotReady(w)
	case why == forMarkPod:
		if c != ok {
			n.retry = true
			break
		}
		if k.left--; k.left > 0 {
			p.askVia(&p.life.limit, forMarkPod, i, 0)
			return
		}
		n.retry = false
	}
	if !waits {
		p.lifeNext(w)
		p.monitorDone()
	}
}

// workerOf is which worker handles the node, -1 if none does.
func (l *nodeLife) workerOf(node int32) int32 {
	for w := range l.workers {
		if l.workers[w].step != lifeIdle && l.workers[w].node == node {
			return int32(w)
		}
	}
	return -1
}

// markPods marks the node's pods not ready, one PUT after the other.
func (p *plane) markPods(w, i int32) bool {
	k := &p.life.workers[w]
	n := &p.nodes[i]
	k.node, k.left = i, n.pods-p.away[i].unready-n.marked
	if k.left <= 0 {
		n.retry = false
		return false
	}
	k.step = lifePods
	p.recordEvents(int(k.left))
	p.askVia(&p.life.limit, forMarkPod, i, 0)
	return true
}

// recordEvents queues Events on the controller's client: one goroutine posts them, one at a time.
func (p *plane) recordEvents(n int) {
	l := &p.life
	l.events = min(l.events+n, eventBuffer)
	if !l.posting && l.events > 0 {
		l.posting = true
		p.postEvent()
	}
}

// eventBuffer is how many Events client-go's broadcaster holds (tools/record/event.go, maxQueuedEvents x2: queue and watch).
const eventBuffer = 2000

func (p *plane) postEvent() { p.askVia(&p.life.limit, forNodeEvent, 0, 0) }

// eventPosted goes on with the next Event; one that failed in transport is tried again after 10 s.
func (p *plane) eventPosted(c code) {
	l := &p.life
	if c == refused || c == gaveUp {
		p.queue.Push(p.now+10*time.Second, evNodeEvent, 0, p.electors[controllers].process)
		return
	}
	l.posting = false
	l.events--
	p.recordEvents(0)
}

// becameNotReady and becameReady are what follows when the stored condition changes: taints, and pods' readiness.
func (p *plane) becameNotReady(i int32) {
	p.schedule() // while pods may still be placed here
	n := &p.nodes[i]
	n.notReady = true
	p.life.notReady++
	p.note(NodeNotReady, "", p.blame(i))
	p.taint(i)
	p.life.tainting = append(p.life.tainting, i)
	p.messageChanged()
	p.statusWake(i, p.now)
}

func (p *plane) becameReady(i int32) {
	n := &p.nodes[i]
	n.notReady, n.retry = false, false
	p.life.notReady--
	p.note(NodeReady, "", ByRecovery)
	n.evictAt = 0
	p.taint(i)
	p.messageChanged()
	p.podsWake(i)
}

// taint makes the node's NoSchedule taint follow its condition (doNoScheduleTaintingPass): once for every write to the Node that the controller
// sees, those while it is at it together. A pass that fails is not repeated (doNodeProcessingPassWorker, v1.29.2 and v1.37.2); a PATCH that timed out
// lands all the same, and is such a write.
func (p *plane) taint(i int32) {
	n := &p.nodes[i]
	switch {
	case n.tainting:
		n.taintAgain = true
	case n.tainted != n.notReady:
		n.tainting = true
		p.askVia(&p.life.limit, forTaint, i, 0)
	}
}

func (p *plane) taintReply(i int32) {
	n := &p.nodes[i]
	again := n.taintAgain
	n.tainting, n.taintAgain = false, false
	if again {
		p.taint(i)
	}
}

// nodeWritten is a write to the Node that has landed, whoever made it.
func (p *plane) nodeWritten(i int32) {
	if p.electors[controllers].working {
		p.taint(i)
	}
}

// queueTaints is every NotReady node's turn for a NoExecute taint: a pass takes those again that have none.
func (p *plane) queueTaints() {
	p.life.tainting = p.life.tainting[:0]
	for i := range p.nodes {
		if n := &p.nodes[i]; n.notReady && n.evictAt == 0 {
			p.life.tainting = append(p.life.tainting, int32(i))
		}
	}
}

// disruption is handleDisruption: the pace of NoExecute taints by the share of nodes that are unhealthy. Full disruption
// takes the taints away, which ends the pods' tolerations; when it is over all NotReady nodes are in for one again.
func (p *plane) disruption() {
	l := &p.life
	bad, all := l.notReady, len(p.nodes)
	was := l.disrupted
	l.disrupted = bad == all
	if was && !l.disrupted {
		for i := range p.nodes {
			p.nodes[i].probed = p.now
		}
		p.queueTaints()
	}
	if l.disrupted {
		if !was && all > 0 {
			p.note(Disruption, "", L11)
			for i := range p.nodes {
				p.nodes[i].evictAt = min(p.nodes[i].evictAt, 0)
			}
		}
		l.tainting = l.tainting[:0]
		return
	}
	rate := 0.1
	if bad > 2 && float64(bad) >= 0.55*float64(all) {
		rate = 0.01
		if all <= 50 {
			return
		}
	}
	for len(l.tainting) > 0 && p.now >= l.taintNext {
		i := l.tainting[0]
		l.tainting = append(l.tainting[:0], l.tainting[1:]...)
		if n := &p.nodes[i]; !n.notReady || n.evictAt != 0 {
			continue
		}
		l.taintNext = p.now + time.Duration(float64(time.Second)/rate)
		p.askVia(&l.limit, forEvict, i, 0)
	}
}

// blame is why a node was marked NotReady: its kubelet is silent, or its renewals do not land.
func (p *plane) blame(i int32) Cause {
	switch {
	case p.kubelets[i].silent:
		return BySilence
	case p.kubelets[i].unhealthy:
		return ByRuntime
	}
	return L1
}

// tolerated is for how long pods tolerate a NoExecute taint (DefaultTolerationSeconds).
const tolerated = 300 * time.Second

// tainted is a node's NoExecute taint landing.
func (p *plane) tainted(i int32) {
	if n := &p.nodes[i]; n.notReady && n.evictAt == 0 {
		p.evictIn(i, tolerated)
	}
}

func (p *plane) evictIn(i int32, wait time.Duration) {
	p.nodes[i].evictAt = p.now + wait
	p.queue.Push(p.now+wait, evEvict, i, p.electors[controllers].process)
}

// evictReply puts a node whose NoExecute taint failed back into the queue.
func (p *plane) evictReply(i int32, c code) {
	if c != ok && p.nodes[i].notReady {
		p.life.tainting = append(p.life.tainting, i)
	}
}

// evict deletes the pods of a node that has been tainted for the time they tolerate. A deleted pod is Terminating until its
// kubelet says it has stopped; the ReplicaSet controller replaces it at once.
func (p *plane) evict(i int32) {
	n := &p.nodes[i]
	if !n.notReady || n.evictAt <= 0 || p.now < n.evictAt || n.pods == 0 {
		return
	}
	p.schedule()
	n.evictAt = never
	p.note(Evicted, "", L8)
	p.evictions += int(n.pods)
	for range n.pods {
		p.askVia(&p.evictLimit, forEviction, i, 0)
	}
	lost := int(n.serving)
	p.dropPods(i, lost)
	n.marked = min(n.marked, n.pods)
	p.rs.have -= lost
	p.endpointsChanged()
	p.room()
	p.syncReplicas()
}

// podMarked is a pod's Ready condition becoming False in etcd; a kubelet that is back reports otherwise.
func (p *plane) podMarked(i int32) {
	n := &p.nodes[i]
	if n.marked < n.pods-p.away[i].unready {
		n.marked++
		p.endpointsChanged()
	}
	if !n.notReady || p.kubelets[i].unhealthy {
		p.podsWake(i)
	}
}
