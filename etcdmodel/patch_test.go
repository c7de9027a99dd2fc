package etcdmodel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Patch releases of 3.5 differ in their compactions: one commit a batch until v3.5.11, no pause
// after long batches from v3.5.16 to v3.5.18.
func TestPatchReleases(t *testing.T) {
	update := Op{Kind: TxnUpdate, Key: 40, Value: 1000}
	l := Load{Streams: []Stream{{Op: update, Rate: 300, Keys: 5000}}, For: 2 * time.Second}
	of := func(v Version, patch int) Prediction {
		c := Cluster{Version: v, Patch: patch, Members: 1, Disks: []Disk{FixedDisk(10 * time.Millisecond)}}
		return must(t, Predict, c, l)
	}
	newest := of(V3_5, 0)
	for _, patch := range []int{12, 15, 19, 35} {
		assert.Equal(t, newest, of(V3_5, patch), "3.5.%d", patch)
	}
	for _, patch := range []int{16, 17, 18} {
		p := of(V3_5, patch)
		batches := time.Duration(p.Compaction.Batches - 1)
		saved := newest.Compaction.Duration - p.Compaction.Duration
		assert.Greater(t, saved, batches*(compactPause-lockRace), "no pauses in 3.5.%d", patch)
		assert.Positive(t, p.Compaction.Commit.N, "the lock is free between two batches")
		assert.InDelta(t, newest.LeaseExpiry, p.LeaseExpiry, 0)
	}
	old := of(V3_5, 11)
	assert.Less(t, old.Compaction.Duration, newest.Compaction.Duration*7/10, "half the commits")
	assert.InDelta(t, 1000, old.LeaseExpiry, 0, "a revoke forces no commit")
	assert.Equal(t, of(V3_6, 0), of(V3_6, 17), "3.6 and 3.7 have no such patch releases")
	// Measured on fsyncs of 11.2 ms: 25,000 live revisions took 1.15 s on 3.5.15 and 0.81 s on 3.5.17.
	for patch, want := range map[int]float64{15: 1.15, 17: 0.81} {
		c := Cluster{Version: V3_5, Patch: patch, BatchInterval: 100 * time.Millisecond}
		assert.InEpsilon(t, want, c.compactionTime(22400*time.Microsecond, 26, false, 0.5).Seconds(), 0.15)
	}
	_, err := Estimate(Cluster{Patch: -1}, l)
	assert.EqualError(t, err, "etcdmodel: Cluster.Patch is -1, want >= 0")
}
