package cascade

import (
	"math"
	"time"

	"github.com/redline-go/redline/scheduler/retry"
)

// The workload: one ReplicaSet's pods, some of which run and serve, the rest pending; the controller that creates them,
// the scheduler's queue (package scheduler/retry), the Endpoints of those that are ready.

// replicaSet is the ReplicaSet controller's side: pkg/controller/replicaset, slowStartBatch and its 20-QPS client.
type replicaSet struct {
	limit   limiter
	want    int // spec.replicas
	have    int // pods that exist and are not terminating
	quota   int // how many pods the namespace may hold; negative: any number
	batch   int // size of the present slow-start batch
	left    int // creates of this sync still to start
	flying  int
	broken  bool // a create of this batch failed
	retries int
	syncing bool
}

// burstReplicas is how many pods one sync creates at most.
const burstReplicas = 500

func (p *plane) syncReplicas() {
	r := &p.rs
	if r.syncing || !p.electors[controllers].working {
		return
	}
	switch d := r.want - r.have; {
	case d > 0:
		r.syncing, r.broken = true, false
		r.left, r.batch = min(d, burstReplicas), 1
		p.nextBatch()
	case d < 0:
		p.deletePods(min(-d, burstReplicas))
	}
}

// nextBatch is slowStartBatch: 1, 2, 4 ... creates side by side; a failure stops the rest.
func (p *plane) nextBatch() {
	r := &p.rs
	n := min(r.batch, r.left)
	if n == 0 || r.broken {
		p.endSync()
		return
	}
	r.left -= n
	r.batch *= 2
	if r.quota >= 0 && r.have+n > r.quota { // the quota refuses the rest of the batch
		k := max(0, r.quota-r.have)
		p.refused += n - k
		p.note(PodsRefused, "ResourceQuota", ByLoad)
		r.broken, n = true, k
		if n == 0 {
			p.endSync()
			return
		}
	}
	r.flying += n
	for range n {
		p.askVia(&r.limit, forPodCreate, 0, 0)
	}
}

func (p *plane) endSync() {
	r := &p.rs
	r.syncing = false
	p.askVia(&r.limit, forReplicaSet, 0, 0)
	if r.broken { // workqueue: 5 ms, doubled up to 1000 s
		wait := min(5*time.Millisecond<<min(r.retries, 20), 1000*time.Second)
		r.retries++
		p.queue.Push(p.now+wait, evReplicas, 0, p.electors[controllers].process)
		return
	}
	r.retries = 0
	if r.want != r.have {
		p.queue.Push(p.now+5*time.Millisecond, evReplicas, 0, p.electors[controllers].process)
	}
}

func (p *plane) podCreateReply(c code) {
	r := &p.rs
	r.flying--
	if c != ok {
		r.broken = true
	}
	if r.flying == 0 && r.syncing {
		p.nextBatch()
	}
}

// deletePods scales down: pods that are not running first, as the controller ranks them.
func (p *plane) deletePods(n int) {
	r := &p.rs
	p.unparkTick()
	idle := p.pods.Remove(n)
	r.have -= n
	p.pending -= idle
	running := n - idle
	running -= p.deleteIdle(running)
	for i := len(p.nodes) - 1; i >= 0 && running > 0; i-- {
		d := min(int(p.nodes[i].serving), running)
		p.dropPods(int32(i), d)
		running -= d
		p.endpointsChanged()
	}
	for range n {
		p.askVia(&r.limit, forPodDelete, 0, 0)
	}
	p.askVia(&r.limit, forReplicaSet, 0, 0)
	p.room()
}

// room tells the scheduler how many more pods fit now: none while every node is NotReady.
func (p *plane) room() {
	n := max(0, p.roomFor-p.running)
	if p.life.notReady == len(p.nodes) {
		n = 0
	}
	p.pods.SetRoom(n)
}

// podCreated is a pod that has landed in etcd: the scheduler sees it at once.
func (p *plane) podCreated() {
	p.rs.have++
	p.pending++
	p.schedule()
	p.pods.Add(1)
	p.podsBusy = true
	if p.running < p.roomFor {
		p.scheduleSoon()
	}
}

// schedule runs the scheduler's queue up to now and sends what it wrote.
func (p *plane) schedule() {
	st := p.pods.Advance(p.now)
	if st == (retry.Step{}) {
		return
	}
	p.podsBusy = true
	p.attempts += st.Attempts
	p.messages += st.PodPatches
	p.events += st.EventCreates + st.EventUpdates
	if st.Bound > 0 {
		p.pending -= st.Bound
		p.running += st.Bound
		p.place(st.Bound)
		p.bulk(forPodBind, st.Bound)
	}
	p.bulk(forPodMessage, st.PodPatches-st.PatchErrors)
	p.bulk(forPodEvent, st.EventCreates+st.EventUpdates)
}

// soon is an evSchedule between the ticks, for pods that fit: no one waits for the next tick to be bound.
const soon = 1

