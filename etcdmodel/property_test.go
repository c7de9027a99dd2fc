package etcdmodel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answers are Predict and Estimate: every truth below is one of both.
var answers = map[string]func(Cluster, Load) (Prediction, error){"Predict": Predict, "Estimate": Estimate}

func open(rate float64, value int) Load {
	return Load{
		Streams: []Stream{{Op: Op{Kind: TxnUpdate, Key: 60, Value: value}, Rate: rate, Keys: 1000}},
		For:     5 * time.Second,
	}
}

func must(t testing.TB, answer func(Cluster, Load) (Prediction, error), c Cluster, l Load) Prediction {
	t.Helper()
	p, err := answer(c, l)
	require.NoError(t, err)
	return p
}

// increasing asserts that f grows over the points, but for noise of the simulation.
func increasing[T any](t *testing.T, what string, slack float64, points []T, f func(T) float64) {
	t.Helper()
	last := math.Inf(-1)
	for _, x := range points {
		y := f(x)
		assert.GreaterOrEqual(t, y+math.Abs(y)*slack, last, "%s at %v: %v after %v", what, x, y, last)
		last = math.Max(last, y)
	}
}

func TestMonotone(t *testing.T) {
	for name, answer := range answers {
		for _, members := range []int{1, 3} {
			at := func(c Cluster, l Load) Prediction { c.Members = members; return must(t, answer, c, l) }
			what := fmt.Sprintf("%s, %d members: ", name, members)
			disks := []time.Duration{
				time.Millisecond, 5 * time.Millisecond, 25 * time.Millisecond, 125 * time.Millisecond,
				625 * time.Millisecond,
			}
			increasing(t, what+"p50 in the disk", 0, disks, func(d time.Duration) float64 {
				return at(Cluster{Disks: []Disk{FixedDisk(d)}}, open(50, 1024)).Commit.P50.Seconds()
			})
			increasing(t, what+"-Sustainable in the disk", 1e-9, disks, func(d time.Duration) float64 {
				return -at(Cluster{Disks: []Disk{FixedDisk(d)}}, open(50, 1024)).Sustainable
			})
			increasing(t, what+"mean in the rate", 0.03, []float64{10, 100, 1000, 5000}, func(rate float64) float64 {
				return at(Cluster{Disks: []Disk{FixedDisk(10 * time.Millisecond)}}, open(rate, 1024)).Commit.Mean.Seconds()
			})
			increasing(t, what+"requests per fdatasync in the rate", 0.02, []float64{1, 10, 100,
				1000}, func(rate float64) float64 {
				return at(Cluster{Disks: []Disk{FixedDisk(10 * time.Millisecond)}}, open(rate, 1024)).OpsPerFsync
			})
			increasing(t, what+"db growth in the value", 0.05, []int{100, 1000, 10_000}, func(value int) float64 {
				return at(Cluster{}, open(50, value)).DB.Growth
			})
			increasing(t, what+"throughput in the clients", 0.05, []int{1, 10, 100}, func(n int) float64 {
				return at(Cluster{Disks: []Disk{FixedDisk(10 * time.Millisecond)}}, Load{
					Clients: n, Op: Op{Key: 60, Value: 1024}, For: 5 * time.Second,
				}).Throughput
			})
			increasing(t, what+"time to quota in the quota", 1e-9, []int64{64 << 20, 256 << 20, 1 << 30}, func(q int64) float64 {
				return at(Cluster{Quota: q}, Load{Streams: []Stream{{Op: Op{Key: 60, Value: 1024}, Rate: 50}}}).DB.QuotaIn.Seconds()
			})
		}
	}
}

// TestConserved: nothing is answered that was not asked, nothing is lost.
func TestConserved(t *testing.T) {
	for _, members := range []int{1, 3, 5} {
		for _, d := range []Disk{NVMe(), HDD7200(), FixedDisk(700 * time.Millisecond), FixedDisk(3 * time.Second)} {
			s := newServer(t, Cluster{Members: members, Disks: []Disk{d}, Seed: 4}, lease)
			p := spell(s, 60*time.Second, 20*time.Millisecond, 30)
			settle := spell(s, 60*time.Second, 20*time.Millisecond, 0)
			ended := p.Committed + settle.Committed + p.TimedOut + settle.TimedOut + p.Refused
			assert.Equal(t, p.Offered, ended, "%d members on %s", members, d.Name)
			assert.LessOrEqual(t, p.Wasted+settle.Wasted, p.TimedOut+settle.TimedOut)
			assert.Zero(t, settle.backlog)
		}
	}
}

