package cascade

import "time"

// The workload: one ReplicaSet's pods, some of which run and serve, the rest pending; the controller that creates them,
// the scheduler's queue (package scheduler/retry), the Endpoints of those that are ready.

// replicaSet is the ReplicaSet controller's side: pkg/controller/replicaset, slowStartBatch and its 20-QPS client.
type replicaSet struct {
	limit   limiter
	want    int // spec.replicas
	have    int // pods that exist and are not terminating
	quota   int // how many pods the namespace may hold; 0: any
	batch   int // size of the present slow-start batch
	left    int // creates of this sync still to start
	flying  int
	broken  bool // a create of this batch failed
	retries int
	refused int
	syncing bool
	target  int // what the status shows
}

// burstReplicas is how many pods one sync creates at most.
const burstReplicas = 500

func (p *plane) setReplicas(n int) {
	p.rs.want = n
	p.syncReplicas()
}

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
	idle := p.pods.Remove(n)
	r.have -= n
	p.pending -= idle
	p.deleted += n
	running := n - idle
	for i := len(p.nodes) - 1; i >= 0 && running > 0; i-- {
		d := min(int(p.nodes[i].serving), running)
		p.nodes[i].serving -= int32(d)
		p.nodes[i].pods -= int32(d)
		p.running -= d
		running -= d
	}
	for range n {
		p.askVia(&r.limit, forPodDelete, 0, 0)
	}
	p.askVia(&r.limit, forReplicaSet, 0, 0)
	p.room()
}

// room tells the scheduler how many more pods fit now.
func (p *plane) room() { p.pods.SetRoom(max(0, p.s.Workload.Room-p.running)) }

// scheduler runs the queue up to now and sends what it wrote.
func (p *plane) schedule() {
	st := p.pods.Advance(p.now)
	p.attempts += st.Attempts
	if st.Bound > 0 {
		p.pending -= st.Bound
		p.running += st.Bound
		p.place(st.Bound)
		p.bulk(forPodBind, st.Bound)
	}
	p.bulk(forPodMessage, st.PodPatches-st.PatchErrors)
	p.bulk(forPodEvent, st.EventCreates+st.EventUpdates)
	p.messages += st.PodPatches
	p.eventWrites += st.EventCreates + st.EventUpdates
}

func (p *plane) bulk(why purpose, n int) {
	p.asked[why] += n
	if p.quiet {
		p.committed += n
		p.wrote(why, n)
		return
	}
	for range n {
		p.store.propose(p.now, p.newOrphan(why))
	}
}

func (p *plane) place(n int) {
	for i := range p.nodes {
		if n == 0 {
			return
		}
		if p.nodes[i].serving == 0 && !p.nodes[i].notReady {
			p.nodes[i].serving++
			p.nodes[i].pods++
			n--
		}
	}
}

// newOrphan is a proposal whose answer the caller does not model.
func (p *plane) newOrphan(why purpose) int32 {
	k := p.newProposalSlot()
	p.proposals[k] = proposal{gen: 1, request: -1, purpose: why}
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
		d := &p.nodes[i]
		n += int(max(0, min(d.serving, d.pods-d.marked)))
	}
	return n
}
