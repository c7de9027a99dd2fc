package cascade

import (
	"math/bits"
	"time"

	"github.com/redline-go/redline/proxymodel"
	"github.com/redline-go/redline/scheduler/retry"
)

// What the nodes' kube-proxies make of the workload's EndpointSlice. All nodes get each update at the same time, take as long for a sync and
// keep the same distance between two: they are in step, and one of them stands for all. So users' requests go to endpoints that are gone until
// the slice is written, and then until the rules have followed.

// view is a list of endpoints, and how many of those no longer answer.
type view struct{ listed, dead int }

// The views of the workload's endpoints, each the former one of the view before it.
const (
	inSlice  = iota // in etcd
	inSync          // in the rules being written
	inKernel        // in every node's rules
	views
)

// rules is kube-proxy, with its sync runner.
type rules struct {
	views  [views]view
	cost   time.Duration // of a sync with one changed service
	least  time.Duration // between two syncs
	bucket bool          // v1.29's runner
	tokens float64       // of v1.29's bucket, at the time filled
	filled time.Duration
	ended  time.Duration // when the last sync ended
	busy   bool          // a sync is under way
	due    bool          // an update waits
	timed  bool          // for a timer
	gen    uint32        // of that timer, or of the sync under way
	behind bool          // an update that no API server has told of
	syncs  int
}

// burst is how many syncs v1.29 may make in a row (pkg/proxy/iptables/proxier.go, burstSyncs).
const burst = 2

func newRules(s *Scenario) rules {
	r := rules{bucket: s.Version == retry.V1_29, tokens: burst, least: time.Second, ended: -time.Hour}
	if s.Proxy.Mode == proxymodel.IPVS {
		r.least = 0
	}
	for v := range r.views {
		r.views[v].listed = s.Workload.start()
	}
	// A mode that the version does not know costs nothing here; Totals warns of it.
	if sync, err := proxymodel.PartialSync(proxyQuery(s), 1); err == nil {
		r.cost = sync.Duration()
	}
	return r
}

// proxyQuery asks for the cluster's services on the node of proxymodel.DefaultMachine.
func proxyQuery(s *Scenario) proxymodel.Query {
	return proxymodel.Query{Mode: s.Proxy.Mode, Version: proxyVersion(s), Shape: proxymodel.Uniform(s.Proxy.Services, s.Proxy.Endpoints)}
}

func proxyVersion(s *Scenario) proxymodel.Version {
	if s.Version == retry.V1_29 {
		return proxymodel.V1_29
	}
	return proxymodel.V1_37
}

// dies is a pod that no longer serves: it is dead in the views that list it.
func (r *rules) dies(d *pod, listed bool) {
	for v := range r.views {
		if w := &r.views[v]; listed && w.dead < w.listed {
			w.dead++
			d.views |= 1 << v
		}
	}
}

// revives is one that serves again, at the same address.
func (r *rules) revives(d *pod) {
	for b := d.views; b != 0; b &= b - 1 {
		r.views[bits.TrailingZeros8(b)].dead--
	}
	d.views = 0
}

// lost are n pods that served and are deleted.
func (r *rules) lost(n int) {
	for v := range r.views {
		w := &r.views[v]
		w.dead = min(w.listed, w.dead+n)
	}
}

// sliceLanded is the workload's EndpointSlice in etcd: what lists the pods that are ready by their stored conditions.
func (p *plane) sliceLanded() {
	w := view{listed: p.readyEndpoints()}
	for i := range p.slots {
		d := &p.slots[i]
		if d.phase == podFree {
			continue
		}
		d.views &^= 1 << inSlice
		if !d.serves() && d.ready && p.storedReady(d.node) > 0 && w.dead < w.listed {
			d.views |= 1 << inSlice
			w.dead++
		}
	}
	p.writers[0].posted = w.listed
	p.rules.views[inSlice] = w
	p.rules.behind = p.noServer()
	if !p.rules.behind {
		p.proxyUpdate()
	}
}

// move copies a view to the next one.
func (p *plane) move(from, to int) {
	p.rules.views[to] = p.rules.views[from]
	for i := range p.slots {
		d := &p.slots[i]
		d.views = d.views&^(1<<to) | d.views>>from&1<<to
	}
}

// proxyUpdate is an update that reaches the nodes.
func (p *plane) proxyUpdate() {
	r := &p.rules
	r.due, r.behind = true, false
	if !r.busy && (!r.timed || r.bucket) { // v1.29's bucket may have a token before the timer ends
		p.proxyTry()
	}
}

// proxyTry starts a sync if the runner lets it: v1.37's keeps its distance from the end of the last one (pkg/proxy/runner), v1.29's has a
// bucket of two tokens, and waits for that distance when it is empty (pkg/util/async/bounded_frequency_runner.go).
func (p *plane) proxyTry() {
	r := &p.rules
	open := p.now >= r.ended+r.least
	if r.bucket && r.least > 0 {
		r.tokens = min(burst, r.tokens+float64(p.now-r.filled)/float64(r.least))
		r.filled = p.now
		if open = r.tokens >= 1; open {
			r.tokens--
		}
	}
	if !open {
		r.timed = true
		p.proxyIn(max(time.Millisecond, r.ended+r.least-p.now))
		return
	}
	r.busy, r.due, r.timed = true, false, false
	p.move(inSlice, inSync)
	p.proxyIn(r.cost)
}

func (p *plane) proxyIn(wait time.Duration) {
	p.rules.gen++
	p.queue.Push(p.now+wait, evProxy, 0, p.rules.gen)
}

// proxyEvent is the end of a sync, or of the wait for one.
func (p *plane) proxyEvent() {
	r := &p.rules
	if r.busy {
		r.busy, r.ended = false, p.now
		r.syncs++
		p.move(inSync, inKernel)
		p.usersChanged()
	}
	r.timed = false
	if r.due {
		p.proxyTry()
	}
}
