package etcdmodel

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTimeToQuotaAgainstMeasured(t *testing.T) {
	for _, r := range measured(t, "event_storm.csv") {
		rate := r.num(t, "rate")
		event := Op{Kind: TxnCreate, Key: int(r.num(t, "key_bytes")), Value: int(r.num(t, "event_bytes")), Lease: true}
		c := Cluster{Version: V3_6, Members: 1, Quota: int64(r.num(t, "quota")), DB: 20480}
		l := Load{Streams: []Stream{{Op: event, Rate: rate}, {Op: Op{Kind: LeaseGrant}, Rate: rate / 1000}}}
		p, err := Estimate(c, l)
		require.NoError(t, err)
		want := r.num(t, "secs_to_nospace")
		t.Logf("time to quota %.2f s, measured %.2f s", p.DB.QuotaIn.Seconds(), want)
		assert.InEpsilon(t, want, p.DB.QuotaIn.Seconds(), 0.02)
	}
}

func TestServerReachesNoSpaceWhenPredicted(t *testing.T) {
	event := Stream{Op: Op{Kind: TxnCreate, Key: 70, Value: 834, Lease: true}}
	c := Cluster{Members: 1, Quota: 16 << 20}
	s, err := NewServer(c, []Stream{event, {Op: Op{Kind: TxnDelete, Key: 70}}})
	require.NoError(t, err)
	for s.Now() < time.Minute && !s.Step(10*time.Millisecond, []float64{10}).NoSpace {
	}
	event.Rate = 1000
	p, err := Estimate(c, Load{Streams: []Stream{event}})
	require.NoError(t, err)
	assert.InEpsilon(t, p.DB.QuotaIn.Seconds(), s.Now().Seconds(), 0.02)
	assert.LessOrEqual(t, float64(s.DB().Total-c.Quota), float64(p.DB.Overshoot)*1.5)

	after := s.Step(time.Second, []float64{100, 10})
	assert.Zero(t, after.Classes[0].Committed)
	assert.Positive(t, after.Classes[0].NoSpace)
	assert.Positive(t, after.Classes[1].Committed, "deletes go on")
	s.Compact(0)
	s.Step(5*time.Second, nil)
	require.ErrorIs(t, s.Disarm(), ErrInput, "a compaction frees pages, not the file")
	s.Defrag()
	s.Step(5*time.Second, nil)
	if s.DB().Total < c.Quota {
		require.NoError(t, s.Disarm())
	}
}

func TestDefragAndDisarmLeaveNoSpace(t *testing.T) {
	s, err := NewServer(Cluster{Members: 1, Quota: 8 << 20}, []Stream{
		{Op: Op{Kind: TxnUpdate, Key: 60, Value: 1024}, Keys: 100},
	})
	require.NoError(t, err)
	for s.Now() < time.Minute && !s.Step(10*time.Millisecond, []float64{10}).NoSpace {
	}
	s.Compact(0)
	s.Step(5*time.Second, nil)
	assert.Less(t, s.DB().InUse, int64(1<<20))
	require.Error(t, s.Disarm())
	s.Defrag()
	require.NoError(t, s.Disarm())
	assert.Positive(t, s.Step(5*time.Second, []float64{100}).Classes[0].Committed)
}

