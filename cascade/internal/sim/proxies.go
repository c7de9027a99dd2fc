package sim

import (
	"fmt"
	"math/bits"
	"time"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/kube"
	"github.com/redline-go/redline/proxymodel"
)

// proxy is what a change of the workload's endpoints costs every node's kube-proxy: one partial sync, and how long until the
// kernel has it. It is the data plane's side alone: no kube-proxy writes to the API server, so that the mode changes
// nothing in etcd.
func (px *proxies) cost() (sync, stale time.Duration, warnings []error) {
	q := proxyQuery(px.s)
	q.Churn = proxymodel.Churn{Changes: float64(px.rec.wroteBy[forSlice]) / px.s.Length.Seconds(), Nodes: px.s.Nodes}
	r, err := proxymodel.Predict(q)
	if err != nil {
		return 0, 0, []error{fmt.Errorf("cascade: Totals.ProxySync and ProxyStaleness are unknown: %w", err)}
	}
	return r.Partial.Duration(), r.Staleness.Mean, r.Warnings
}

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
type proxies struct {
	*cluster
	views  [views]view
	takes  time.Duration // of a sync with one changed service
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

func (px *proxies) start(c *cluster) {
	s := c.s
	*px = proxies{cluster: c, bucket: s.Version == kube.V1_29, tokens: burst, least: time.Second, ended: -time.Hour}
	if s.Proxy.Mode == proxymodel.IPVS {
		px.least = 0
	}
	for v := range px.views {
		px.views[v].listed = s.Workload.Start()
	}
	// A mode that the version does not know costs nothing here; Totals warns of it.
	if sync, err := proxymodel.PartialSync(proxyQuery(s), 1); err == nil {
		px.takes = sync.Duration()
	}
}

// proxyQuery asks about the kube-proxy of every node.
func proxyQuery(s *scenario.Scenario) proxymodel.Query {
	return proxymodel.Query{
		Mode: s.Proxy.Mode, Version: s.Version, Shape: proxymodel.Uniform(s.Proxy.Services, s.Proxy.Endpoints),
	}
}

// dies is a pod that no longer serves: it is dead in the views that list it.
func (px *proxies) dies(d *pod, listed bool) {
	for v := range px.views {
		if w := &px.views[v]; listed && w.dead < w.listed {
			w.dead++
			d.views |= 1 << v
		}
	}
}

// revives is one that serves again, at the same address.
func (px *proxies) revives(d *pod) {
	for b := d.views; b != 0; b &= b - 1 {
		px.views[bits.TrailingZeros8(b)].dead--
	}
	d.views = 0
}

// lost are n pods that served and are deleted.
func (px *proxies) lost(n int) {
	for v := range px.views {
		w := &px.views[v]
		w.dead = min(w.listed, w.dead+n)
	}
}

// sliceLanded is the workload's EndpointSlice in etcd: what lists the pods that are ready by their stored conditions.
func (px *proxies) sliceLanded() {
	w := view{listed: px.endpoints.ready()}
	for i := range px.pods.slots {
		d := &px.pods.slots[i]
		if d.phase == podFree {
			continue
		}
		d.views &^= 1 << inSlice
		if !d.serves() && d.ready && px.pods.storedReady(d.node) > 0 && w.dead < w.listed {
			d.views |= 1 << inSlice
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

// move copies a view to the next one.
func (px *proxies) move(from, to int) {
	px.views[to] = px.views[from]
	for i := range px.pods.slots {
		d := &px.pods.slots[i]
		d.views = d.views&^(1<<to) | d.views>>from&1<<to
	}
}

// proxyUpdate is an update that reaches the nodes.
func (px *proxies) update() {
	px.due, px.behind = true, false
	if !px.busy && (!px.timed || px.bucket) { // v1.29's bucket may have a token before the timer ends
		px.try()
	}
}

// proxyTry starts a sync if the runner lets it: v1.37's keeps its distance from the end of the last one (pkg/proxy/runner), v1.29's has a
// bucket of two tokens, and waits for that distance when it is empty (pkg/util/async/bounded_frequency_runner.go).
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

func (px *proxies) wakeIn(wait time.Duration) {
	px.gen++
	px.at(px.now+wait, evProxy, 0, px.gen)
}

// proxyEvent is the end of a sync, or of the wait for one.
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
