// Package sim simulates one control plane in virtual time.
//
// A cluster is a kernel and its components. The kernel has the clock, the timers and the requests.
// A component owns its state and lives in a file of its own. It embeds the cluster and asks it for
// three things: the time (now), a timer (at) and a request (ask). It reaches its peers by name.
//
// Two tables tie them together: [table] has a row for each kind of request, and [timers] one
// for each kind of timer. To add a component, write its file and its rows.
package sim

import (
	"time"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/internal/stream"
)

// cluster is the state of a run: the kernel, the components, and what they share.
type cluster struct {
	kernel
	s     *scenario.Scenario // with its defaults
	nodes []node

	etcd      etcd
	lessor    lessor
	servers   servers
	kubelets  kubelets
	electors  electors
	life      lifecycle
	replicas  replicaSet
	sched     scheduling
	pods      pods
	endpoints endpoints
	proxies   proxies
	users     users
	hpa       autoscaler
	operator  operator
	calm      calm
	rec       recorder

	probeDraws, wakeDraws stream.Source

	// eager simulates requests and ticks that are parked otherwise (parked.go). Tests compare a
	// run with and without it.
	eager bool
}

// node is a Node as etcd holds it, with its pods, and as the node lifecycle controller sees it.
type node struct {
	// Stored in etcd.
	lease, object uint32        // resourceVersions of its Lease and of its Node
	renewed       time.Duration // when the stored Lease last changed
	notReady      bool          // the Ready condition is not True
	tainted       bool          // has the NoSchedule taint

	// Its pods.
	pods    int32 // that it runs
	serving int32 // of these, the workload's
	marked  int32 // of pods, those that the controller has marked not ready

	// The controller's.
	seenLease  uint32        // version of the Lease that it saw last
	probed     time.Duration // probeTimestamp: when it saw the Lease renewed
	retry      bool          // MarkPodsNotReady has to be tried again
	tainting   bool          // a PATCH of the NoSchedule taint is out
	taintAgain bool          // the Node was written while that PATCH was out

	// evictAt is the time at which the pods of a node with the NoExecute taint are deleted. Zero
	// means that it has no such taint, negative that they are deleted.
	evictAt time.Duration
}

// newCluster returns the cluster at rest. keep says whether to record timeline and series.
func newCluster(s *scenario.Scenario, keep bool) (*cluster, error) {
	c := &cluster{s: s}
	c.kernel.start(c)
	c.probeDraws.Reset(s.Seed, "probe")
	c.wakeDraws.Reset(s.Seed, "wake")
	c.rec.start(c, keep)
	if err := c.etcd.start(c); err != nil {
		return nil, err
	}
	if err := c.sched.start(c); err != nil {
		return nil, err
	}
	c.lessor.start(c)
	c.servers.start(c)
	c.life.start(c)
	c.replicas.start(c)
	c.pods.start(c)
	c.proxies.start(c)
	c.users.cluster = c
	c.endpoints.start(c)
	c.electors.start(c)
	c.kubelets.start(c)
	c.operator.cluster = c
	c.calm.cluster = c
	c.sched.tellRoom()
	if err := c.hpa.start(c); err != nil {
		return nil, err
	}
	c.quiet = true
	c.at(0, evSchedule, 0, 0)
	c.at(s.Grid, evGrid, 0, 0)
	for i, a := range s.Actions {
		c.at(a.At, evAction, int32(i), 0)
	}
	if s.Etcd.Fsync > quietFsync {
		c.calm.wake()
	}
	return c, nil
}

// note adds an event to the story. who may be empty.
func (c *cluster) note(k story.Kind, who string, cause story.Cause) { c.rec.note(k, who, cause) }
