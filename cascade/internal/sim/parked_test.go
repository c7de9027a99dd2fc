package sim

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/incident8829"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/kube"
)

// A candidate that is parked comes back as though it had asked in vain all the time.
func TestParkedOrNotIsTheSame(t *testing.T) {
	tries := 0
	for seed := range uint64(6) {
		s := incident8829.Scenario()
		s.Seed += seed
		if seed%2 == 1 {
			s.Version, s.Leases.Grace, s.Etcd.Before3512 = kube.V1_37, 0, false
		}
		s.Actions = append(s.Actions, scenario.Action{
			At: 50*time.Minute + time.Duration(seed)*time.Second, Do: scenario.Restart,
			What: componentNames[seed%components],
		})
		slices.SortStableFunc(s.Actions, func(a, b scenario.Action) int { return int(a.At - b.At) })
		s = s.WithDefaults()
		result := func(eager bool) (recorder, story.Totals, [purposes]int) {
			p, err := newCluster(&s, true)
			require.NoError(t, err)
			p.eager = eager
			require.NoError(t, p.runUntil(context.Background()))
			total, _ := p.rec.totals()
			p.rec.cluster = nil // which holds the tries that were parked
			return p.rec, total, p.rec.asked
		}
		parked, totals, asked := result(false)
		eager, want, wanted := result(true)
		require.Equal(t, want, totals)
		require.Equal(t, eager, parked)
		require.Equal(t, wanted[forElectionGet], asked[forElectionGet])
		tries += asked[forElectionGet]
	}
	require.Greater(t, tries, 5000, "candidates ask in vain")
}
