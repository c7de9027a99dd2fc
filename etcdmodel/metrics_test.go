package etcdmodel

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// samplePage returns a page of a real etcd after seven seconds of a load, the second page four
// seconds after the first. The load: creates of 70 + 834 bytes at 100/s, updates of 50 + 525 at
// 50/s over 100 keys, and reads at 30/s, as Poisson processes.
func samplePage(t testing.TB, version string, n int) []byte {
	text, err := os.ReadFile(fmt.Sprintf("testdata/etcd-%s-%d.txt", version, n))
	require.NoError(t, err)
	return text
}

func TestDiskFromMetrics(t *testing.T) {
	for _, version := range []string{"3.5.35", "3.6.16"} {
		text := samplePage(t, version, 2)
		d, err := DiskFromMetrics(bytes.NewReader(text))
		require.NoError(t, err)
		require.NoError(t, d.Check("Disk"))
		assert.Contains(t, d.Name, version)
		members, err := readMembers([]io.Reader{bytes.NewReader(text)}, []string{metricFsync}, metricCommit)
		require.NoError(t, err)
		for metric, knots := range map[string][]Quantile{metricFsync: d.Fsync, metricCommit: d.Commit} {
			h, _, err := members[0].window(metric)
			require.NoError(t, err)
			assert.InEpsilon(t, h.sum/h.n, meanOf(knots).Seconds(), 0.06, "the mean of %s %s", version, metric)
			assertShares(t, h, knots)
		}
		assert.InDelta(t, 1000, d.Size, 300, "a frame or two a fdatasync, 3.5's double counting undone")
	}
}

// assertShares checks that the knots have the histogram's share below every bound.
func assertShares(t *testing.T, h buckets, knots []Quantile) {
	t.Helper()
	for i, bound := range h.upper[:len(h.upper)-1] {
		share := h.below[i] / h.n
		if i > 0 && h.below[i] > h.below[i-1] && share < 1 {
			assert.InEpsilon(t, bound, quantileOf(knots, share).Seconds(), 1e-3, "the bound %v", bound)
		}
	}
}

// A histogram of known samples gives their distribution back, the better for the mean.
func TestKnotsOfHistogram(t *testing.T) {
	for _, constant := range []float64{0.0003, 0.0105, 0.052} {
		h := buckets{n: 1000, sum: 1000 * constant}
		for b := 0.001; b < 9; b *= 2 {
			h.upper = append(h.upper, b)
			h.below = append(h.below, map[bool]float64{true: 1000}[constant <= b])
		}
		h.upper, h.below = append(h.upper, math.Inf(1)), append(h.below, 1000)
		knots := h.knots()
		require.NoError(t, checkKnots("Disk.Fsync", knots))
		assert.InEpsilon(t, constant, meanOf(knots).Seconds(), 0.05)
		assert.InEpsilon(t, constant, quantileOf(knots, 0.5).Seconds(), 0.35)
	}
	assert.Nil(t, buckets{}.knots())
}

func TestLoadFromMetrics(t *testing.T) {
	for _, version := range []string{"3.5.35", "3.6.16"} {
		l, err := LoadFromMetrics(
			bytes.NewReader(samplePage(t, version, 1)), bytes.NewReader(samplePage(t, version, 2)), 4*time.Second,
		)
		require.NoError(t, err)
		rate := map[string]Stream{}
		for _, s := range l.Streams {
			rate[s.Name] = s
		}
		assert.InDelta(t, 100, rate["creates"].Rate, 15, "Poisson: 400 in four seconds, deviation 20")
		assert.InDelta(t, 50, rate["updates"].Rate, 11)
		assert.InDelta(t, 30, rate["reads"].Rate, 9)
		assert.Equal(t, TxnCreate, rate["creates"].Op.Kind)
		assert.InDelta(t, (2*904+575)/3, rate["creates"].Op.Key+rate["creates"].Op.Value, 25)
		assert.Zero(t, rate["deletes"].Rate)
	}
}

// A page cut anywhere is either refused, naming a metric, or was cut after everything that is read.
func TestTruncatedPage(t *testing.T) {
	text := samplePage(t, "3.6.16", 2)
	whole, err := DiskFromMetrics(bytes.NewReader(text))
	require.NoError(t, err)
	for cut := range len(text) {
		d, err := DiskFromMetrics(bytes.NewReader(text[:cut]))
		if err == nil {
			d.Name, d.Source = whole.Name, whole.Source // the version's line may be the one that is missing
			require.Equal(t, whole.Fsync, d.Fsync, "cut at %d", cut)
			require.Equal(t, whole.Commit, d.Commit, "cut at %d", cut)
			continue
		}
		require.ErrorIs(t, err, ErrInput)
		require.Regexp(t, `^etcdmodel: metrics page: (no metric, line [12]|[a-z]\w*)`, err.Error(), "cut at %d", cut)
	}
}

