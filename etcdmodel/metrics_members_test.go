package etcdmodel

import (
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// grep returns the lines of a page that contain a word.
func grep(page, word string) string {
	var b strings.Builder
	for line := range strings.Lines(page) {
		if strings.Contains(line, word) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// federate returns a page as Prometheus' /federate has it, of a member at a time in seconds.
func federate(page, instance string, at int64) string {
	var b strings.Builder
	for line := range strings.Lines(page) {
		series, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || line[0] == '#' {
			continue
		}
		name, labels, _ := strings.Cut(strings.TrimSuffix(series, "}"), "{")
		if labels != "" {
			labels += ","
		}
		fmt.Fprintf(&b, "%s{%sinstance=\"%s\",job=\"etcd\"} %s %d\n", name, labels, instance, value, at*1000)
	}
	return b.String()
}

func readers(pages ...string) []io.Reader {
	var out []io.Reader
	for _, p := range pages {
		out = append(out, strings.NewReader(p))
	}
	return out
}

// set replaces the value of a series of a page.
func set(page, series, value string) string {
	var b strings.Builder
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, series+" ") {
			line = series + " " + value + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

func TestDisksFromMetrics(t *testing.T) {
	first, second := string(samplePage(t, "3.6.16", 1)), string(samplePage(t, "3.6.16", 2))
	whole, err := DiskFromMetrics(strings.NewReader(second))
	require.NoError(t, err)
	fsyncs := grep(second, "fsync")
	for name, c := range map[string]struct {
		pages   []string
		members []string
		source  string // of the first
	}{
		"one page": {
			[]string{second}, []string{""}, "n = 1041; etcd_disk_backend_commit_duration_seconds, n = 73",
		},
		"grep fsync": {
			[]string{fsyncs}, []string{""},
			"n = 1041; no backend commits: two fdatasyncs and the bytes are assumed; no bytes: 2300 a fdatasync are assumed",
		},
		"grep bucket": {
			[]string{grep(fsyncs, "_bucket")}, []string{""},
			"n = 1041; without a sum, so even within a bucket; no backend commits",
		},
		"grep etcd_disk_": {
			[]string{grep(second, "etcd_disk_")}, []string{""},
			"n = 1041; etcd_disk_backend_commit_duration_seconds, n = 73",
		},
		"three federated": {
			[]string{federate(second, "b", 9) + federate(first, "c", 9) + federate(second, "a", 9)},
			[]string{"a", "b", "c"}, "n = 1041",
		},
		"three pages": {
			[]string{federate(second, "b", 9), federate(first, "c", 9), federate(second, "a", 9)},
			[]string{"a", "b", "c"}, "n = 1041",
		},
		"two pages": {
			[]string{first, second}, []string{""},
			"n = 547; etcd_disk_backend_commit_duration_seconds, n = 39; between two pages",
		},
		"two times":         {[]string{federate(second, "a", 104), federate(first, "a", 100)}, []string{"a"}, "of 4s"},
		"two times, a file": {[]string{federate(second, "a", 104) + federate(first, "a", 100)}, []string{"a"}, "of 4s"},
		"beside a server": {
			[]string{federate(second, "a", 9) + "process_start_time_seconds{instance=\"x\"} 7 9000\n"},
			[]string{"a"}, "n = 1041",
		},
		"IDs": {
			[]string{second + "etcd_server_id{server_id=\"b\"} 1\n", second + "etcd_server_id{server_id=\"a\"} 1\n"},
			[]string{"a", "b"}, "n = 1041",
		},
		"one ID": {
			[]string{first + "etcd_server_id{server_id=\"b\"} 1\n", second + "etcd_server_id{server_id=\"b\"} 1\n"},
			[]string{""}, "n = 547",
		},
	} {
		t.Run(name, func(t *testing.T) {
			disks, err := DisksFromMetrics(readers(c.pages...)...)
			require.NoError(t, err)
			var names []string
			for _, d := range disks {
				names = append(names, d.Member)
				require.NoError(t, d.Disk.Check("Disk"))
			}
			assert.Equal(t, c.members, names)
			assert.Contains(t, disks[0].Disk.Source, c.source)
			if strings.Contains(c.source, "n = 1041") && !strings.Contains(c.source, "even") {
				assert.Equal(t, whole.Fsync, disks[0].Disk.Fsync)
			}
		})
	}
}

// The window between two pages forgets what the disk was before: ten times as slow.
func TestDiskOfWindow(t *testing.T) {
	page := func(fast, slow int) string {
		return fmt.Sprintf(`etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"} 0
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.002"} %d
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.016"} %d
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.032"} %d
etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} %d
etcd_disk_wal_fsync_duration_seconds_sum %v
etcd_disk_wal_fsync_duration_seconds_count %d
`, fast, fast, fast+slow, fast+slow, 0.0015*float64(fast)+0.024*float64(slow), fast+slow)
	}
	disks, err := DisksFromMetrics(readers(page(900, 1000), page(1100, 1000))...)
	require.NoError(t, err)
	assert.InEpsilon(t, 0.0015, disks[0].Disk.FsyncMean().Seconds(), 0.03)
	_, err = DiskFromMetrics(strings.NewReader(page(0, 0)))
	assert.ErrorContains(t, err, "etcd_disk_wal_fsync_duration_seconds is empty, want at least one fdatasync")
}

func TestBadMembers(t *testing.T) {
	first, second := string(samplePage(t, "3.6.16", 1)), string(samplePage(t, "3.6.16", 2))
	for name, c := range map[string]struct {
		pages []string
		want  string
	}{
		"none": {nil, "etcdmodel: pages is empty, want one page or more"},
		"restarted": {
			[]string{second, first},
			"metrics page 2: etcd_disk_wal_fsync_duration_seconds_sum is less than before, want a sum that grows",
		},
		"nothing new": {
			[]string{second, second},
			"metrics page 2: etcd_disk_wal_fsync_duration_seconds is empty, want at least one fdatasync",
		},
		"start": {
			[]string{first + "process_start_time_seconds 1e9\n", second + "process_start_time_seconds 1.1e9\n"},
			"metrics page 2: process_start_time_seconds is another than before, want the member not restarted",
		},
		"unnamed two": {
			[]string{second + strings.ReplaceAll(federate(second, "a", 1), "instance=\"a\",job=", "team=")},
			"is 2 histograms, one",
		},
	} {
		_, err := DisksFromMetrics(readers(c.pages...)...)
		require.ErrorIs(t, err, ErrInput, name)
		assert.ErrorContains(t, err, c.want, name)
	}
	_, err := DisksFromMetrics(strings.NewReader(federate(second, "b", 1) + federate(grep(second, "backend"), "a", 1)))
	require.ErrorContains(t, err, `fsync_duration_seconds is missing, want a histogram (member "a")`)
	_, err = DiskFromFio(nil)
	require.EqualError(t, err, "etcdmodel: fio output: nil, want a reader")
	_, err = DisksFromMetrics(nil)
	require.EqualError(t, err, "etcdmodel: metrics page: nil, want a reader")
	_, err = DiskFromMetrics(strings.NewReader(federate(second, "b", 1) + federate(second, "a\x1b", 1)))
	require.EqualError(t, err, `etcdmodel: metrics page: 2 members ("a\x1b", "b"), want one, or DisksFromMetrics`)
}

// statePage has the gauges of a member as the versions name them.
const statePage = `etcd_server_version{server_version="3.6.16"} 1
etcd_mvcc_db_total_size_in_bytes 2.097152e+07
etcd_mvcc_db_total_size_in_use_in_bytes 1.9e+07
etcd_server_quota_backend_bytes 2.147483648e+09
etcd_debugging_mvcc_keys_total 808
etcd_debugging_mvcc_current_revision 12345
etcd_debugging_mvcc_compact_revision 12000
`

func TestStateFromMetrics(t *testing.T) {
	full := State{
		Version: V3_6, Total: 20971520, InUse: 19e6, Quota: 2 << 30, Keys: 808, Revision: 12345, Compacted: 12000,
	}
	with := func(change func(*State)) State {
		s := full
		change(&s)
		return s
	}
	old := strings.NewReplacer(
		"etcd_mvcc_db_total_size_in_bytes", "etcd_debugging_mvcc_db_total_size_in_bytes", "3.6.16", "3.3.10",
	).Replace(grep(statePage, "version") + grep(statePage, "total_size_in_bytes"))
	for name, c := range map[string]struct {
		pages []string
		want  []State
	}{
		"one":  {[]string{statePage}, []State{full}},
		"3.3":  {[]string{old}, []State{{Version: V3_5, Total: 20971520}}},
		"both": {[]string{statePage + "etcd_debugging_mvcc_db_total_size_in_bytes 7\n"}, []State{full}},
		"never": {
			[]string{set(statePage, "etcd_debugging_mvcc_compact_revision", "-1")},
			[]State{with(func(s *State) { s.Compacted = -1 })},
		},
		"two pages": {
			[]string{statePage, set(statePage, "etcd_debugging_mvcc_keys_total", "9")},
			[]State{with(func(s *State) { s.Keys = 9 })},
		},
		"by halves": {
			[]string{grep(statePage, "in_bytes"), grep(statePage, "debugging")},
			[]State{with(func(s *State) { s.Version, s.Quota = 0, 0 })},
		},
		"times, the wrong way round": {
			[]string{federate(statePage, "a", 9), federate(set(statePage, "etcd_debugging_mvcc_keys_total", "9"), "a", 8)},
			[]State{with(func(s *State) { s.Member = "a" })},
		},
		"members": {
			[]string{federate(statePage, "b", 9) + federate(statePage, "a", 9)},
			[]State{with(func(s *State) { s.Member = "a" }), with(func(s *State) { s.Member = "b" })},
		},
		"apiserver": {
			[]string{"apiserver_storage_size_bytes{storage_cluster_id=\"etcd-0\"} 4.919296e+06\nx{verb=\"GET\"} 1\n"},
			[]State{{Member: "etcd-0", Total: 4919296}},
		},
		"its endpoints": {
			[]string{`etcd_db_total_size_in_bytes{endpoint="https://b"} 1e+06
etcd_db_total_size_in_bytes{endpoint="https://a"} 2e+06
`},
			[]State{{Member: "https://a", Total: 2e6}, {Member: "https://b", Total: 1e6}},
		},
	} {
		got, err := StateFromMetrics(readers(c.pages...)...)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, got, name)
	}
	for value, want := range map[string]string{
		"-5": "is -5, want 0 to 2^53", "NaN": "is NaN, want a finite number", "1e300": "is 1e+300, want 0 to 2^53",
		"18446744073709551616": "is 1.8446744073709552e+19, want 0 to 2^53", "+Inf": "is +Inf, want a finite number",
	} {
		_, err := StateFromMetrics(strings.NewReader(set(statePage, "etcd_mvcc_db_total_size_in_bytes", value)))
		require.ErrorIs(t, err, ErrInput)
		assert.ErrorContains(t, err, "metrics page: etcd_mvcc_db_total_size_in_bytes "+want)
	}
	_, err := StateFromMetrics(strings.NewReader("go_goroutines 1\n"))
	assert.ErrorContains(t, err, "etcd_mvcc_db_total_size_in_bytes is missing")
}

// counted is a page of what an etcd counted after some seconds of a load.
type counted struct {
	puts, deletes, ranges, proposed, granted, revoked, renewed, keys, txns, plain, reads float64
	ttl                                                                                  float64
}

func (c counted) page() string {
	return fmt.Sprintf(`etcd_mvcc_put_total %v
etcd_mvcc_delete_total %v
etcd_mvcc_range_total %v
etcd_server_proposals_committed_total %v
etcd_debugging_lease_granted_total %v
etcd_debugging_lease_revoked_total %v
etcd_debugging_lease_renewed_total %v
etcd_debugging_mvcc_keys_total %v
etcd_debugging_mvcc_total_put_size_in_bytes %v
etcd_debugging_lease_ttl_total_bucket{le="4096"} %v
etcd_debugging_lease_ttl_total_bucket{le="+Inf"} %v
etcd_debugging_lease_ttl_total_sum %v
etcd_debugging_lease_ttl_total_count %v
grpc_server_handled_total{grpc_code="OK",grpc_method="Txn"} %v
grpc_server_handled_total{grpc_code="OK",grpc_method="Put"} %v
grpc_server_handled_total{grpc_code="OK",grpc_method="Range"} %v
grpc_server_handled_total{grpc_code="Unavailable",grpc_method="Range"} 1e9
`, c.puts, c.deletes, c.ranges, c.proposed, c.granted, c.revoked, c.renewed, c.keys, 900*c.puts, c.granted, c.granted,
		c.ttl*c.granted, c.granted, c.txns, c.plain, c.reads)
}

// kube counts, after s seconds, 40 creates, 30 creates with a lease of 30 keys and 60 s, 50
// updates, 40 deletes and 5 failed compares a second by transactions, at a constant number of keys.
func kube(s float64) counted {
	return counted{
		puts: 120 * s, deletes: 70 * s, proposed: 167 * s, granted: s, revoked: s, ttl: 60, keys: 5000, txns: 165 * s,
		reads: 20 * s, ranges: 190 * s, // a range for each compare, for each failed one, for each read
	}
}

func ratesOf(l Load) (rates map[string]float64, streams map[string]Stream) {
	rates, streams = map[string]float64{}, map[string]Stream{}
	for _, s := range l.Streams {
		rates[s.Name], streams[s.Name] = math.Round(1000*s.Rate)/1000, s
	}
	return rates, streams
}

func TestLoadOfDeletesAndLeases(t *testing.T) {
	want := map[string]float64{
		"creates": 40, "creates with a lease": 30, "updates": 50, "deletes": 40, "conflicts": 5, "lease grants": 1,
		"lease revokes": 1, "reads": 20,
	}
	one, other := kube(100), kube(160)
	// Of three members each answers a third of the writes, and applies all.
	part := func(c counted, instance string, at int64) string {
		c.txns /= 3
		return federate(c.page(), instance, at)
	}
	for name, c := range map[string]struct {
		before, after string
		between       time.Duration
		reads         float64
	}{
		"two pages":  {one.page(), other.page(), time.Minute, 20},
		"timestamps": {federate(one.page(), "a", 100), federate(other.page(), "a", 160), 0, 20},
		"three members": {
			part(one, "a", 1) + part(one, "b", 1) + part(one, "c", 1),
			part(other, "a", 61) + part(other, "b", 61) + part(other, "c", 61), 0, 60,
		},
	} {
		l, err := LoadFromMetrics(strings.NewReader(c.before), strings.NewReader(c.after), c.between)
		require.NoError(t, err, name)
		rates, streams := ratesOf(l)
		want["reads"] = c.reads
		assert.Equal(t, want, rates, name)
		assert.Equal(t, time.Minute, streams["creates with a lease"].TTL)
		assert.True(t, streams["creates with a lease"].Op.Lease)
		assert.Equal(t, Op{Kind: LeaseRevoke, Key: 60, Puts: 30}, streams["lease revokes"].Op)
		assert.Equal(t, Op{Kind: TxnDelete, Key: 60}, streams["deletes"].Op)
		assert.Equal(t, Op{Kind: TxnCreate, Key: 60, Value: 840}, streams["creates"].Op)
		assert.Equal(t, 5000, streams["updates"].Keys)
	}
}

// What a page lacks is assumed, and said.
func TestLoadAssumes(t *testing.T) {
	without := func(page, word string) string {
		var b strings.Builder
		for line := range strings.Lines(page) {
			if !strings.Contains(line, word) {
				b.WriteString(line)
			}
		}
		return b.String()
	}
	for word, c := range map[string]struct {
		assumed string
		rates   map[string]float64
	}{
		"mvcc_keys":     {"as many keys are created as deleted", map[string]float64{"creates": 40, "updates": 50}},
		"delete_total":  {"nothing is deleted", map[string]float64{"deletes": 0, "updates": 120}},
		"proposals":     {"no key went with its lease", map[string]float64{"deletes": 70, "creates": 70}},
		"put_size":      {"no bytes on the pages", map[string]float64{"creates": 40}},
		"ttl_total":     {"a TTL of", map[string]float64{"creates with a lease": 30}},
		"grpc_server":   {"writes are transactions", map[string]float64{"creates": 45, "reads": 25}},
		"lease_granted": {"no TTL on the pages", map[string]float64{"creates": 40, "lease revokes": 1}},
	} {
		before, after := kube(100), kube(160)
		before.granted, after.granted = before.granted+60, after.granted+60 // that live: 60 s of them
		l, err := LoadFromMetrics(
			strings.NewReader(without(before.page(), word)), strings.NewReader(without(after.page(), word)), time.Minute,
		)
		if word == "lease_granted" { // its proposals are then taken for others
			require.NoError(t, err)
			continue
		}
		require.NoError(t, err, word)
		rates, streams := ratesOf(l)
		for name, rate := range c.rates {
			assert.Equal(t, rate, rates[name], "%s without %s", name, word)
		}
		assert.Contains(t, strings.Join(l.Assumed, "\n"), c.assumed, word)
		if word == "ttl_total" {
			assert.Equal(t, time.Minute, streams["creates with a lease"].TTL)
		}
	}
}

// Real pages of three versions, 20 s apart. The load: creates at 40/s, and 30/s with leases of 8 s
// and 30 keys, updates at 40/s, deletes at 20/s and reads at 20/s, as Poisson processes.
func TestRealLoads(t *testing.T) {
	for version, want := range map[string]Version{"3.5.35": V3_5, "3.6.16": V3_6, "3.7.3": V3_7} {
		first, second := string(samplePage(t, version+"-mix", 1)), string(samplePage(t, version+"-mix", 2))
		l, err := LoadFromMetrics(strings.NewReader(first), strings.NewReader(second), 20*time.Second)
		require.NoError(t, err)
		assert.Empty(t, l.Assumed)
		rates, streams := ratesOf(l)
		for name, rate := range map[string]float64{
			"creates": 40, "creates with a lease": 30, "updates": 40, "deletes": 20, "reads": 20, "conflicts": 0,
			"lease grants": 1, "lease revokes": 1,
		} {
			assert.InDelta(t, rate, rates[name], 3*math.Sqrt(rate/20)+0.2, "%s of %s", name, version)
		}
		assert.Equal(t, 8*time.Second, streams["creates with a lease"].TTL)
		assert.InDelta(t, 30, streams["lease revokes"].Op.Puts, 1)
		states, err := StateFromMetrics(strings.NewReader(first), strings.NewReader(second))
		require.NoError(t, err)
		require.Len(t, states, 1)
		s := states[0]
		assert.Equal(t, want, s.Version)
		assert.Equal(t, int64(-1), s.Compacted, "never compacted")
		assert.Equal(t, int64(2<<30), s.Quota)
		assert.GreaterOrEqual(t, s.Total, s.InUse)
		assert.Positive(t, min(s.InUse, int64(s.Keys), s.Revision))
		disks, err := DisksFromMetrics(strings.NewReader(first), strings.NewReader(second))
		require.NoError(t, err)
		require.Len(t, disks, 1)
		assert.InDelta(t, 0.012, disks[0].Disk.FsyncMean().Seconds(), 0.004, "8 ms and the machine's own")
		assert.InDelta(t, 1500, disks[0].Disk.Size, 600, "a frame of 1,090 bytes or two; 3.5's double counting undone")
	}
}

// Plain puts and deletes at the same rate, as of a queue: all that is created goes again.
func TestLoadOfBalance(t *testing.T) {
	page := func(s float64) string {
		return counted{puts: 50 * s, deletes: 50 * s, proposed: 100 * s, keys: 300, plain: 50 * s}.page()
	}
	l, err := LoadFromMetrics(strings.NewReader(page(10)), strings.NewReader(page(20)), 10*time.Second)
	require.NoError(t, err)
	rates, streams := ratesOf(l)
	assert.Equal(t, map[string]float64{"creates": 50, "deletes": 50}, rates)
	assert.Equal(t, Put, streams["creates"].Op.Kind)
	assert.Equal(t, Delete, streams["deletes"].Op.Kind)
	assert.Empty(t, l.Assumed)
}

func TestBadLoads(t *testing.T) {
	one, other := kube(100).page(), kube(160).page()
	at := func(page, instance string, at int64) string { return federate(page, instance, at) }
	for name, c := range map[string]struct {
		before, after string
		between       time.Duration
		want          string
	}{
		"negative": {one, other, -1, "between is -1ns, want >= 0"},
		"no time": {
			one, other, 0,
			"between is 0s, want > 0, the time from the first page to the second: these have no timestamps",
		},
		"same time": {at(one, "a", 5), at(other, "a", 5), 0, "between is 0s, want > 0"},
		"restarted": {
			other, one, time.Minute,
			"metrics page 2: etcd_mvcc_put_total is 7200 less than before, want a counter that grows: was etcd restarted",
		},
		"two members": {
			at(one, "a", 5), at(other, "b", 65), 0,
			`metrics pages: no member is on both ("a", "b"), want two pages of one etcd`,
		},
		"no puts": {
			strings.ReplaceAll(one, "put_total", "x"), strings.ReplaceAll(other, "put_total", "x"),
			time.Minute, "etcd_mvcc_put_total is missing",
		},
		"NaN": {
			one, set(other, "etcd_mvcc_put_total", "NaN"), time.Minute,
			"metrics page 2: etcd_mvcc_put_total is NaN, want a finite number",
		},
		"huge": {one, set(other, "etcd_mvcc_put_total", "1e308"), time.Minute, "want 0, or 1e-09 to 1e+06"},
		"minus": {
			set(one, "etcd_mvcc_put_total", "-9"), other, time.Minute,
			"metrics page 2: etcd_mvcc_put_total is -9, want >= 0",
		},
		"idle": {at(one, "a", 5), at(one, "a", 65), 0, "Load is empty, want Streams or Clients"},
	} {
		_, err := LoadFromMetrics(strings.NewReader(c.before), strings.NewReader(c.after), c.between)
		require.ErrorIs(t, err, ErrInput, name)
		assert.ErrorContains(t, err, c.want, name)
	}
}

// Thousands of members are read as one is.
func TestManyMembers(t *testing.T) {
	var b strings.Builder
	for i := range 3000 {
		b.WriteString(federate(statePage, fmt.Sprintf("m%04d", i), 9))
	}
	states, err := StateFromMetrics(strings.NewReader(b.String()))
	require.NoError(t, err)
	require.Len(t, states, 3000)
	assert.Equal(t, "m2999", states[2999].Member)
}
