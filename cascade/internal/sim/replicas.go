package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/story"
)

// replicaSet is the controller of the workload's one ReplicaSet: pkg/controller/replicaset,
// slowStartBatch and its 20-QPS client.
type replicaSet struct {
	*cluster
	limit   limiter
	want    int  // spec.replicas
	have    int  // pods that exist and are not terminating
	quota   int  // pods that the namespace may hold; negative: any number
	syncing bool // a sync creates pods
	batch   int  // size of the next slow-start batch
	left    int  // creates of this sync still to start
	flying  int  // creates under way
	broken  bool // a create of this batch failed
	retries int  // syncs in a row that failed
}

// burstReplicas is the most pods that one sync creates or deletes.
const burstReplicas = 500

// start sets the replicas that run at the start.
func (rs *replicaSet) start(c *cluster) {
	rs.cluster, rs.limit = c, newLimiter(20, 30)
	rs.want, rs.have, rs.quota = c.s.Workload.Start(), c.s.Workload.Start(), -1
	if q := c.s.Workload.Quota; q != nil {
		rs.quota = *q
	}
}

// sync creates or deletes pods until there are as many as wanted.
func (rs *replicaSet) sync() {
	if rs.syncing || !rs.electors.list[controllers].working {
		return
	}
	switch d := rs.want - rs.have; {
	case d > 0:
		rs.syncing, rs.broken = true, false
		rs.left, rs.batch = min(d, burstReplicas), 1
		rs.nextBatch()
	case d < 0:
		rs.scaleDown(min(-d, burstReplicas))
	}
}

// nextBatch sends a batch of creates (slowStartBatch): 1, 2, 4 ... side by side, until one fails.
// The quota refuses what is beyond it, and is such a failure.
func (rs *replicaSet) nextBatch() {
	n := min(rs.batch, rs.left)
	if n == 0 || rs.broken {
		rs.endSync()
		return
	}
	rs.left -= n
	rs.batch *= 2
	if rs.quota >= 0 && rs.have+n > rs.quota {
		k := max(0, rs.quota-rs.have)
		rs.rec.refused += n - k
		rs.note(story.PodsRefused, "ResourceQuota", story.ByLoad)
		rs.broken, n = true, k
		if n == 0 {
			rs.endSync()
			return
		}
	}
	rs.flying += n
	for range n {
		rs.askVia(&rs.limit, forPodCreate, 0, 0)
	}
}

// createReply goes on with the next batch when this one has ended.
func (rs *replicaSet) createReply(c code) {
	rs.flying--
	if c != ok {
		rs.broken = true
	}
	if rs.flying == 0 && rs.syncing {
		rs.nextBatch()
	}
}

// endSync writes the ReplicaSet's status and plans the next sync. One that failed is repeated
// after the workqueue's backoff: 5 ms, doubled up to 1000 s.
func (rs *replicaSet) endSync() {
	rs.syncing = false
	rs.askVia(&rs.limit, forReplicaSet, 0, 0)
	if rs.broken {
		rs.retryLater()
		return
	}
	rs.retries = 0
	if rs.want != rs.have {
		rs.at(rs.now+5*time.Millisecond, evReplicas, 0, rs.electors.list[controllers].process)
	}
}

// retryLater plans the next sync after the workqueue's backoff.
func (rs *replicaSet) retryLater() {
	wait := min(5*time.Millisecond<<min(rs.retries, 20), 1000*time.Second)
	rs.retries++
	rs.at(rs.now+wait, evReplicas, 0, rs.electors.list[controllers].process)
}

// scaleDown deletes n pods: those that are not running first, as the controller ranks them. A full
// etcd refuses the DELETE of all that are bound, and the controller tries those again later.
func (rs *replicaSet) scaleDown(n int) {
	rs.sched.unparkTick()
	idle := rs.sched.unscheduled.Remove(n)
	rs.pods.pending -= idle
	running := n - idle
	if running > 0 && rs.etcd.server.Full() {
		n, running = idle, 0
		rs.retryLater()
	}
	rs.have -= n
	running -= rs.pods.deleteIdle(running)
	for i := len(rs.nodes) - 1; i >= 0 && running > 0; i-- {
		d := min(int(rs.nodes[i].serving), running)
		rs.pods.dropFrom(int32(i), d)
		running -= d
		rs.endpoints.changed()
	}
	for i := range n {
		who := int32(0)
		if i < idle {
			who = direct
		}
		rs.askVia(&rs.limit, forPodDelete, who, 0)
	}
	rs.askVia(&rs.limit, forReplicaSet, 0, 0)
	rs.sched.tellRoom()
}
