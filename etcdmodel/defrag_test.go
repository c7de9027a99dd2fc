package etcdmodel

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDefragAgainstMeasured: the costs were laid through the copies on the machine's own disk.
// Those on slow disks were left out of it.
func TestDefragAgainstMeasured(t *testing.T) {
	miss := map[string][]float64{}
	var fsyncs []float64
	for _, r := range measured(t, "defrag.csv") {
		delay := time.Duration(r.num(t, "delay_ms") * 1e6)
		c := Cluster{Disks: []Disk{FixedDisk(delay + 400*time.Microsecond)}}.WithDefaults()
		d := newDefrag(c, tally{r.num(t, "mb") * 1e6, r.num(t, "revs")})
		took := time.Duration(r.num(t, "defrag_ms") * 1e6)
		miss[r["disk"]] = append(miss[r["disk"]], math.Abs(d.Likely.Seconds()/took.Seconds()-1))
		assert.LessOrEqual(t, d.Least, took, "%v", r)
		assert.GreaterOrEqual(t, d.Most, took, "%v", r)
		if r["fsyncs"] != "" {
			fsyncs = append(fsyncs, math.Abs(float64(d.Fsyncs)/r.num(t, "fsyncs")-1))
		}
	}
	t.Logf("median errors: own disk %.0f %% (n = %d), slow disks %.0f %% (n = %d), fsyncs %.0f %%",
		100*median(miss["native"]), len(miss["native"]), 100*median(miss["fuse"]), len(miss["fuse"]), 100*median(fsyncs))
	assert.LessOrEqual(t, median(miss["native"]), 0.30)
	assert.LessOrEqual(t, median(miss["fuse"]), 0.40)
	assert.LessOrEqual(t, median(fsyncs), 0.02)
}

// TestPublishedDefragmentations: reported times are within the range.
func TestPublishedDefragmentations(t *testing.T) {
	for _, x := range []struct {
		bytes, each float64 // of a key: assumed
		least, most time.Duration
	}{
		{4.1e9, 2000, 15 * time.Second, 15 * time.Second}, // etcd-io/etcd#20952
		{516e6, 1400, 18 * time.Second, 22 * time.Second}, // on a busy two-core machine
	} {
		d := newDefrag(Cluster{}.WithDefaults(), tally{x.bytes, x.bytes / x.each})
		t.Logf("%.0f MB: %v to %v, %v likely; published %v to %v", x.bytes/1e6, d.Least, d.Most, d.Likely, x.least, x.most)
		assert.LessOrEqual(t, d.Least, x.least)
		assert.GreaterOrEqual(t, d.Most, x.most)
	}
}

// TestADefragmentationHoldsItsMember: a write to the member waits for the end, or for etcd's
// timeout.
func TestADefragmentationHoldsItsMember(t *testing.T) {
	c := Cluster{Members: 1, State: State{Total: 2e9, InUse: 1e9, Keys: 500_000}}
	s, err := NewServer(c, []Stream{{Op: Op{Key: 60, Value: 500}, Keys: 10}})
	require.NoError(t, err)
	d := s.Defrag()
	require.Greater(t, d.Likely, 10*time.Second)
	assert.Equal(t, s.DB().InUse, s.DB().Total, "only what is in use is left")
	require.Equal(t, d.Most-7*time.Second, d.Failing)
	require.NoError(t, s.Submit(0, 1))
	require.NoError(t, s.SubmitTo(0, 0, 2))
	timedOut := 0
	for s.Now() < d.Likely+time.Second {
		for _, x := range s.Advance(100 * time.Millisecond).Done {
			if x.Outcome == TimedOut {
				timedOut++
				assert.InDelta(t, 7, x.At.Seconds(), 0.01)
			}
		}
	}
	assert.Equal(t, 2, timedOut)
}