func (p *plane) scheduleSoon() { p.queue.Push(p.now+10*time.Millisecond, evSchedule, 0, soon) }

// scheduleTick keeps the scheduler's queue up to date: every second while it works, every ten seconds while it rests.
func (p *plane) scheduleTick() {
	p.podsBusy = false
	p.apiAnswers()
	if p.parkTick() {
		return
	}
	p.schedule()
	wait := 10 * time.Second
	if p.podsBusy || !p.quiet && p.pending > 0 {
		wait = time.Second
	}
	p.queue.Push(p.now+wait, evSchedule, 0, 0)
}

// apiAnswers tells the scheduler's queue how the API server answers its requests at present: as the control plane's
// last write did.
func (p *plane) apiAnswers() {
	var a retry.API
	if p.quiet {
		a.Latency = p.quietLatency()
	} else {
		a.Latency = p.writeLatency()
		if a.Latency >= etcdTimeout {
			a.Latency, a.PatchErrors = etcdTimeout, 1
			if !p.s.Etcd.SeparateEvents {
				a.EventRejects = 1
			}
		}
	}
	if a != p.api {
		p.api = a
		if err := p.pods.SetAPI(a); err != nil {
			panic(err) // the latency is neither negative nor are the shares outside 0 ... 1
		}
	}
}

// churn is a bound pod of another workload that is deleted: it wakes every pod that waits for room.
func (p *plane) churn() {
	p.schedule()
	p.pods.Event(retry.ClusterEvent{Kind: retry.BoundPodDeleted})
	p.podsBusy = true
	p.bulk(forPodDelete, 1)
	p.queue.Push(p.now+p.churnEvery, evChurn, 0, p.churnGen)
}

// messageChanged tells the scheduler that it would now say something else: its text counts the nodes that are tainted.
func (p *plane) messageChanged() {
	by := retry.ByFit
	if p.life.notReady > 0 {
		by |= retry.ByTaint
	}
	p.schedule()
	p.room()
	p.pods.SetMessage(p.life.notReady, by)
}

// nodeUntainted tells the scheduler that a full node has lost its taint.
func (p *plane) nodeUntainted() {
	p.schedule()
	p.pods.Event(retry.ClusterEvent{Kind: retry.NodeTaintRemoved})
}

func (p *plane) bulk(why purpose, n int) {
	if n <= 0 {
		return
	}
	p.asked[why] += n
	if p.quiet || p.elsewhere(why) {
		p.landQuiet(why, n)
		p.committed += n
		p.wrote(why, n)
		return
	}
	for range n {
		p.store.propose(p.now, p.newOrphan(why))
	}
}

// place puts pods that were bound on the ready nodes that run the fewest, level by level.
func (p *plane) place(n int) {
	for n > 0 {
		least := int32(math.MaxInt32)
		for i := range p.nodes {
			if d := &p.nodes[i]; !d.notReady {
				least = min(least, d.serving)
			}
		}
		if least == math.MaxInt32 {
			panic("cascade: a pod was bound while no node was Ready")
		}
		for i := range p.nodes {
			if d := &p.nodes[i]; n > 0 && !d.notReady && d.serving == least {
				d.serving++
				d.pods++
				p.podPlaced(int32(i))
				n--
			}
		}
	}
}

// newOrphan is a proposal whose answer the caller does not model.
func (p *plane) newOrphan(why purpose) int32 {
	k := p.newProposalSlot()
	p.proposals[k] = proposal{gen: 1, request: -1, errand: errand{purpose: why}}
	return k
}

// Endpoints: each change of a serving pod's readiness makes the EndpointSlice and the Endpoints controller write their
// one object of the Service, a second later at the earliest, one write at a time.

type endpointsWriter struct {
	limit  limiter
	why    purpose
	out    bool
	dirty  bool
	posted int // ready endpoints that the object shows
}

func (p *plane) endpointsChanged() {
	for i := range p.writers {
		w := &p.writers[i]
		if w.dirty {
			continue
		}
		w.dirty = true
		if !w.out {
			p.queue.Push(p.now+time.Second, evEndpoints, int32(i), p.electors[controllers].process)
		}
	}
}

func (p *plane) writeEndpoints(i int32) {
	w := &p.writers[i]
	if !w.dirty || w.out || !p.electors[controllers].working {
		return
	}
	w.dirty, w.out = false, true
	p.askVia(&w.limit, w.why, i, 0)
}

func (p *plane) endpointsReply(i int32, c code) {
	w := &p.writers[i]
	w.out = false
	if c != ok {
		w.dirty = true
	}
	if w.dirty {
		p.queue.Push(p.now+time.Second, evEndpoints, i, p.electors[controllers].process)
	}
}

// readyEndpoints is how many serving pods are marked ready.
func (p *plane) readyEndpoints() int {
	n := 0
	for i := range p.nodes {
		n += int(p.storedReady(int32(i)))
	}
	return n
}
