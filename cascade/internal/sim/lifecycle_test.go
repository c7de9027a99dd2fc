package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
)

// hanging returns ten nodes of which the runtimes of some hang, as the actions say.
func hanging(t *testing.T, actions ...scenario.Action) *cluster {
	s := scenario.Scenario{
		Length: time.Hour, Nodes: 10, Workload: scenario.Workload{Room: 100}, Actions: actions,
	}.WithDefaults()
	p, err := newCluster(&s, false)
	require.NoError(t, err)
	return p
}

func (p *cluster) to(minutes float64) {
	p.end = time.Duration(minutes * float64(time.Minute))
	p.run()
}

// A controller manager that is restarted taints and evicts all the same. The times that pods
// tolerate begin anew.
func TestEvictionsSurviveTheControllerManager(t *testing.T) {
	p := hanging(t, scenario.Action{At: time.Minute, Do: scenario.Stall, N: 2, For: time.Hour})
	p.to(8)
	require.Equal(t, 2, p.life.notReady)
	require.Zero(t, p.rec.evictions)
	for i := range 2 {
		require.Positive(t, p.nodes[i].evictAt)
	}
	p.electors.lost(controllers)
	p.to(13)
	require.Zero(t, p.rec.evictions, "300 s from the restart")
	p.to(16)
	require.Equal(t, 10, p.rec.evictions, "five pods on each of the two nodes, once")
	require.Equal(t, 50, p.pods.running)
	require.Equal(t, 50, p.endpoints.ready())
	p.electors.lost(controllers)
	p.to(30)
	require.Equal(t, 10, p.rec.evictions)
}

// A controller manager that is restarted before it has tainted a node does so later.
func TestTaintsSurviveTheControllerManager(t *testing.T) {
	p := hanging(t, scenario.Action{At: time.Minute, Do: scenario.Stall, N: 4, For: time.Hour})
	for p.life.notReady < 4 {
		p.to(p.now.Minutes() + 1./60)
	}
	p.electors.lost(controllers)
	p.to(20)
	require.Equal(t, 20, p.rec.evictions)
}

// Full disruption ends the evictions that are under way. When some nodes are back, the others'
// pods are evicted.
func TestEvictionsGoOnAfterFullDisruption(t *testing.T) {
	p := hanging(t, scenario.Action{At: time.Minute, Do: scenario.Stall, N: 10, For: 12 * time.Minute},
		scenario.Action{At: 2 * time.Minute, Do: scenario.Stall, N: 5, For: time.Hour})
	p.to(12)
	require.Equal(t, 10, p.life.notReady)
	require.True(t, p.life.disrupted)
	require.Zero(t, p.rec.evictions)
	p.to(17)
	require.Equal(t, 5, p.life.notReady)
	require.Zero(t, p.rec.evictions, "tainted since the others are back, tolerated for 300 s")
	p.to(25)
	require.Equal(t, 25, p.rec.evictions)
	require.Equal(t, 50, p.pods.running)
}