func TestCompactionAgainstMeasured(t *testing.T) {
	var formula, engine, defrag []float64
	for _, file := range []string{"compaction.csv", "frag_random.csv"} {
		for _, r := range measured(t, file) {
			commit := time.Duration(r.num(t, "bk_commit_mean_ms") * 1e6)
			revisions, value := int(r.num(t, "revs")), int(r.num(t, "val_bytes"))
			deletes := int(r.num(t, "keys_compacted"))
			want := r.num(t, "metric_total_ms")
			got := compactionTime(100*time.Millisecond, commit, revisions/compactBatch+1, deletes > 0, float64(value)/1024)
			formula = append(formula, math.Abs(float64(got.Milliseconds())/want-1))

			disk := Disk{Fsync: []Quantile{{1, commit / 2}}, Commit: []Quantile{{1, commit}}}
			s := newSimulation(Cluster{Version: V3_6, Members: 1, Disks: []Disk{disk}}.WithDefaults(), Load{
				Streams: []Stream{{Op: Op{Kind: Put, Key: 46, Value: value}, Rate: 100}},
			})
			s.e.compactRevisions(revisions, deletes)
			for s.e.compacting() {
				s.e.run(s.e.now + int64(10*time.Millisecond))
			}
			took := time.Duration(s.e.members[0].compact.took)
			engine = append(engine, math.Abs(float64(took.Milliseconds())/want-1))
			left := tally{r.num(t, "inuse2"), float64(revisions - deletes)}
			d := newDefrag(Cluster{Disks: []Disk{FixedDisk(commit / 2)}}.WithDefaults(), left).Likely
			defrag = append(defrag, math.Abs(float64(d.Milliseconds())/r.num(t, "defrag_ms")-1))
			t.Logf(
				"%d revisions, B %v: formula %v, simulated %v, measured %.0f ms; defrag %v, measured %s ms", revisions,
				commit, got.Round(time.Millisecond), took.Round(time.Millisecond), want, d.Round(time.Millisecond),
				r["defrag_ms"],
			)
		}
	}
	t.Logf(
		"median errors: formula %.1f %%, simulated %.1f %%, defragmentation %.0f %%", 100*median(formula),
		100*median(engine), 100*median(defrag),
	)
	assert.LessOrEqual(t, median(formula), 0.20)
	assert.LessOrEqual(t, median(engine), 0.20)
	assert.LessOrEqual(t, median(defrag), 0.40)
}

func TestPlateauAgainstMeasured(t *testing.T) {
	rows := measured(t, "steady_3.6.16.csv")
	last := rows[len(rows)-1]
	every := time.Duration(last.num(t, "every_s") * 1e9)
	p, err := Estimate(Cluster{Version: V3_6, Members: 1, CompactEvery: every, CompactKeep: every, DB: 16384},
		Load{Streams: []Stream{{
			Op: Op{Kind: Put, Key: 46, Value: int(last.num(t, "val_bytes"))}, Rate: last.num(t, "rate"),
			Keys: int(last.num(t, "keys")),
		}}})
	require.NoError(t, err)
	t.Logf("plateau %.2f MB, measured %.2f MB", float64(p.DB.Plateau)/1e6, last.num(t, "db")/1e6)
	assert.InEpsilon(t, last.num(t, "db"), p.DB.Plateau, 0.05)
}

func TestLeaseExpiryAgainstMeasured(t *testing.T) {
	for _, r := range measured(t, "lease_expiry.csv") {
		fsync := 0.4 + 1.5*r.num(t, "delay")/1e3 // the disks of that evening: see single_member.csv at one client
		p, err := Estimate(Cluster{Version: V3_6, Members: 1, Disks: []Disk{FixedDisk(ms(fsync))}}, Load{
			Streams: []Stream{{Op: Op{Kind: Put, Key: 46, Value: 1024}, Rate: 1}},
		})
		require.NoError(t, err)
		t.Logf("%.0f leases/s, measured %s", p.LeaseExpiry, r["revokes_per_s"])
		assert.InEpsilon(t, r.num(t, "revokes_per_s"), p.LeaseExpiry, 0.30)
	}
}

// TestEventsFillTheDefaultQuota: 834-byte Events at more than 433/s fill 2 GiB before the first of
// them expires after an hour (from the db bytes per Event, measured on 3.6.16).
func TestEventsFillTheDefaultQuota(t *testing.T) {
	event := Op{Kind: TxnCreate, Key: 70, Value: 834, Lease: true}
	for rate, full := range map[float64]bool{400: false, 440: true} {
		p, err := Estimate(
			Cluster{CompactEvery: time.Millisecond, CompactKeep: time.Millisecond},
			Load{Streams: []Stream{{Op: event, Rate: rate, TTL: time.Hour}}},
		)
		require.NoError(t, err)
		assert.Equal(t, full, p.DB.QuotaIn >= 0, "%v/s", rate)
	}
}

// TestCompactionsGoForward: a compaction to an older revision than the last one does nothing and
// ends. The timer's, which keeps five minutes, does that after one by hand.
func TestCompactionsGoForward(t *testing.T) {
	s := newServer(t, Cluster{Members: 1}, lease)
	s.Step(time.Minute, []float64{600})
	s.Compact(time.Second)
	s.Step(10*time.Second, nil)
	before := s.DB()
	s.Compact(30 * time.Second)
	require.False(t, s.e.compacting())
	require.Equal(t, before.InUse, s.Step(time.Minute, nil).DB.InUse)
}