func TestBadPages(t *testing.T) {
	text := string(samplePage(t, "3.6.16", 2))
	line := func(prefix string) string {
		for l := range strings.Lines(text) {
			if strings.HasPrefix(l, prefix) {
				return l
			}
		}
		t.Fatalf("no line %s", prefix)
		return ""
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"no histogram": {
			"etcd_disk_wal_fsync", "x_disk_wal_fsync",
			"etcd_disk_wal_fsync_duration_seconds is missing, want a histogram",
		},
		"no count":    {line(metricFsync + "_count"), "", "etcd_disk_wal_fsync_duration_seconds is cut short"},
		"no +Inf":     {line(metricFsync + `_bucket{le="+Inf"}`), "", "etcd_disk_wal_fsync_duration_seconds is "},
		"other count": {line(metricFsync + "_count"), metricFsync + "_count 7\n", "is a histogram of 7 with"},
		"NaN sum": {
			line(metricFsync + "_sum"), metricFsync + "_sum NaN\n", "etcd_disk_wal_fsync_duration_seconds_sum is NaN",
		},
		"falling": {
			line(metricCommit + `_bucket{le="0.512"}`), metricCommit + "_bucket{le=\"0.512\"} 1\n",
			"want cumulative counts",
		},
		"not a number":  {line(metricWALBytes), metricWALBytes + " lots\n", "etcd_disk_wal_write_bytes_total"},
		"negative":      {line(metricWALBytes), metricWALBytes + " -5\n", "etcd_disk_wal_write_bytes_total is -5, want >= 0"},
		"an empty page": {text, "", "metrics page: empty, want metrics"},
	} {
		_, err := DiskFromMetrics(strings.NewReader(strings.ReplaceAll(text, c.old, c.new)))
		require.ErrorIs(t, err, ErrInput, name)
		assert.ErrorContains(t, err, c.want, name)
	}
	first, second := samplePage(t, "3.6.16", 1), samplePage(t, "3.6.16", 2)
	_, err := LoadFromMetrics(bytes.NewReader(second), bytes.NewReader(first), time.Second)
	assert.ErrorContains(t, err, "was etcd restarted in between?")
	_, err = LoadFromMetrics(bytes.NewReader(first), bytes.NewReader(second), 0)
	assert.ErrorContains(t, err, "etcdmodel: between is 0s, want > 0")
	_, err = LoadFromMetrics(bytes.NewReader(first), strings.NewReader("x"), time.Second)
	assert.ErrorContains(t, err, `metrics page 2: without a metric: it begins with "x"`)
}

// shortPage is small, so that the fuzzer is fast.
const shortPage = `# TYPE etcd_disk_wal_fsync_duration_seconds histogram
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"} 5
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.002"} 8
etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 9
etcd_disk_wal_fsync_duration_seconds_sum 0.02
etcd_disk_wal_fsync_duration_seconds_count 9
# TYPE etcd_disk_backend_commit_duration_seconds histogram
etcd_disk_backend_commit_duration_seconds_bucket{le="0.001"} 5
etcd_disk_backend_commit_duration_seconds_bucket{le="+Inf"} 5
etcd_disk_backend_commit_duration_seconds_sum 0.002
etcd_disk_backend_commit_duration_seconds_count 5
etcd_disk_wal_write_bytes_total 9e3
etcd_mvcc_put_total 7
etcd_mvcc_delete_total 2
etcd_debugging_mvcc_total_put_size_in_bytes 700
etcd_debugging_mvcc_keys_total 3
etcd_server_proposals_committed_total 9
etcd_debugging_lease_granted_total 1
etcd_debugging_lease_revoked_total 1
grpc_server_handled_total{grpc_code="OK",grpc_method="Txn"} 4
`

// Whatever the page, the answer is an error or a valid disk.
func FuzzDiskFromMetrics(f *testing.F) {
	f.Add([]byte(shortPage))
	f.Add([]byte(metricFsync + "_bucket{le=\"+Inf\"} 1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := DiskFromMetrics(bytes.NewReader(text))
		if err != nil {
			return
		}
		if err := d.Check("Disk"); err != nil {
			t.Fatalf("an invalid disk: %v", err)
		}
	})
}

// Rates are differences of counters: what subtraction leaves of equal ones is no stream. Any time
// between the pages gives a valid load of the same streams.
func TestLoadFromMetricsAtAnyWindow(t *testing.T) {
	for _, version := range []string{"3.5.35", "3.6.16", "3.7.3"} {
		page := func(n string) *bytes.Reader {
			text, err := os.ReadFile("testdata/etcd-" + version + "-mix-" + n + ".txt")
			require.NoError(t, err)
			return bytes.NewReader(text)
		}
		var want []string
		for seconds := 1; seconds < 400; seconds += 7 {
			l, err := LoadFromMetrics(page("1"), page("2"), time.Duration(seconds)*time.Second)
			require.NoError(t, err, "etcd %s, %d s", version, seconds)
			var names []string
			for _, s := range l.Streams {
				names = append(names, s.Name)
			}
			if want == nil {
				want = names
			}
			require.Equal(t, want, names, "etcd %s, %d s", version, seconds)
		}
	}
}

func FuzzLoadFromMetrics(f *testing.F) {
	f.Add([]byte(shortPage), []byte(shortPage))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		l, err := LoadFromMetrics(bytes.NewReader(before), bytes.NewReader(after), time.Second)
		if err == nil && l.Check() != nil {
			t.Fatalf("an invalid load: %v", l.Check())
		}
	})
}

func FuzzStateFromMetrics(f *testing.F) {
	f.Add([]byte(statePage), []byte(shortPage))
	f.Fuzz(func(t *testing.T, one, other []byte) {
		states, err := StateFromMetrics(bytes.NewReader(one), bytes.NewReader(other))
		if err != nil {
			return
		}
		for _, s := range states {
			if min(s.Total, s.InUse, s.Quota, int64(s.Keys), s.Revision) < 0 || s.Compacted < -1 {
				t.Fatalf("an invalid state: %+v", s)
			}
		}
	})
}
