package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
)

// taint makes the node's NoSchedule taint follow its condition (doNoScheduleTaintingPass): once for every write to the Node that the controller
// sees, those while it is at it together. A pass that fails is not repeated (doNodeProcessingPassWorker, v1.29.2 and v1.37.2); a PATCH that timed out
// lands all the same, and is such a write.
func (lc *lifecycle) taint(i int32) {
	n := &lc.nodes[i]
	switch {
	case n.tainting:
		n.taintAgain = true
	case n.tainted != n.notReady:
		n.tainting = true
		lc.askVia(&lc.limit, forTaint, i, 0)
	}
}

func (lc *lifecycle) taintReply(i int32) {
	n := &lc.nodes[i]
	again := n.taintAgain
	n.tainting, n.taintAgain = false, false
	if again {
		lc.taint(i)
	}
}

// taintLanded makes the stored taint follow the condition.
func (lc *lifecycle) taintLanded(i int32) {
	n := &lc.nodes[i]
	if n.tainted && !n.notReady {
		lc.sched.nodeUntainted()
	}
	n.tainted = n.notReady
	lc.nodeWritten(i)
}

// nodeWritten is a write to the Node that has landed, whoever made it.
func (lc *lifecycle) nodeWritten(i int32) {
	if lc.electors.list[controllers].working {
		lc.taint(i)
	}
}

// queueTaints is every NotReady node's turn for a NoExecute taint: a pass takes those again that have none.
func (lc *lifecycle) queueTaints() {
	lc.tainting = lc.tainting[:0]
	for i := range lc.nodes {
		if n := &lc.nodes[i]; n.notReady && n.evictAt == 0 {
			lc.tainting = append(lc.tainting, int32(i))
		}
	}
}

// disruption is handleDisruption: the pace of NoExecute taints by the share of nodes that are unhealthy. Full disruption
// takes the taints away, which ends the pods' tolerations; when it is over all NotReady nodes are in for one again.
func (lc *lifecycle) disruption() {
	bad, all := lc.notReady, len(lc.nodes)
	was := lc.disrupted
	lc.disrupted = bad == all
	if was && !lc.disrupted {
		for i := range lc.nodes {
			lc.nodes[i].probed = lc.now
		}
		lc.queueTaints()
	}
	if lc.disrupted {
		if !was && all > 0 {
			lc.note(story.Disruption, "", story.L11)
			for i := range lc.nodes {
				lc.nodes[i].evictAt = min(lc.nodes[i].evictAt, 0)
			}
		}
		lc.tainting = lc.tainting[:0]
		return
	}
	rate := 0.1
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
		lc.askVia(&lc.limit, forEvict, i, 0)
	}
}

// tolerated is for how long pods tolerate a NoExecute taint (DefaultTolerationSeconds).
const tolerated = 300 * time.Second

// tainted is a node's NoExecute taint landing.
func (lc *lifecycle) tainted(i int32) {
	if n := &lc.nodes[i]; n.notReady && n.evictAt == 0 {
		lc.evictIn(i, tolerated)
	}
}

func (lc *lifecycle) evictIn(i int32, wait time.Duration) {
	lc.nodes[i].evictAt = lc.now + wait
	lc.at(lc.now+wait, evEvict, i, lc.electors.list[controllers].process)
}

// evictReply puts a node whose NoExecute taint failed back into the queue.
func (lc *lifecycle) evictReply(i int32, c code) {
	if c != ok && lc.nodes[i].notReady {
		lc.tainting = append(lc.tainting, i)
	}
}

// evict deletes the pods of a node that has been tainted for the time they tolerate. A deleted pod is Terminating until its
// kubelet says it has stopped; the ReplicaSet controller replaces it at once.
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
