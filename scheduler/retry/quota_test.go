package retry

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// One update at a time: what comes while one waits shares it.
func TestUsageIsWrittenOneUpdateAtATime(t *testing.T) {
	var u usage
	for _, x := range []struct {
		at, landed time.Duration
		written    bool
	}{
		{0, 10, true}, {3, 20, true}, {4, 0, false}, {9, 0, false}, // the second begins at 10
		{12, 30, true}, {100, 110, true},
	} {
		landed, written := u.change(x.at, 10)
		assert.Equal(t, x.written, written, "at %d", x.at)
		if written {
			assert.Equal(t, x.landed, landed, "at %d", x.at)
		}
	}
}

// Creations paced by the client's tokens write the usage once each; so do deletions; and
// no quota, no writes. Refusals write nothing.
func TestQuotaUpdates(t *testing.T) {
	r := newReplicaSet(t, 0, ReplicaSetAPI{Latency: 5 * time.Millisecond, Quota: 400})
	r.Scale(450)
	r.Advance(time.Minute)
	total := r.Total()
	assert.Equal(t, 400, total.Creates)
	assert.InDelta(
		t, 400-30+9, total.QuotaUpdates, 5,
		"the thirty of the burst come as 1, 2, 4, 8 and 15: one update each for the first of a batch, one for its others",
	)
	refused := total.Refusals
	r.Advance(10 * time.Minute)
	assert.Greater(t, r.Total().Refusals, refused)
	assert.Equal(t, total.QuotaUpdates, r.Total().QuotaUpdates)

	r.SetReady(10)
	before := r.Advance(11 * time.Minute)
	assert.Equal(t, 1, before.StatusUpdates)
	r.Scale(0)
	s := r.Advance(12 * time.Minute)
	assert.Equal(t, 400, s.Deletes)
	assert.InDelta(t, 390-30+2, s.QuotaUpdates, 3, "ten terminate and still count")
	status := s.StatusUpdates
	r.Gone(10)
	s = r.Advance(13 * time.Minute)
	assert.Equal(t, ReplicaSetStep{StatusUpdates: 1, QuotaUpdates: 2}, s)
	assert.Equal(t, 2, status, "once with the pods of the sync's beginning, once without")

	none := newReplicaSet(t, 0, ReplicaSetAPI{Latency: 5 * time.Millisecond})
	none.Scale(450)
	none.Advance(time.Minute)
	assert.Zero(t, none.Total().QuotaUpdates)
}
