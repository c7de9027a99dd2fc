package etcdmodel

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The values that every numeric field is given.
var (
	hostileInts = []int64{0, 1, -1, math.MaxInt64, math.MinInt64, math.MaxInt32, 1 << 40, int64(time.Hour)}
	hostileReal = []float64{
		0, 1, -1, math.MaxFloat64, -math.MaxFloat64, 5e-324, 1e-20, 1e308, math.NaN(), math.Inf(1), math.Inf(-1), 0.5, 1e6,
	}
)

// question is all that a caller can enter.
type question struct {
	Cluster Cluster
	Load    Load
	Slow    Disk
}

// ordinary returns input in which every numeric field of every struct is there to be set.
func ordinary() question {
	db := SATASSD()
	two := NVMe()
	two.DB = &db
	own := FixedDisk(5 * time.Millisecond)
	own.Commit = []Quantile{{0.5, 4 * time.Millisecond}, {1, 20 * time.Millisecond}}
	return question{
		Cluster: Cluster{Disks: []Disk{two, own, HDD7200()}},
		Load: Load{
			Streams: []Stream{
				{Op: Op{Kind: TxnUpdate, Key: 60, Value: 525}, Rate: 100, Keys: 100},
				{Op: Op{Kind: TxnCreate, Key: 70, Value: 834, Lease: true}, Rate: 10, TTL: time.Hour},
				{Op: Op{Kind: Range, Key: 60, Value: 525}, Rate: 50},
				{Op: Op{Kind: Delete, Key: 60, Puts: 5}, Rate: 1},
				{Op: Op{Kind: TxnPuts, Key: 60, Value: 100, Puts: 3}, Rate: 1},
			},
			Clients: 2, Op: Op{Key: 60, Value: 1024}, For: 200 * time.Millisecond,
		},
		Slow: HDD7200(),
	}
}

// numbers collects the settable numeric fields below v, with their paths.
func numbers(v reflect.Value, path string, into map[string]reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				numbers(v.Field(i), path+"."+v.Type().Field(i).Name, into)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			numbers(v.Index(i), fmt.Sprintf("%s[%d]", path, i), into)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			numbers(v.Elem(), path, into)
		}
	default:
		if v.CanInt() || v.CanUint() || v.CanFloat() {
			into[path] = v
		}
	}
}

func hostile(v reflect.Value) int {
	if v.CanFloat() {
		return len(hostileReal)
	}
	return len(hostileInts)
}

func give(v reflect.Value, i int) {
	switch {
	case v.CanFloat():
		v.SetFloat(hostileReal[i])
	case v.CanUint():
		v.SetUint(uint64(hostileInts[i]))
	default:
		v.SetInt(hostileInts[i])
	}
}

// mayBeMinusOne are the fields whose -1 means for ever or never.
var mayBeMinusOne = map[string]bool{".DB.Plateau": true, ".DB.PlateauMost": true, ".DB.QuotaIn": true}

// requireSane asserts that no number of an answer is NaN, infinite or negative.
func requireSane(t *testing.T, what string, answer any) {
	t.Helper()
	p := reflect.New(reflect.TypeOf(answer)).Elem()
	p.Set(reflect.ValueOf(answer))
	found := map[string]reflect.Value{}
	numbers(p, "", found)
	for path, v := range found {
		switch {
		case v.CanFloat():
			x := v.Float()
			require.False(t, math.IsNaN(x) || math.IsInf(x, 0) || x < 0, "%s: %s is %v", what, path, x)
		case v.CanInt() && !(mayBeMinusOne[path] && v.Int() == -1):
			require.GreaterOrEqual(t, v.Int(), int64(0), "%s: %s", what, path)
		}
	}
}

// ask puts the question to everything that answers it.
func (q question) ask(t *testing.T, what string, simulate bool) {
	t.Helper()
	answer := func(name string, p any, err error) {
		if err != nil {
			require.ErrorIs(t, err, ErrInput, "%s: %s", name, what)
			return
		}
		requireSane(t, name+": "+what, p)
	}
	p, err := Estimate(q.Cluster, q.Load)
	answer("Estimate", p, err)
	for _, d := range append([]Disk{q.Slow}, q.Cluster.Disks...) {
		if d.Check("Disk") == nil {
			answer("Disk.FsyncMean", d.FsyncMean(), nil)
			answer("Disk.FsyncQuantile", d.FsyncQuantile(0.99), nil)
		}
	}
	for _, s := range q.Load.Streams {
		if s.Op.Check("Op") == nil {
			answer("Op.WALBytes", s.Op.WALBytes(V3_6, 1), nil)
			answer("Op.DBBytes", s.Op.DBBytes(V3_6), nil)
		}
	}
	if !simulate {
		return
	}
	p, err = Predict(q.Cluster, q.Load)
	answer("Predict", p, err)
	s, err := NewServer(q.Cluster, q.Load.Streams)
	if err != nil {
		require.ErrorIs(t, err, ErrInput)
		return
	}
	answer("Server.Step", *s.Step(100*time.Millisecond, []float64{10, 1, 5, 1, 1}), nil)
}

// racing is set under the race detector, with which a simulation takes ten times as long.
var racing bool

