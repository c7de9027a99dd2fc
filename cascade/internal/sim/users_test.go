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
		"room to spare":             {dataPlane{50, 50, 8000, 500, 2}, 0, 160},
		"nobody asks":               {dataPlane{0, 0, 0, 500, 0}, 0, 0},
		"no endpoints":              {dataPlane{0, 0, 8000, 500, 5}, 1, 0},
		"a fifth can be done":       {dataPlane{10, 10, 25000, 500, 0}, 0.8, 500},
		"half the endpoints dead":   {dataPlane{50, 25, 8000, 500, 0}, 0.5, 160},
		"and clients that retry":    {dataPlane{50, 25, 8000, 500, 2}, 0.125, 280},
		"few left, at their limits": {dataPlane{10, 10, 8000, 500, 0}, 0.375, 500},
	} {
		fail, used := c.d.errors()
		require.InDelta(t, c.fail, fail, 1e-6, name)
		require.InDelta(t, c.used, used, 1e-6, name)
	}
	for r := range 5 { // at their limits the pods do what they can, however often it is asked for
		fail, _ := dataPlane{10, 10, 8000, 500, r}.errors()
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
