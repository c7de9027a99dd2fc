package etcdmodel

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBadInput(t *testing.T) {
	put := Op{Key: 10, Value: 100}
	good := Load{Streams: []Stream{{Op: put, Rate: 10}}}
	stream := func(s Stream) Load { return Load{Streams: []Stream{s}} }
	disk := func(d Disk) Cluster { return Cluster{Disks: []Disk{d}} }
	for _, x := range []struct {
		c    Cluster
		l    Load
		want string
	}{
		{Cluster{Version: 9}, good, "etcdmodel: Cluster.Version is Version(9), want V3_5, V3_6 or V3_7"},
		{Cluster{Members: -1}, good, "etcdmodel: Cluster.Members is -1, want >= 0"},
		{Cluster{Disks: make([]Disk, 2)}, good, "etcdmodel: len(Cluster.Disks) is 2, want 0, 1 or Members (3)"},
		{Cluster{RTT: -1}, good, "etcdmodel: Cluster.RTT is -1ns, want >= 0"},
		{Cluster{Quota: -1}, good, "etcdmodel: Cluster.Quota is -1, want >= 0"},
		{Cluster{DB: -1}, good, "etcdmodel: Cluster.DB is -1, want >= 0"},
		{Cluster{Network: math.NaN()}, good, "etcdmodel: Cluster.Network is NaN, want 0, or 1 to 1e+15"},
		{
			Cluster{Election: 200 * time.Millisecond}, good,
			"etcdmodel: Cluster.Election is 200ms, want >= 5 x Heartbeat (100ms), as etcd itself asks",
		},
		{Cluster{Heartbeat: time.Microsecond}, good, "etcdmodel: Cluster.Heartbeat is 1µs, want 0, or 1ms to 10s"},
		{
			Cluster{}, Load{Streams: []Stream{{Op: put, Rate: 1e6}}, For: time.Hour},
			"etcdmodel: Load.For is 1h0m0s, want 1e+09 requests at most, not 4e+09",
		},
		{Cluster{CPU: CPU{Apply: -1}}, good, "etcdmodel: Cluster.CPU.Apply is -1ns, want >= 0"},
		{disk(Disk{Fsync: []Quantile{{math.NaN(), 1}}}), good, "etcdmodel: Cluster.Disks[0].Fsync[0].P is NaN, want 0 to 1"},
		{
			disk(Disk{Fsync: []Quantile{{0.5, 2}, {0.4, 3}}}), good,
			"etcdmodel: Cluster.Disks[0].Fsync[1].P is 0.4, want > 0.5, the knot before (sorted)",
		},
		{
			disk(Disk{Fsync: []Quantile{{0.5, 3}, {0.9, 2}}}), good,
			"etcdmodel: Cluster.Disks[0].Fsync[1].Latency is 2ns, want >= 3ns, the knot before (sorted)",
		},
		{
			disk(Disk{Fsync: []Quantile{{0.5, -3}}}), good,
			"etcdmodel: Cluster.Disks[0].Fsync[0].Latency is -3ns, want 0 to 24h",
		},
		{
			disk(Disk{Bandwidth: 1}), good,
			"etcdmodel: Cluster.Disks[0].Fsync is empty, want at least one quantile beside Commit, Bandwidth or DB",
		},
		{
			disk(Disk{DB: &Disk{}}), good,
			"etcdmodel: Cluster.Disks[0].Fsync is empty, want at least one quantile beside Commit, Bandwidth or DB",
		},
		{
			disk(Disk{Fsync: []Quantile{{1, 1}}, DB: &Disk{Fsync: []Quantile{{2, 1}}}}), good,
			"etcdmodel: Cluster.Disks[0].DB.Fsync[0].P is 2, want 0 to 1",
		},
		{
			disk(Disk{Fsync: []Quantile{{1, 1}}, DB: &Disk{DB: &Disk{}}}), good,
			"etcdmodel: Cluster.Disks[0].DB.DB is a disk, want nil",
		},
		{
			disk(Disk{Fsync: []Quantile{{1, 1}}, Commit: []Quantile{{1, 1}}, DB: &Disk{}}), good,
			"etcdmodel: Cluster.Disks[0].Commit is [{1 1ns}], want none beside DB, whose own counts",
		},
		{Cluster{}, Load{}, "etcdmodel: Load is empty, want Streams or Clients"},
		{Cluster{}, Load{Clients: -1}, "etcdmodel: Load.Clients is -1, want >= 0"},
		{Cluster{}, Load{Clients: 1, For: -1}, "etcdmodel: Load.For is -1ns, want 0, or 1ms to 1h0m0s"},
		{Cluster{}, stream(Stream{Op: put, Rate: -1}), "etcdmodel: Load.Streams[0].Rate is -1, want 0, or 1e-09 to 1e+06"},
		{
			Cluster{}, stream(Stream{Op: put, Rate: math.NaN()}),
			"etcdmodel: Load.Streams[0].Rate is NaN, want 0, or 1e-09 to 1e+06",
		},
		{Cluster{}, stream(Stream{Op: put, Keys: -1}), "etcdmodel: Load.Streams[0].Keys is -1, want >= 0"},
		{Cluster{}, stream(Stream{Op: put, TTL: -1}), "etcdmodel: Load.Streams[0].TTL is -1ns, want >= 0"},
		{
			Cluster{}, stream(Stream{Op: Op{Kind: -1}}),
			"etcdmodel: Load.Streams[0].Op.Kind is -1, want a Kind of this package",
		},
		{Cluster{}, stream(Stream{Op: Op{Key: -1}}), "etcdmodel: Load.Streams[0].Op.Key is -1, want >= 0"},
		{
			Cluster{}, stream(Stream{Op: Op{Value: 2 << 20}}),
			"etcdmodel: Load.Streams[0].Op.Value is 2097152, want a request of <= 1572864 bytes (etcd's --max-request-bytes)",
		},
		{
			Cluster{}, stream(Stream{Op: Op{Kind: TxnPuts, Puts: 129}}),
			"etcdmodel: Load.Streams[0].Op.Puts is 129, want <= 128 (etcd's --max-txn-ops)",
		},
		{
			Cluster{}, stream(Stream{Op: Op{Kind: TxnPuts, Puts: 100, Value: 20_000}}),
			"etcdmodel: Load.Streams[0].Op.Value is 20000, want a request of <= 1572864 bytes (etcd's --max-request-bytes)",
		},
	} {
		for _, answer := range answers {
			_, err := answer(x.c, x.l)
			require.ErrorIs(t, err, ErrInput)
			assert.Equal(t, x.want, err.Error())
		}
	}
}