// oneIn returns how many questions go by before one is simulated as well.
func oneIn(n int) int {
	if racing {
		return 20 * n
	}
	return n
}

// TestHostileFields gives each numeric field of each exported struct of the input each hostile
// value: the answer is an error about input or sane, and it comes.
func TestHostileFields(t *testing.T) {
	asked := 0
	fields := eachHostile(ordinary, func(what string, q question) {
		asked++
		q.ask(t, what, asked%oneIn(4) == 0)
	})
	require.Greater(t, fields, 90)
}

// eachHostile calls ask with ordinary input in which one numeric field has a hostile value, for
// each field and value. It returns the number of fields.
func eachHostile[T any](ordinary func() T, ask func(what string, in T)) int {
	fields := func() (*T, map[string]reflect.Value) {
		in, found := ordinary(), map[string]reflect.Value{}
		numbers(reflect.ValueOf(&in).Elem(), "", found)
		return &in, found
	}
	_, all := fields()
	for _, path := range slices.Sorted(maps.Keys(all)) {
		for i := range hostile(all[path]) {
			in, found := fields()
			give(found[path], i)
			ask(fmt.Sprintf("%s = %v", path, found[path]), *in)
		}
	}
	return len(all)
}

// TestHostileTogether gives several fields at once hostile values that pass their own checks often.
func TestHostileTogether(t *testing.T) {
	rng := rand.New(rand.NewPCG(8829, 13))
	answered := 0
	for n := range 1500 {
		q := ordinary()
		found := map[string]reflect.Value{}
		numbers(reflect.ValueOf(&q).Elem(), "", found)
		paths := slices.Sorted(maps.Keys(found))
		what := ""
		for range 2 + rng.IntN(3) {
			path := paths[rng.IntN(len(paths))]
			v := found[path]
			before := reflect.New(v.Type()).Elem()
			before.Set(v)
			give(v, rng.IntN(hostile(v)))
			if q.Cluster.Check() != nil || q.Load.Check() != nil {
				v.Set(before)
				continue
			}
			what += fmt.Sprintf("%s = %v ", path, v)
		}
		if q.Cluster.Check() == nil && q.Load.Check() == nil {
			answered++
		}
		q.ask(t, what, n%oneIn(25) == 0)
	}
	require.Greater(t, answered, 1200)
}

// The bounds of the table are themselves answered.
func TestWidestInput(t *testing.T) {
	put := Op{Kind: TxnUpdate, Key: 60, Value: 525}
	for name, c := range map[string]Cluster{
		"slow": {
			Disks: []Disk{FixedDisk(maxLatency)}, BatchInterval: 24 * time.Hour, RTT: time.Hour, CPU: DefaultCPU().Scaled(1e3),
		},
		"calm":   {Heartbeat: mostElection / 5, Election: mostElection, CompactEvery: century, CompactKeep: century},
		"large":  {DB: mostSize, Quota: mostSize, SnapshotCount: mostKeys, BatchLimit: mostKeys, Network: mostFlow},
		"narrow": {Network: leastFlow, Disks: []Disk{{Fsync: []Quantile{{1, 0}}, Bandwidth: leastFlow}}},
	} {
		for _, s := range []Stream{
			{Op: put, Rate: maxRate / 20, Keys: mostKeys}, {Op: put, Rate: leastRate, TTL: century},
			{Op: Op{Kind: Delete, Key: MaxRequestBytes, Puts: mostPuts}, Rate: 1000},
			{Op: Op{Kind: Range, Value: mostAnswer}, Rate: 1000},
		} {
			q := question{Cluster: c, Load: Load{Streams: []Stream{s}, For: 100 * time.Millisecond}}
			require.NoError(t, q.Cluster.Check(), name)
			require.NoError(t, q.Load.Check(), name)
			q.ask(t, fmt.Sprintf("%s, %+v", name, s), true)
		}
	}
}

// Methods that return no error take any number.
func TestHostileMethods(t *testing.T) {
	for _, n := range hostileInts {
		d := time.Duration(n)
		for _, disk := range []Disk{FixedDisk(d), NVMe().Delayed(d)} {
			if disk.Check("Disk") == nil {
				requireSane(t, "Disk", disk)
			}
		}
		for kind := range kinds {
			o := Op{Kind: kind, Key: int(n), Value: int(n), Puts: int(n)}
			requireSane(t, fmt.Sprintf("%+v", o), o.DBBytes(V3_6))
			for _, x := range hostileReal {
				requireSane(t, fmt.Sprintf("%+v", o), o.WALBytes(V3_6, x))
			}
		}
		_ = []string{Kind(n).String(), Version(n).String(), Bound(n).String(), Check(n).String(), Outcome(n).String()}
		_ = Cluster{Members: int(n), Disks: make([]Disk, 2)}.WithDefaults()
		require.GreaterOrEqual(t, State{Revision: n, Compacted: -n}.History(), int64(0))
	}
	for _, x := range hostileReal {
		c := Cluster{CPU: CPU{}.Scaled(x), Disks: []Disk{NVMe().Scaled(x)}}
		if c.Check() == nil {
			requireSane(t, fmt.Sprintf("scaled by %v", x), c)
		}
		require.GreaterOrEqual(t, NVMe().FsyncQuantile(x), time.Duration(0))
	}
}
