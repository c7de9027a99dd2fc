package proxymodel

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The incident's nodes: 4,499 service ports in KUBE-SERVICES, v1.29, iptables.
func ExamplePredict() {
	p, err := Predict(IPTables, V1_29, DefaultMachine(), Uniform(4499, 1), Churn{Changes: 10, Nodes: 100})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("a full sync takes", p.Full.Duration().Round(10*time.Millisecond))
	fmt.Println("one after a change", p.Partial.Duration().Round(10*time.Millisecond))
	fmt.Println("every", p.Period.Round(10*time.Millisecond), "and a change waits", p.Staleness.Mean.Round(10*time.Millisecond))
	fmt.Println("a connection to no service pays", p.FirstPacket.Miss.Round(100*time.Nanosecond))
	// Output:
	// a full sync takes 560ms
	// one after a change 160ms
	// every 1s and a change waits 660ms
	// a connection to no service pays 17.2µs
}

func predict(t *testing.T, m Mode, v Version, s Shape, c Churn) Prediction {
	t.Helper()
	p, err := Predict(m, v, DefaultMachine(), s, c)
	require.NoError(t, err)
	return p
}

// Measured with the real proxiers under a real-time priority, wall seconds
// (docs/proxymodel.md): the formula stays within its stated error.
func TestPredictMeasuredSyncs(t *testing.T) {
	for _, m := range []struct {
		mode                 Mode
		x                    XTables
		services, endpoints  int
		first, full, partial float64
	}{
		{IPTables, Legacy, 4500, 1, .327, .490, .179},
		{IPTables, Legacy, 1000, 10, .343, .641, .160},
		{IPTables, NFT, 4500, 1, 2.14, 2.27, .29},
		{NFTables, Legacy, 1000, 2, .222, .356, .028},
		{NFTables, Legacy, 4500, 2, 2.77, 5.95, .097},
		{NFTables, Legacy, 10000, 1, .909, .791, .116},
	} {
		machine := DefaultMachine()
		machine.XTables = m.x
		p, err := Predict(m.mode, V1_37, machine, Uniform(m.services, m.endpoints), Churn{Changes: 0.001})
		require.NoError(t, err)
		name := fmt.Sprintf("%v %v %dx%d", m.mode, m.x, m.services, m.endpoints)
		for _, c := range []struct {
			what string
			want float64
			got  Sync
		}{{"first", m.first, p.First}, {"full", m.full, p.Full}, {"partial", m.partial, p.Partial}} {
			assert.InEpsilonf(t, c.want, c.got.Duration().Seconds(), 0.40, "%s %s: %+v", name, c.what, c.got)
		}
	}
}

func TestPredictRefuses(t *testing.T) {
	good, churn := Uniform(10, 1), Churn{Changes: 1}
	bad := good
	bad.IPTables.Rules = -1
	for _, c := range []struct {
		m     Mode
		v     Version
		s     Shape
		c     Churn
		wants string
	}{
		{Mode(7), V1_37, good, churn, "unknown mode Mode(7)"},
		{IPTables, Version(9), good, churn, "unknown version Version(9)"},
		{IPTables, V1_37, Uniform(-1, 1), churn, "Shape.Ports is -1, want 0 to"},
		{IPTables, V1_37, Uniform(1<<40, 1), churn, "Shape.Ports is 1099511627776"},
		{IPTables, V1_37, bad, churn, "Shape.IPTables.Rules is -1"},
		{IPTables, V1_37, good, Churn{Changes: math.NaN()}, "Churn.Changes is NaN, want >= 0"},
		{IPTables, V1_37, good, Churn{Fulls: -1}, "Churn.Fulls is -1"},
		{IPTables, V1_37, good, Churn{Nodes: -1}, "Churn.Nodes is -1"},
		{IPTables, V1_37, good, Churn{MinSyncPeriod: -2}, "Churn.MinSyncPeriod is -2ns"},
		{IPTables, V1_37, good, Churn{SyncPeriod: -2}, "Churn.SyncPeriod is -2ns"},
	} {
		_, err := Predict(c.m, c.v, DefaultMachine(), c.s, c.c)
		assert.ErrorContains(t, err, c.wants)
	}
}

// More services, endpoints or changes never cost less.
func TestPredictIsMonotone(t *testing.T) {
	for _, m := range []Mode{IPTables, NFTables, IPVS} {
		for _, v := range []Version{V1_29, V1_37} {
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
	for _, m := range []Mode{IPTables, NFTables, IPVS} {
		p := predict(t, m, V1_37, Shape{}, Churn{})
		assert.Positive(t, p.First.Duration())
		assert.Zero(t, p.Changed)
		assert.Zero(t, p.FanOut)
		assert.GreaterOrEqual(t, p.CPUShare, 0.0)
	}
}

func TestPredictAllocatesNothing(t *testing.T) {
	machine, shape, churn := DefaultMachine(), Uniform(4500, 2), Churn{Changes: 10, Nodes: 100}
	for _, m := range []Mode{IPTables, NFTables, IPVS} {
		assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = Predict(m, V1_29, machine, shape, churn) }), m)
	}
}

func BenchmarkPredict(b *testing.B) {
	machine, churn := DefaultMachine(), Churn{Changes: 10, Nodes: 100}
	for _, m := range []Mode{IPTables, NFTables, IPVS} {
		for _, v := range []Version{V1_29, V1_37} {
			b.Run(fmt.Sprintf("%v/%v", m, v), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Predict(m, v, machine, Uniform(4500, 2), churn); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
