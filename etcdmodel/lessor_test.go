package etcdmodel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A grant that is to be applied during a backend commit waits for it with the lessor's lock, and
// its lease runs from then on. A revoke waits without that lock. It holds the lock during the
// commit that it forces (lease/lessor.go, Grant and Revoke; v3.5.35).
func TestTheLessorsLock(t *testing.T) {
	at := func(s *Server, seconds float64) []Done {
		return s.Advance(time.Duration(seconds*1e9) - s.Now()).Done
	}
	for _, kind := range []Kind{LeaseGrant, LeaseRevoke} {
		s := newServer(
			t, Cluster{Version: V3_5, Members: 1, Seed: 1, Disks: []Disk{FixedDisk(time.Second)}}, lease,
			Stream{Op: Op{Kind: kind}},
		)
		s.Wake(time.Hour)                  // the timer of commits is in its interval, not seconds ahead
		require.NoError(t, s.Submit(0, 1)) // saved at 1 s, then a commit of 2 s within the next tenth
		require.Len(t, at(s, 1.5), 1)
		require.NoError(t, s.Submit(1, 2)) // saved at 2.5 s
		require.Equal(t, s.Now(), s.LessorFree())
		require.Empty(t, at(s, 2.7))
		if kind == LeaseRevoke {
			require.Equal(t, s.Now(), s.LessorFree())
		} else {
			require.InDelta(t, 3.05, s.LessorFree().Seconds(), 0.06)
		}
		done := at(s, 3.5)
		require.Len(t, done, 1)
		require.InDelta(t, 3.05, done[0].At.Seconds(), 0.06)
		require.InDelta(t, 2.5, done[0].Reached.Seconds(), 0.02)
		if kind == LeaseRevoke {
			require.InDelta(t, 5.05, s.LessorFree().Seconds(), 0.06)
		} else {
			require.Equal(t, s.Now(), s.LessorFree())
		}
	}
}
