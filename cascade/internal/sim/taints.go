package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
)

// tolerated is the time for which pods tolerate a NoExecute taint (DefaultTolerationSeconds).
const tolerated = 300 * time.Second

// taint makes the node's NoSchedule taint follow its condition (doNoScheduleTaintingPass). It does
// so once for every write to the Node that the controller sees. Writes that come while it is at it
// count as one.
//
// A pass that fails is not repeated (doNodeProcessingPassWorker, v1.29.2 and v1.37.2). A PATCH
// that timed out lands all the same, and is such a write.
func (lc *lifecycle) taint(i int32) {
	n := &lc.nodes[i]
	switch {
	case n.tainting:
		n.taintAgain = true
	case n.tainted != n.notReady:
		n.tainting = true
		lc.askVia(&lc.limit, forNoSchedule, i, 0)
	}
}

// noScheduleReply ends the pass for a node's NoSchedule taint, and begins another if the Node was
// written meanwhile.
func (lc *lifecycle) noScheduleReply(i int32) {
	n := &lc.nodes[i]
	again := n.taintAgain
	n.tainting, n.taintAgain = false, false
	if again {
		lc.taint(i)
	}
}

// noScheduleLanded makes the stored NoSchedule taint follow the condition.
func (lc *lifecycle) noScheduleLanded(i int32) {
	n := &lc.nodes[i]
	if n.tainted && !n.notReady {
		lc.sched.nodeUntainted()
	}
	n.tainted = n.notReady
	lc.nodeWritten(i)
}

// nodeWritten lets the controller see a write to the Node that has landed, whoever made it.
func (lc *lifecycle) nodeWritten(i int32) {
	if lc.electors.list[controllers].working {
		lc.taint(i)
	}
}

// disruption decides whether NoExecute taints are set (handleDisruption). In full disruption, with
// every node NotReady, it takes all of them away, which ends the pods' tolerations. When that is
// over, all NotReady nodes wait for a taint again.
func (lc *lifecycle) disruption() {
	was := lc.disrupted
	lc.disrupted = lc.notReady == len(lc.nodes)
	if was && !lc.disrupted {
		for i := range lc.nodes {
			lc.nodes[i].probed = lc.now
		}
		lc.queueTaints()
	}
	if !lc.disrupted {
		lc.taintQueued()
		return
	}
	if !was && len(lc.nodes) > 0 {
		lc.note(story.Disruption, "", story.L11)
		for i := range lc.nodes {
			lc.nodes[i].evictAt = min(lc.nodes[i].evictAt, 0)
		}
	}
	lc.tainting = lc.tainting[:0]
}

// taintQueued sends the NoExecute taints that are due: one in 10 s. From 55 % of unhealthy nodes
// on it is one in 100 s, or none in a cluster of up to 50 nodes. These are
// kube-controller-manager's defaults for --node-eviction-rate, --secondary-node-eviction-rate,
// --unhealthy-zone-threshold and --large-cluster-size-threshold.
func (lc *lifecycle) taintQueued() {
	bad, all := lc.notReady, len(lc.nodes)
	rate := 0.1 // per second
	if bad > 2 && float64(bad) >= 0.55*float64(all) {
		rate = 0.01
		if all <= 50 {
			return
		}
	}
	for len(lc.tainting) > 0 && lc.now >= lc.taintNext {
		i := lc.tainting[0]
		lc.tainting = append(lc.tainting[:0], lc.tainting[1:]...)
		if n := &lc.nodes[i]; !n.notReady || n.evictAt != 0 {
			continue
		}
		lc.taintNext = lc.now + time.Duration(float64(time.Second)/rate)
		lc.askVia(&lc.limit, forNoExecute, i, 0)
	}
}

// queueTaints lets every NotReady node without a NoExecute taint wait for one. A pass takes those
// again that have none.
func (lc *lifecycle) queueTaints() {
	lc.tainting = lc.tainting[:0]
	for i := range lc.nodes {
		if n := &lc.nodes[i]; n.notReady && n.evictAt == 0 {
			lc.tainting = append(lc.tainting, int32(i))
		}
	}
}

// noExecuteReply puts a node whose NoExecute taint failed back into the queue.
func (lc *lifecycle) noExecuteReply(i int32, c code) {
	if c != ok && lc.nodes[i].notReady {
		lc.tainting = append(lc.tainting, i)
	}
}

// noExecuteLanded handles a node's NoExecute taint that has landed.
func (lc *lifecycle) noExecuteLanded(i int32) {
	if n := &lc.nodes[i]; n.notReady && n.evictAt == 0 {
		lc.evictIn(i, tolerated)
	}
}

// evictIn plans the deletion of a node's pods.
func (lc *lifecycle) evictIn(i int32, wait time.Duration) {
	lc.nodes[i].evictAt = lc.now + wait
	lc.at(lc.now+wait, evEvict, i, lc.electors.list[controllers].process)
}

// evict deletes the pods of a node that has been tainted for as long as they tolerate it. A
// deleted pod is Terminating until its kubelet says that it has stopped. The ReplicaSet controller
// replaces it at once.
func (lc *lifecycle) evict(i int32) {
	n := &lc.nodes[i]
	if !n.notReady || n.evictAt <= 0 || lc.now < n.evictAt || n.pods == 0 {
		return
	}
	lc.sched.catchUp()
	n.evictAt = never
	lc.note(story.Evicted, "", story.L8)
	lc.rec.evictions += int(n.pods)
	for range n.pods {
		lc.askVia(&lc.evictLimit, forEviction, i, 0)
	}
	lost := int(n.serving)
	lc.pods.dropFrom(i, lost)
	n.marked = min(n.marked, n.pods)
	lc.replicas.have -= lost
	lc.endpoints.changed()
	lc.sched.tellRoom()
	lc.replicas.sync()
}
