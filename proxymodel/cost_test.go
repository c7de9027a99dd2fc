package proxymodel

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/kube"
)

// The incident's nodes: 4,499 service ports in KUBE-SERVICES, v1.29, iptables.
func ExamplePredict() {
	p, err := Predict(Query{
		Mode:    IPTables,
		Version: V1_29,
		Shape:   Uniform(4499, 1),
		Churn:   Churn{Changes: 10, Nodes: 100},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("a full sync takes", p.Full.Duration().Round(10*time.Millisecond))
	fmt.Println("one after a change", p.Partial.Duration().Round(10*time.Millisecond))
	fmt.Println("every", p.Period.Round(10*time.Millisecond), "and a change waits",
		p.Staleness.Mean.Round(10*time.Millisecond))
	fmt.Println("a connection to no service pays", p.FirstPacket.Miss.Round(100*time.Nanosecond))
	// Output:
	// a full sync takes 560ms
	// one after a change 160ms
	// every 1s and a change waits 660ms
	// a connection to no service pays 17.2µs
}

func predict(t *testing.T, m Mode, v Version, s Shape, c Churn) Prediction {
	t.Helper()
	p, err := Predict(Query{Mode: m, Version: v, Shape: s, Churn: c})
	require.NoError(t, err)
	return p
}

// The wall seconds of real proxiers under a real-time priority, at every size of the tables. The
// formula stays within 40 % and 15 ms: kube-proxy's own part of a small first sync is low by half.
func TestPredictMeasuredSyncs(t *testing.T) {
	for _, path := range []string{"testdata/sync_rt_ipt.csv", "testdata/sync_rt_nftables.csv"} {
		records, column := readTable(t, path)
		walls := map[string][]float64{}
		predicted := map[string]float64{}
		for _, r := range records {
			backend, phase := r[column("backend")], r[column("phase")]
			services := int(number(t, r[column("services")]))
			endpoints := int(number(t, r[column("eps_per_svc")]))
			machine, mode := DefaultMachine(), IPTables
			switch backend {
			case "nft":
				machine.XTables = NFT
			case "nftables-netlink":
				mode = NFTables
			}
			p, err := Predict(Query{
				Mode: mode, Machine: machine, Shape: Uniform(services, endpoints), Churn: Churn{Changes: 0.001},
			})
			require.NoError(t, err)
			sync, ok := map[string]Sync{"full_first": p.First, "full_again": p.Full, "partial_1ep": p.Partial}[phase]
			if !ok {
				continue
			}
			name := fmt.Sprintf("%s %dx%d %s", backend, services, endpoints, phase)
			walls[name] = append(walls[name], number(t, r[column("wall_s")]))
			predicted[name] = sync.Duration().Seconds()
		}
		for name, v := range walls {
			slices.Sort(v)
			assert.InDelta(t, v[len(v)/2], predicted[name], 0.40*v[len(v)/2]+0.015, name)
		}
		assert.GreaterOrEqual(t, len(walls), 12)
	}
}

// Microseconds that the rules add to a real connect, beside one to a pod without any rules.
func TestPredictMeasuredFirstPackets(t *testing.T) {
	records, column := readTable(t, "testdata/latency.csv")
	median := func(i int) float64 { return number(t, records[i][column("p50_us")]) }
	require.Equal(t, "none", records[0][column("backend")])
	for i, r := range records[1:] {
		machine, mode := DefaultMachine(), IPTables
		switch r[column("backend")] {
		case "nft":
			machine.XTables = NFT
		case "nftables":
			mode = NFTables
		}
		services := int(number(t, r[column("services")]))
		p, err := Predict(Query{Mode: mode, Machine: machine, Shape: Uniform(services, 1)})
		require.NoError(t, err)
		f := p.FirstPacket
		got := map[string]time.Duration{
			"first": f.First, "mid": f.Mean, "last": f.Last, "direct": f.Miss,
		}[r[column("target")]]
		assert.InDelta(t, median(i+1)-median(0), got.Seconds()*1e6, 2+0.1*median(i+1), "%v", r)
	}
}

func TestPredictRefuses(t *testing.T) {
	bad := Uniform(10, 1)
	bad.IPTables.Rules = -1
	patched, err := kube.Parse("v1.33")
	require.NoError(t, err)
	for wants, change := range map[string]func(*Query){
		"proxymodel: Query.Mode is 7, want IPTables, NFTables or IPVS":  func(q *Query) { q.Mode = 7 },
		"proxymodel: Query.Version is v1.33, want v1.29 or v1.37":       func(q *Query) { q.Version = patched },
		`proxymodel: Machine.Source is "", want where its numbers come`: func(q *Query) { q.Machine.XTables = NFT },
		`Source is "", want where`:                                      func(q *Query) { q.Machine.IPVS.Call = 1 },
		"Shape.Ports is -1, want 0 to":                                  func(q *Query) { q.Shape = Uniform(-1, 1) },
		"Shape.Ports is 1099511627776":                                  func(q *Query) { q.Shape = Uniform(1<<40, 1) },
		"Shape.IPTables.Rules is -1":                                    func(q *Query) { q.Shape = bad },
		"Churn.Changes is NaN, want >= 0":                               func(q *Query) { q.Churn.Changes = math.NaN() },
		"Churn.Fulls is -1":                                             func(q *Query) { q.Churn.Fulls = -1 },
		"Churn.Nodes is -1":                                             func(q *Query) { q.Churn.Nodes = -1 },
		"Churn.MinSyncPeriod is -2ns":                                   func(q *Query) { q.Churn.MinSyncPeriod = -2 },
		"Churn.SyncPeriod is -2ns":                                      func(q *Query) { q.Churn.SyncPeriod = -2 },
	} {
		q := Query{Shape: Uniform(10, 1), Churn: Churn{Changes: 1}}
		change(&q)
		_, err := Predict(q)
		assert.ErrorContains(t, err, wants)
		_, err = Compare(q)
		assert.ErrorContains(t, err, wants)
	}
	_, err = PartialSync(Query{Shape: Uniform(10, 1)}, 11)
	assert.EqualError(t, err, "proxymodel: PartialSync: changed is 11, want 0 to the shape's 10 ports")
	_, err = PartialSync(Query{Mode: -1}, 0)
	assert.ErrorContains(t, err, "Query.Mode is -1")
}

// The zero Version is the newest, and a patch release behaves as its minor does.
func TestPredictResolvesVersions(t *testing.T) {
	at := func(v Version) Prediction { return predict(t, IPTables, v, Uniform(4499, 1), Churn{Changes: 10}) }
	assert.Equal(t, at(V1_37), at(0))
	assert.NotEqual(t, at(V1_29).Period, at(0).Period)
	patch, err := kube.Parse("v1.29.4-gke.1")
	require.NoError(t, err)
	assert.Equal(t, at(V1_29), at(patch))
	assert.Equal(t, []Version{V1_29, V1_37}, Modelled())
}

// PartialSync of the services that change is what Predict says of such a sync.
func TestPartialSyncIsThatOfPredict(t *testing.T) {
	for _, m := range modes {
		q := Query{Mode: m, Shape: Uniform(500, 2), Churn: Churn{Changes: 1e-9}}
		p, err := Predict(q)
		require.NoError(t, err)
		one, err := PartialSync(q, 1)
		require.NoError(t, err)
		assert.Equal(t, p.Partial, one, m)
		many, err := PartialSync(q, 500)
		require.NoError(t, err)
		assert.Greater(t, many.CPU(), one.CPU())
	}
}

// Warnings say what leaves the measured range, after those of the machine.
func TestPredictWarns(t *testing.T) {
	machine := DefaultMachine()
	machine.Warnings = []error{ErrUnmeasured}
	p, err := Predict(Query{Mode: IPVS, Machine: machine, Shape: Uniform(30_000, 1)})
	require.NoError(t, err)
	require.Len(t, p.Warnings, 3)
	assert.ErrorIs(t, p.Warnings[1], ErrExtrapolated)
	assert.ErrorIs(t, p.Warnings[2], ErrUnmeasured)
	assert.ErrorContains(t, predict(t, NFTables, V1_29, Uniform(1, 1), Churn{}).Warnings[0], "alpha in v1.29")
	assert.Empty(t, predict(t, NFTables, V1_37, Uniform(1, 1), Churn{}).Warnings)
}

// More services, endpoints or changes never cost less.
func TestPredictIsMonotone(t *testing.T) {
	for _, m := range modes {
		for _, v := range Modelled() {
			last := Prediction{}
			for _, n := range []int{2, 20, 200, 600, 2000, 10_000} {
				p := predict(t, m, v, Uniform(n, 2), Churn{Changes: 5, Nodes: 3})
				assert.GreaterOrEqual(t, p.First.CPU(), last.First.CPU())
				assert.GreaterOrEqual(t, p.Full.CPU(), last.Full.CPU())
				assert.GreaterOrEqual(t, p.FirstPacket.Mean, last.FirstPacket.Mean)
				assert.LessOrEqual(t, p.CPUShare, 1.0)
				last = p
			}
			calm := predict(t, m, v, Uniform(2000, 2), Churn{Changes: 0.1})
			storm := predict(t, m, v, Uniform(2000, 2), Churn{Changes: 100})
			assert.GreaterOrEqual(t, storm.Partial.Duration(), calm.Partial.Duration())
			assert.Greater(t, storm.CPUShare, calm.CPUShare)
			assert.Less(t, storm.Period, calm.Period)
		}
	}
}

func TestPredictWithoutServicesOrChanges(t *testing.T) {
	for _, m := range modes {
		p := predict(t, m, V1_37, Shape{}, Churn{})
		assert.Positive(t, p.First.Duration())
		assert.Zero(t, p.Changed)
		assert.Zero(t, p.FanOut)
		assert.GreaterOrEqual(t, p.CPUShare, 0.0)
	}
}

func TestPredictAllocatesNothing(t *testing.T) {
	for _, m := range modes {
		q := Query{Mode: m, Version: V1_29, Shape: Uniform(4500, 2), Churn: Churn{Changes: 10, Nodes: 100}}
		for _, q.Machine = range []Machine{{}, DefaultMachine()} {
			assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = Predict(q) }), m)
		}
	}
}

func BenchmarkPredict(b *testing.B) {
	for _, m := range modes {
		for _, v := range Modelled() {
			b.Run(fmt.Sprintf("%v/%v", m, v), func(b *testing.B) {
				b.ReportAllocs()
				q := Query{Mode: m, Version: v, Machine: DefaultMachine(), Churn: Churn{Changes: 10, Nodes: 100}}
				for b.Loop() {
					q.Shape = Uniform(4500, 2)
					if _, err := Predict(q); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