func TestWarnings(t *testing.T) {
	put := Op{Key: 10, Value: 100}
	for field, x := range map[string]struct {
		c Cluster
		l Load
	}{
		"Cluster.Members":      {Cluster{Members: 4}, open(10, 100)},
		"Cluster.Quota":        {Cluster{Quota: 16 << 30}, open(10, 100)},
		"Cluster.CompactEvery": {Cluster{CompactEvery: NoCompaction}, open(10, 100)},
		"Cluster.RTT":          {Cluster{RTT: 150 * time.Millisecond}, open(10, 100)},
		"Cluster.Disks[0]":     {Cluster{Disks: []Disk{FixedDisk(5 * time.Second)}}, open(1, 100)},
		"Load.Streams":         {Cluster{Disks: []Disk{FixedDisk(time.Second)}}, open(5000, 100)},
		"Load.Clients":         {Cluster{}, Load{Clients: 2000, Op: put, For: time.Second}},
		"Load.Op.Value":        {Cluster{}, Load{Clients: 2, Op: Op{Value: 100_000}, For: time.Second}},
		"DB.QuotaIn":           {Cluster{}, Load{Streams: []Stream{{Op: put, Rate: 10}}}},
		"Elections":            {Cluster{Disks: []Disk{FixedDisk(1500 * time.Millisecond), NVMe(), NVMe()}}, open(2, 100)},
		"Commit.P99":           {Cluster{Disks: []Disk{FixedDisk(2 * time.Second)}}, open(2, 100)},
	} {
		p := must(t, Estimate, x.c, x.l)
		var fields []string
		for _, w := range p.Warnings {
			var warning Warning
			require.ErrorAs(t, w, &warning)
			fields = append(fields, warning.Field)
		}
		assert.Contains(t, fields, field)
	}
	assert.Empty(
		t, must(t, Predict, Cluster{}, open(100, 1024)).Warnings,
		"a stock cluster under a usual load is nothing to warn of",
	)
}

func TestParseVersion(t *testing.T) {
	require.Equal(t, []Version{V3_5, V3_6, V3_7}, Modelled())
	require.Equal(t, V3_7, Cluster{}.WithDefaults().Version, "zero is the newest modelled")
	for s, want := range map[string]Version{"3.5": V3_5, "3.5.35": V3_5, "v3.6.16": V3_6, "3.7.0-rc.1": V3_7} {
		got, err := ParseVersion(s)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, s := range []string{"", "3", "3.50", "4.6", "3.4.1"} {
		_, err := ParseVersion(s)
		require.ErrorIs(t, err, ErrInput, s)
	}
}

// FuzzPredict: whatever is asked, the answer is an error or finite numbers, and it ends.
func FuzzPredict(f *testing.F) {
	f.Add(int64(1e6), 100.0, 1024, 60, 3, 0, 2, uint64(1))
	f.Add(int64(3e9), 3.0, 100_000, 60, 5, 50, 5, uint64(2))
	f.Add(int64(0), 1e5, 0, 0, 2, 3, 7, uint64(3))
	f.Fuzz(func(t *testing.T, fsync int64, rate float64, value, key, members, clients, kind int, seed uint64) {
		if rate > 20_000 || clients > 2000 {
			t.Skip("only longer")
		}
		op := Op{Kind: Kind(kind), Key: key, Value: value, Puts: kind}
		c := Cluster{
			Members: members,
			Disks:   []Disk{{Fsync: []Quantile{{0.5, time.Duration(fsync)}, {1, 2 * time.Duration(fsync)}}}}, Seed: seed,
		}
		l := Load{Streams: []Stream{{Op: op, Rate: rate}}, Clients: clients, Op: op, For: 500 * time.Millisecond}
		for _, answer := range answers {
			p, err := answer(c, l)
			if err != nil {
				require.ErrorIs(t, err, ErrInput)
				continue
			}
			for _, x := range []float64{
				p.Throughput, p.Sustainable, p.WALBytes, p.Fsyncs, p.OpsPerFsync, p.DB.Growth, p.LeaseExpiry, p.Elections,
				p.Refused,
			} {
				assert.False(t, math.IsNaN(x) || math.IsInf(x, 0) || x < 0, "%+v", p)
			}
			assert.GreaterOrEqual(t, p.Commit.P99, p.Commit.P50)
		}
	})
}
