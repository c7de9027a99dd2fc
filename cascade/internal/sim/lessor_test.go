package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
)

// While etcd's loop saves, the lessor asks for one read index for all leases that one look finds.
// Then it revokes them all.
func TestOneReadIndexForAllLeasesOfALook(t *testing.T) {
	s := scenario.Scenario{Seed: 1, Actions: []scenario.Action{slow(10, 2)}}.WithDefaults()
	p, err := newCluster(&s, false)
	require.NoError(t, err)
	p.end = sec(40)
	p.run()
	for p.etcd.saving(p.now) <= activeFor {
		p.end += 100 * time.Millisecond
		p.run()
	}
	out := func() int { return len(p.proposals) - len(p.freeProposals) }
	before := out()
	leases := []int32{p.lessor.grant(p.now, time.Hour), p.lessor.grant(p.now, time.Hour), p.lessor.grant(p.now, time.Hour)}
	for _, lease := range leases {
		p.lessor.revoke(lease, true)
	}
	require.Equal(t, before+1, out(), "one read")
	p.end += 30 * time.Second
	p.run()
	for _, lease := range leases {
		require.Equal(t, leaseRevoked, p.lessor.leases[lease-1].state)
	}
}

// A lease runs from when etcd came to apply its grant, not from when the grant had the backend's
// lock. The lessor never looks for it in the past.
func TestALeaseRunsWhileItsGrantWaits(t *testing.T) {
	s := scenario.Scenario{Seed: 1}.WithDefaults()
	p, err := newCluster(&s, false)
	require.NoError(t, err)
	p.lessor.firstScan = 200 * time.Millisecond
	p.now = sec(20)
	for _, c := range []struct{ from, look float64 }{{20, 35.2}, {16, 31.2}, {4, 20.2}} {
		lease := p.lessor.grant(sec(c.from), registrationTTL)
		found := false
		for p.queue.Next() <= sec(c.look) {
			e := p.queue.Pop()
			found = found || e.Kind == evRevoke && e.Who == lease && e.At == sec(c.look)
		}
		require.True(t, found, "granted from %v s on", c.from)
	}
}
