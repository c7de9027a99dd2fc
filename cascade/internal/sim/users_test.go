package sim

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
)

func TestWhatUsersSee(t *testing.T) {
	for name, c := range map[string]struct {
		d    dataPlane
		fail float64
		used float64
	}{
		"nobody asks": {},
		"room to spare": {
			d: dataPlane{endpoints: 50, alive: 50, demand: 8000, retries: 2}, used: 160,
		},
		"no endpoints": {
			d: dataPlane{demand: 8000, retries: 5}, fail: 1,
		},
		"a fifth can be done": {
			d: dataPlane{endpoints: 10, alive: 10, demand: 25000}, fail: 0.8, used: 500,
		},
		"half the endpoints dead": {
			d: dataPlane{endpoints: 50, alive: 25, demand: 8000}, fail: 0.5, used: 160,
		},
		"and clients that retry": {
			d: dataPlane{endpoints: 50, alive: 25, demand: 8000, retries: 2}, fail: 0.125, used: 280,
		},
		"few left, at their limits": {
			d: dataPlane{endpoints: 10, alive: 10, demand: 8000}, fail: 0.375, used: 500,
		},
	} {
		c.d.limit = 500
		fail, used := c.d.errors()
		require.InDelta(t, c.fail, fail, 1e-6, name)
		require.InDelta(t, c.used, used, 1e-6, name)
	}
	for r := range 5 { // at their limits the pods do what they can, however often it is asked for
		fail, _ := dataPlane{endpoints: 10, alive: 10, demand: 8000, limit: 500, retries: r}.errors()
		require.InDelta(t, 0.375, fail, 1e-4, "%d retries", r)
	}
}

// L10: drained endpoints put the load on few pods, and users see errors once those are at their
// limits. The autoscaler does not ask for more: it averages over the drained pods, too, which run
// and use nothing (replica_calculator.go).
func TestDrainedEndpointsFailUsersAndDoNotWakeTheAutoscaler(t *testing.T) {
	s := replayed(1, 700,
		scenario.Action{At: sec(90), Do: scenario.Silence}, scenario.Action{At: sec(500), Do: scenario.Awake})
	s.OtherPods = 20
	s.Workload = scenario.Workload{HPA: &scenario.Autoscaler{Max: 200}, Room: 200, Retries: 2}
	r := run(t, s)
	require.Greater(t, r.Totals.WorstErrors, 0.2, "16 of 50 pods could do it all, fewer cannot")
	require.Zero(t, mean(r, "users' requests failing", 0, 90))
	require.Zero(t, r.Values("users' requests failing")[600], "back with the endpoints")
	for _, e := range r.Timeline {
		require.NotEqual(t, story.Scaled, e.Kind, e)
	}
}
