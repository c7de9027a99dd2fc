package sim

import (
	"fmt"
	"math/bits"
	"time"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/kube"
	"github.com/redline-go/redline/proxymodel"
)

// proxies are the nodes' kube-proxies, as they follow the workload's EndpointSlice.
//
// All nodes get each update at the same time, take as long for a sync, and keep the same distance
// between two. So they are in step, and one of them stands for all. Users' requests go to
// endpoints that are gone until the slice is written, and then until the rules have followed.
//
// No kube-proxy writes to the API server, so that its mode changes nothing in etcd.
type proxies struct {
	*cluster
	views [views]view

	// The runner of syncs.
	takes  time.Duration // a sync with one changed service
	least  time.Duration // between two syncs
	bucket bool          // v1.29's runner
	tokens float64       // of v1.29's bucket, at the time filled
	filled time.Duration
	ended  time.Duration // when the last sync ended
	busy   bool          // a sync is under way
	timed  bool          // an update waits for a timer
	due    bool          // an update waits
	behind bool          // an update waits for an API server to tell of it
	gen    uint32        // of the timer that ends a sync or a wait
	syncs  int
}

// view is a list of the workload's endpoints: how many, and how many of these no longer answer.
type view struct{ listed, dead int }

// The views of the workload's endpoints. Each is a former state of the view before it.
const (
	inSlice  = iota // in etcd
	inSync          // in the rules being written
	inKernel        // in every node's rules
	views
)

// burst is the number of syncs that v1.29 may make in a row (pkg/proxy/iptables/proxier.go,
// burstSyncs).
const burst = 2

// start makes all views list the pods that run. A mode that the version does not know costs
// nothing here. cost warns of it.
func (px *proxies) start(c *cluster) {
	s := c.s
	*px = proxies{cluster: c, bucket: s.Version == kube.V1_29, tokens: burst, least: time.Second, ended: -time.Hour}
	if s.Proxy.Mode == proxymodel.IPVS {
		px.least = 0
	}
	for v := range px.views {
		px.views[v].listed = s.Workload.Start()
	}
	if sync, err := proxymodel.PartialSync(proxyQuery(s), 1); err == nil {
		px.takes = sync.Duration()
	}
}

// proxyQuery returns the question to proxymodel about the kube-proxy of every node.
func proxyQuery(s *scenario.Scenario) proxymodel.Query {
	return proxymodel.Query{
		Mode: s.Proxy.Mode, Version: s.Version, Shape: proxymodel.Uniform(s.Proxy.Services, s.Proxy.Endpoints),
	}
}

// dies makes a pod that no longer serves dead in every view. listed says whether the views list
// it.
func (px *proxies) dies(p *pod, listed bool) {
	for v := range px.views {
		if w := &px.views[v]; listed && w.dead < w.listed {
			w.dead++
			p.views |= 1 << v
		}
	}
}

// revives makes a pod alive again in the views, at the same address.
func (px *proxies) revives(p *pod) {
	for b := p.views; b != 0; b &= b - 1 {
		px.views[bits.TrailingZeros8(b)].dead--
	}
	p.views = 0
}

// lost makes n pods that served and are deleted dead in every view.
func (px *proxies) lost(n int) {
	for v := range px.views {
		w := &px.views[v]
		w.dead = min(w.listed, w.dead+n)
	}
}

// sliceLanded handles the workload's EndpointSlice that has landed. It lists the pods that are
// ready by their stored conditions.
func (px *proxies) sliceLanded() {
	w := view{listed: px.endpoints.ready()}
	for i := range px.pods.slots {
		p := &px.pods.slots[i]
		if p.phase == podFree {
			continue
		}
		p.views &^= 1 << inSlice
		if !p.serves() && p.ready && px.pods.storedReady(p.node) > 0 && w.dead < w.listed {
			p.views |= 1 << inSlice
			w.dead++
		}
	}
	px.endpoints.writers[0].posted = w.listed
	px.views[inSlice] = w
	px.behind = px.servers.none()
	if !px.behind {
		px.update()
	}
}

// update handles an update that reaches the nodes. v1.29's bucket may have a token before the
// timer ends.
func (px *proxies) update() {
	px.due, px.behind = true, false
	if !px.busy && (!px.timed || px.bucket) {
		px.try()
	}
}

// try starts a sync if the runner lets it. v1.37's runner keeps its distance from the end of the
// last sync (pkg/proxy/runner). v1.29's has a bucket of two tokens, and waits for that distance
// when the bucket is empty (pkg/util/async/bounded_frequency_runner.go).
func (px *proxies) try() {
	open := px.now >= px.ended+px.least
	if px.bucket && px.least > 0 {
		px.tokens = min(burst, px.tokens+float64(px.now-px.filled)/float64(px.least))
		px.filled = px.now
		if open = px.tokens >= 1; open {
			px.tokens--
		}
	}
	if !open {
		px.timed = true
		px.wakeIn(max(time.Millisecond, px.ended+px.least-px.now))
		return
	}
	px.busy, px.due, px.timed = true, false, false
	px.move(inSlice, inSync)
	px.wakeIn(px.takes)
}

// wakeIn sets the runner's timer.
func (px *proxies) wakeIn(wait time.Duration) {
	px.gen++
	px.at(px.now+wait, evProxy, 0, px.gen)
}

// elapsed ends a sync, or the wait for one.
func (px *proxies) elapsed() {
	if px.busy {
		px.busy, px.ended = false, px.now
		px.syncs++
		px.move(inSync, inKernel)
		px.users.changed()
	}
	px.timed = false
	if px.due {
		px.try()
	}
}

// move copies a view to a later one.
func (px *proxies) move(from, to int) {
	px.views[to] = px.views[from]
	for i := range px.pods.slots {
		p := &px.pods.slots[i]
		p.views = p.views&^(1<<to) | p.views>>from&1<<to
	}
}

// cost returns what a change of the workload's endpoints costs every node's kube-proxy: one
// partial sync, and the mean time until the kernel has it.
func (px *proxies) cost() (sync, stale time.Duration, warnings []error) {
	q := proxyQuery(px.s)
	q.Churn = proxymodel.Churn{Changes: float64(px.rec.wroteBy[forSlice]) / px.s.Length.Seconds(), Nodes: px.s.Nodes}
	r, err := proxymodel.Predict(q)
	if err != nil {
		return 0, 0, []error{fmt.Errorf("cascade: Totals.ProxySync and ProxyStaleness are unknown: %w", err)}
	}
	return r.Partial.Duration(), r.Staleness.Mean, r.Warnings
}