// TestLittle: in a closed load the clients are where they are: N = X (L + nothing).
func TestLittle(t *testing.T) {
	for name, answer := range answers {
		for _, n := range []int{1, 7, 50, 300} {
			p := must(
				t, answer, Cluster{Members: 1, Disks: []Disk{FixedDisk(8 * time.Millisecond)}},
				Load{Clients: n, Op: Op{Key: 60, Value: 512}},
			)
			assert.InEpsilon(t, float64(n), p.Throughput*p.Commit.Mean.Seconds(), 0.05, "%s, %d clients", name, n)
		}
	}
}

// TestScaleFree: ten times slower in every part is ten times slower as a whole.
func TestScaleFree(t *testing.T) {
	c := Cluster{
		Members: 3, Disks: []Disk{SATASSD()}, RTT: 300 * time.Microsecond, CPU: DefaultCPU(), Seed: 8,
	}.WithDefaults()
	slow := c
	slow.Disks = []Disk{SATASSD().Scaled(10)}
	slow.RTT, slow.BatchInterval = 10*c.RTT, 10*c.BatchInterval
	slow.Heartbeat, slow.Election = 10*c.Heartbeat, 10*c.Election
	slow.CPU = c.CPU.Scaled(10)
	for name, answer := range answers {
		fast, tenth := open(500, 1024), open(50, 1024)
		tenth.For = 10 * fast.For
		a, b := must(t, answer, c, fast), must(t, answer, slow, tenth)
		assert.InEpsilon(t, 10*a.Commit.P50.Seconds(), b.Commit.P50.Seconds(), 0.05, name)
		assert.InEpsilon(t, a.OpsPerFsync, b.OpsPerFsync, 0.05, name)
		assert.InEpsilon(t, a.Sustainable, 10*b.Sustainable, 0.01, name)
	}
}

// TestEstimateBesidePredict: the closed form is the simulation's slow, obvious twin.
func TestEstimateBesidePredict(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var p50, p99, throughput, batch []float64
	for range 60 {
		d := time.Duration(math.Exp(rng.Float64()*6) * float64(time.Millisecond))
		c := Cluster{Members: 1 + 2*rng.IntN(2), Disks: []Disk{FixedDisk(d)}, Seed: rng.Uint64()}
		l := open(math.Exp(1+rng.Float64()*6), 256<<rng.IntN(5))
		if rng.IntN(2) == 0 {
			l = Load{Clients: 1 + rng.IntN(200), Op: l.Streams[0].Op, For: l.For}
		}
		a, b := must(t, Predict, c, l), must(t, Estimate, c, l)
		miss := func(x, y float64) float64 { return math.Abs(math.Log(x / y)) }
		p50 = append(p50, miss(a.Commit.P50.Seconds(), b.Commit.P50.Seconds()))
		p99 = append(p99, miss(a.Commit.P99.Seconds(), b.Commit.P99.Seconds()))
		throughput = append(throughput, miss(a.Throughput, b.Throughput))
		batch = append(batch, miss(a.OpsPerFsync, b.OpsPerFsync))
		assert.Equal(t, a.Bound, b.Bound)
	}
	t.Logf(
		"median distance: p50 %.0f %%, p99 %.0f %%, throughput %.0f %%, requests per fdatasync %.0f %%",
		100*median(p50), 100*median(p99), 100*median(throughput), 100*median(batch),
	)
	assert.LessOrEqual(t, median(p50), 0.30)
	assert.LessOrEqual(t, median(p99), 0.40)
	assert.LessOrEqual(t, median(throughput), 0.15)
	assert.LessOrEqual(t, median(batch), 0.20)
}

// TestSustainable: 85 % of it does not pile up, 120 % does.
func TestSustainable(t *testing.T) {
	for _, c := range []Cluster{
		{Members: 1},
		{Members: 1, Disks: []Disk{FixedDisk(50 * time.Millisecond)}},
		{Members: 1, Disks: []Disk{FixedDisk(5 * time.Millisecond)}, CPU: CPU{Accept: time.Microsecond}},
		{Members: 3, Disks: []Disk{FixedDisk(20 * time.Millisecond)}},
	} {
		for _, value := range []int{256, 4096, 16384} {
			most := must(t, Estimate, c, open(10, value))
			backlog := func(share float64) int {
				s := newSimulation(c.WithDefaults(), open(most.Sustainable*share, value))
				s.e.run(int64(4 * time.Second))
				first := s.e.waiting.n + s.accepting()
				s.e.run(int64(16 * time.Second))
				return s.e.waiting.n + s.accepting() - first + s.refusedAll
			}
			per := most.Sustainable
			assert.Less(t, float64(backlog(0.85)), 0.6*per, "%+v value %d: %v of %v", c.Disks, value, most.Bound, per)
			assert.Greater(t, float64(backlog(1.2)), 0.5*per, "%+v value %d: %v of %v", c.Disks, value, most.Bound, per)
		}
	}
}

func (s *simulation) accepting() (n int) {
	for i := range s.e.members {
		n += s.e.members[i].accepting.n
	}
	return n
}
