// Package sim simulates one control plane in virtual time.
//
// A cluster is a kernel and its components. The kernel has the clock, the timers and the requests.
// A component owns its state and lives in a file of its own. It embeds the cluster and asks it for
// three things: the time (now), a timer (at) and a request (ask). It reaches its peers by name.
//
// Two tables tie them together: [purposes] has a row for each kind of request, and [timers] one
// for each kind of timer. To add a component, write its file and its rows.
package sim

import (
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/internal/stream"
)

// cluster is a simulated cluster: all state of a run.
type cluster struct {
	kernel
	s     *scenario.Scenario // with its defaults
	nodes []node             // what etcd holds of each, and what the controllers remember

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

	eager bool // parks neither candidates nor the scheduler's ticks: for tests of the two against each other
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

// note adds an event to the story.
func (c *cluster) note(k story.Kind, who string, cause story.Cause) { c.rec.note(k, who, cause) }
