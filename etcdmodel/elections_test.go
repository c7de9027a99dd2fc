package etcdmodel

import (
	"context"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stalling returns a cluster whose listed members (or all) have the disk.
func stalling(members int, disk Disk, slow ...int) Cluster {
	c := Cluster{Members: members, Version: V3_6, Seed: 1}
	if len(slow) == 0 {
		c.Disks = []Disk{disk}
		return c
	}
	for range members {
		c.Disks = append(c.Disks, NVMe())
	}
	for _, i := range slow {
		c.Disks[i] = disk
	}
	return c
}

func openLoad(rate float64) Load {
	return Load{Streams: []Stream{{Op: Op{Kind: Put, Key: 46, Value: 512}, Rate: rate}}}
}

// Estimate agrees with Predict over disks, round trips, members and loads. Both expect less than an
// election an hour, or their numbers are within a factor of five, which few need. Elections end
// for good once a member leads with which they cannot happen, and how soon that comes is chance.
func TestElectionsAgree(t *testing.T) {
	rare := Disk{Fsync: []Quantile{{0, ms(2)}, {0.99, ms(10)}, {0.995, ms(900)}, {1, ms(2500)}}}
	cells, far := 0, 0
	for name, d := range map[string]Disk{
		"0.5 s": FixedDisk(ms(500)), "1.3 s": FixedDisk(ms(1300)), "2 s": FixedDisk(ms(2000)),
		"1.3 s +- 90 %": FixedDisk(ms(1300)).Jittered(0.9),
		"2 s +- 80 %":   FixedDisk(ms(2000)).Jittered(0.8), "rare": rare,
	} {
		for _, members := range []int{1, 3, 5} {
			for _, slow := range [][]int{nil, {0}, {1}, {0, 1}, {1, 2}} {
				for _, rtt := range []time.Duration{ms(0.2), ms(40)} {
					for _, rate := range []float64{0.6, 20, 300} {
						if members == 1 && len(slow) > 0 || members == 5 && (rtt > ms(1) || rate == 300) || rate != 20 && rtt > ms(1) {
							continue
						}
						if cells++; cells%oneIn(1) != 0 {
							continue
						}
						c := stalling(members, d, slow...)
						c.RTT = rtt
						p, err := Predict(c, openLoad(rate))
						require.NoError(t, err)
						q, err := Estimate(c, openLoad(rate))
						require.NoError(t, err)
						a, b := math.Max(p.Elections, 1), math.Max(q.Elections, 1)
						if math.Max(a/b, b/a) > 5 {
							far++
							t.Logf("%s, %d members, slow %v, RTT %v, %v/s: predicted %.2f, estimated %.2f",
								name, members, slow, rtt, rate, p.Elections, q.Elections)
						}
					}
				}
			}
		}
	}
	require.LessOrEqual(t, far, cells/20, "of %d", cells)
}

// Three members on disks that stall: all alike elect nobody, however long the stall; a slow leader
// is lost once; a slow follower changes nothing; nor do a leader and a follower that stall alike.
// Followers that are both slow cost a fast leader its quorum again and again. validation/etcd has
// the same of real clusters.
func TestElectionsWhereMembersStall(t *testing.T) {
	for _, x := range []struct {
		slow      []int
		delay     float64
		low, high float64
	}{
		{nil, 500, 0, 0}, {nil, 1300, 0, 0}, {nil, 2000, 0, 0},
		{[]int{0}, 500, 0, 0}, {[]int{0}, 1300, 0.3, 1}, {[]int{0}, 2000, 0.9, 1},
		{[]int{2}, 1300, 0, 0}, {[]int{2}, 2000, 0, 0},
		{[]int{0, 1}, 1300, 0, 0}, {[]int{0, 1}, 2000, 0, 0},
		{[]int{1, 2}, 500, 0, 0}, {[]int{1, 2}, 1300, 100, 2000}, {[]int{1, 2}, 2000, 50, 2000},
	} {
		c := stalling(3, FixedDisk(ms(x.delay)), x.slow...)
		p, err := Predict(c, openLoad(20))
		require.NoError(t, err)
		q, err := Estimate(c, openLoad(20))
		require.NoError(t, err)
		terms := 0.0
		for seed := range uint64(8) {
			c.Seed = seed
			s := newServer(t, c, openLoad(1).Streams...)
			first := s.Term()
			for range 400 {
				s.Step(100*time.Millisecond, []float64{2})
			}
			terms += float64(s.Term()-first) / 8
		}
		t.Logf("slow %v at %v ms: predicted %.1f an hour, estimated %.1f; the server %.1f in 40 s", x.slow, x.delay,
			p.Elections, q.Elections, terms)
		for _, e := range []float64{p.Elections, q.Elections} {
			assert.GreaterOrEqual(t, e, x.low, "slow %v at %v ms", x.slow, x.delay)
			assert.LessOrEqual(t, e, x.high, "slow %v at %v ms", x.slow, x.delay)
		}
		assert.Equal(t, x.low > 0, terms > 0, "slow %v at %v ms: the server", x.slow, x.delay)
	}
}

// Members that differ elect, and those whose stalls are shared do not.
func TestSharedStallsElectNobody(t *testing.T) {
	c := stalling(3, FixedDisk(ms(2000)).Jittered(0.8))
	apart, err := Predict(c, openLoad(20))
	require.NoError(t, err)
	require.Greater(t, apart.Elections, 2.0)
	c.Shared = 1
	for _, f := range []func(Cluster, Load) (Prediction, error){Predict, Estimate} {
		shared, err := f(c, openLoad(20))
		require.NoError(t, err)
		require.Less(t, shared.Elections, 0.5)
	}
	c.Shared = math.NaN()
	require.ErrorIs(t, c.Check(), ErrInput)
	require.ErrorIs(t, Cluster{Shared: 1.1}.Check(), ErrInput)
}

func TestJittered(t *testing.T) {
	d := FixedDisk(time.Second).Jittered(0.4)
	require.NoError(t, d.Check("d"))
	assert.InEpsilon(t, 0.6, d.FsyncQuantile(0).Seconds(), 0.01)
	assert.InEpsilon(t, 1, d.FsyncQuantile(0.5).Seconds(), 0.01)
	assert.InEpsilon(t, 1.4, d.FsyncQuantile(1).Seconds(), 0.01)
	assert.Equal(t, NVMe().Fsync, NVMe().Jittered(math.NaN()).Fsync)
	wide := SATASSD().Jittered(7)
	require.NoError(t, wide.Check("wide"))
	assert.InEpsilon(t, SATASSD().FsyncMean().Seconds(), wide.FsyncMean().Seconds(), 0.1)
}

// The server elects as often as real clusters did, but for chance: testdata/elections.csv. Nothing
// was fitted to it.
func TestElectionsMeasured(t *testing.T) {
	real, model := 0.0, 0.0
	for _, r := range measured(t, "elections.csv") {
		disk := FixedDisk(ms(r.num(t, "delay_ms"))).Jittered(r.num(t, "jitter"))
		var slow []int
		for i := range 5 {
			if strings.Contains(r["slow"], strconv.Itoa(i)) {
				slow = append(slow, i)
			}
		}
		c := stalling(int(r.num(t, "members")), disk, slow...)
		mean, seeds := 0.0, 20
		for seed := range uint64(seeds) {
			c.Seed = seed
			s := newServer(t, c, openLoad(1).Streams...)
			first := s.Term()
			for s.Now().Seconds() < r.num(t, "seconds") {
				s.Step(100*time.Millisecond, []float64{r.num(t, "rate") / 10})
			}
			mean += float64(s.Term()-first) / float64(seeds)
		}
		n := r.num(t, "elections")
		real, model = real+n, model+mean
		t.Logf("%v members, slow %s, %v ms +- %v, %v/s: %v elections, the model %.2f", r.num(t, "members"),
			r["slow"], r.num(t, "delay_ms"), r.num(t, "jitter"), r.num(t, "rate"), n, mean)
		assert.LessOrEqual(t, math.Abs(n-mean), 3*math.Sqrt(mean)+0.5)
	}
	t.Logf("in all %v elections, the model %.1f", real, model)
}

// One disk given for all members is the same as that disk given for each.
func TestHazardsOfEqualDisks(t *testing.T) {
	copied := func(d Disk) Disk {
		d.Fsync = append([]Quantile(nil), d.Fsync...)
		return d
	}
	for _, d := range []Disk{HDD7200(), FixedDisk(1300 * time.Millisecond), FixedDisk(2 * time.Second).Jittered(0.8)} {
		for _, members := range []int{3, 5} {
			one, each := Cluster{Members: members, Disks: []Disk{d}}, Cluster{Members: members}
			for range members {
				each.Disks = append(each.Disks, copied(d))
			}
			one, each = one.WithDefaults(), each.WithDefaults()
			l := openLoad(20)
			m := newMix(one, l, 0)
			require.True(t, one.alike())
			require.False(t, each.alike())
			assert.Equal(t, each.hazards(&m, 20, l), one.hazards(&m, 20, l), "%s, %d members", d.Name, members)
		}
	}
}

func TestElectionsEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, l := Cluster{Disks: []Disk{HDD7200()}}.WithDefaults(), openLoad(20)
	m := newMix(c, l, 0)
	_, err := elections(ctx, c, l, &m, 20)
	require.ErrorIs(t, err, context.Canceled)
}
