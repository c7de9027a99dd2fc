package etcdmodel

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rested is an etcd whose streams are written evenly, without simulating each request.
type rested struct {
	*Server
	streams []Stream
}

func newRested(t testing.TB, c Cluster, streams []Stream) rested {
	s, err := NewServer(c, streams)
	require.NoError(t, err)
	return rested{s, streams}
}

// pass lets time pass in short rests.
func (r rested) pass(d time.Duration) {
	const most = 5 * time.Second
	written := make([]float64, len(r.streams))
	for ; d > 0; d -= most {
		step := min(d, most)
		for i, s := range r.streams {
			written[i] = s.Rate * step.Seconds()
		}
		r.Rest(step, written)
	}
}

// clock is the time passed.
func (r rested) clock() float64 { return float64(r.e.clock()) / 1e9 }

// mixed returns a random load of creates, updates, deletes and leases, and its cluster.
func mixed(rng *rand.Rand) (Cluster, []Stream) {
	size := func() int { return []int{100, 300, 834, 1024, 2000, 3000}[rng.IntN(6)] }
	var streams []Stream
	for range 1 + rng.IntN(3) {
		streams = append(streams, Stream{
			Op: Op{Kind: TxnUpdate, Key: 50, Value: size()}, Rate: 5 + rng.Float64()*100, Keys: 1 + rng.IntN(5000),
		})
	}
	creates := 0.0
	for range rng.IntN(3) {
		rate := 1 + rng.Float64()*50
		creates += rate
		streams = append(streams, Stream{Op: Op{Kind: TxnCreate, Key: 60, Value: size()}, Rate: rate})
	}
	if rng.IntN(2) == 0 {
		deletes := creates * []float64{0.5, 1, 1, 1, 1.7}[rng.IntN(5)]
		streams = append(streams, Stream{Op: Op{Kind: TxnDelete, Key: 60}, Rate: deletes})
	}
	if rng.IntN(2) == 0 {
		streams = append(streams, Stream{
			Op: Op{Kind: TxnCreate, Key: 75, Value: size(), Lease: true}, Rate: 1 + rng.Float64()*30,
			TTL: time.Duration(5+rng.IntN(55)) * time.Minute,
		})
	}
	c := Cluster{Members: 1, CompactEvery: time.Duration(60+rng.IntN(540)) * time.Second, Quota: 1 << 50}
	c.CompactKeep = []time.Duration{c.CompactEvery, c.CompactEvery, time.Minute, 20 * time.Minute}[rng.IntN(4)]
	return c, streams
}

// TestGrowthBesideServer: the closed form and the server count the same db, from an empty one and
// from any state of it, over hours.
func TestGrowthBesideServer(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	worst := 0.0
	for i := range 150 {
		c, streams := mixed(rng)
		if i%2 == 1 {
			c.State = State{Total: 400e6, InUse: int64(50e6 + rng.Float64()*350e6), Keys: 20_000 + rng.IntN(100_000)}
			if i%4 == 1 {
				c.State.Revision, c.State.Compacted = 900_000, 900_000-int64(rng.IntN(30_000))
			}
		}
		s, g := newRested(t, c, streams), newGrowth(c.WithDefaults(), streams)
		total := 0.0
		for s.clock() < 3*3600 {
			s.pass(time.Duration(20+rng.IntN(60))*time.Second + time.Millisecond) // never at a compaction
			now := s.clock()
			total = math.Max(total, g.file(now))
			size := s.DB()
			off := math.Abs(g.at(now)-float64(size.InUse)) / math.Max(1e6, g.at(now))
			worst = math.Max(worst, off)
			require.LessOrEqual(t, off, 0.01, "case %d at %v: in use %.0f, server %d\n%+v\n%+v", i, now, g.at(now),
				size.InUse, c, streams)
			require.InEpsilon(t, math.Max(1e6, total), math.Max(1e6, float64(size.Total)), 0.01, "case %d at %v: file", i, now)
			require.GreaterOrEqual(t, size.InUse, int64(0))
			require.GreaterOrEqual(t, size.Total, size.InUse)
		}
	}
	t.Logf("largest distance %.2f %%", 100*worst)
}

// TestGrowthBesideSteps is TestGrowthBesideServer request by request, compactions included.
func TestGrowthBesideSteps(t *testing.T) {
	streams := []Stream{
		{Op: Op{Kind: TxnCreate, Key: 60, Value: 1024}, Rate: 100}, {Op: Op{Kind: TxnDelete, Key: 60}, Rate: 100},
		{Op: Op{Kind: TxnUpdate, Key: 45, Value: 525}, Rate: 200, Keys: 500},
		{Op: Op{Kind: TxnCreate, Key: 75, Value: 834, Lease: true}, Rate: 50, TTL: 30 * time.Second},
		{Op: Op{Kind: LeaseGrant}, Rate: 5}, {Op: Op{Kind: LeaseRevoke}, Rate: 5},
	}
	const step = 100 * time.Millisecond
	offered := make([]float64, len(streams))
	for i, s := range streams {
		offered[i] = s.Rate * step.Seconds()
	}
	for _, start := range []State{{}, {Total: 40e6, InUse: 30e6, Keys: 9000}} {
		c := Cluster{Members: 1, CompactEvery: 20 * time.Second, CompactKeep: 20 * time.Second, State: start}
		s := newServer(t, c, streams...)
		g := newGrowth(c.WithDefaults(), streams)
		for s.Now() < 3*time.Minute {
			db := s.Step(step, offered).DB
			if now := s.Now() + step/2; now%(7*time.Second) == step/2 {
				assert.InEpsilon(t, math.Max(2e6, g.at(s.Now().Seconds())), math.Max(2e6, float64(db.InUse)), 0.08, "%v", s.Now())
			}
			require.GreaterOrEqual(t, db.InUse, int64(0))
			require.GreaterOrEqual(t, db.Total, db.InUse-int64(1e6), "but for what no commit has written yet")
		}
		live := float64(start.Keys) + 500 + 1500
		if start.Keys > 0 {
			live = float64(start.Keys) // the streams' keys are among them
		}
		assert.InDelta(t, live, s.State().Keys, 250)
	}
}

// TestPlateauStays: a db at its plateau, read at any moment between two compactions, is predicted
// to stay there, and another server that starts from it stays.
func TestPlateauStays(t *testing.T) {
	for i, streams := range [][]Stream{
		{{Op: Op{Kind: TxnUpdate, Key: 45, Value: 525}, Rate: 500, Keys: 5000}},
		{
			{Op: Op{Kind: TxnUpdate, Key: 45, Value: 1000}, Rate: 50, Keys: 5000},
			{Op: Op{Kind: TxnCreate, Key: 75, Value: 834, Lease: true}, Rate: 20, TTL: time.Hour},
		},
		{
			{Op: Op{Kind: TxnUpdate, Key: 45, Value: 1000}, Rate: 50, Keys: 5000},
			{Op: Op{Kind: TxnCreate, Key: 60, Value: 2000}, Rate: 30},
			{Op: Op{Kind: TxnDelete, Key: 60}, Rate: 30},
		},
	} {
		c := Cluster{Members: 1, Quota: 8 << 30}
		if i == 2 { // something to delete
			c.State = State{Total: 200e6, InUse: 200e6}
		}
		s := newRested(t, c, streams)
		s.pass(3 * time.Hour)
		for _, later := range []time.Duration{0, 10, 50, 90, 60, 88} {
			s.pass(later * time.Second)
			state := s.State()
			require.NoError(t, state.Check("State"))
			for name, start := range map[string]Cluster{
				"whole": {State: state},
				"without keys": {State: State{
					Total: state.Total, InUse: state.InUse, Revision: state.Revision, Compacted: state.Compacted,
				}},
				"without revisions":  {State: State{Total: state.Total, InUse: state.InUse, Keys: state.Keys}},
				"sizes alone":        {State: State{Total: state.Total, InUse: state.InUse}},
				"endpoint status":    {DB: state.Total},
				"total in the state": {State: State{Total: state.Total}},
			} {
				start.Members, start.Quota = 1, c.Quota
				p := must(t, Estimate, start, Load{Streams: streams})
				slack := 0.01
				if state.Compacted != 0 && (name == "without revisions" || name == "sizes alone") {
					slack = 0.26 // the phase is unknown: half an interval's writes more or less
				}
				assert.InEpsilon(t, state.Total, p.DB.Plateau, slack, "load %d, %s", i, name)
				again := newRested(t, start, streams)
				again.pass(time.Hour)
				assert.InEpsilon(t, state.Total, again.DB().Total, slack, "load %d, %s: server", i, name)
			}
		}
	}
}

// TestDeletesTakeAway: creates and deletes at the same rate keep the size that they find.
func TestDeletesTakeAway(t *testing.T) {
	create, remove := Stream{Op: Op{Key: 46, Value: 1024}, Rate: 200}, Stream{Op: Op{Kind: Delete, Key: 46}, Rate: 200}
	p := must(t, Estimate, Cluster{}, Load{Streams: []Stream{create, remove}})
	assert.Negative(t, p.DB.QuotaIn)
	assert.Zero(t, p.DB.Live)
	window := 200 * 600 * (create.Op.DBBytes(V3_7) + remove.Op.DBBytes(V3_7))
	assert.InEpsilon(t, window, p.DB.Plateau, 1e-6, "what was created and deleted in ten minutes")

	start := State{Total: 100e6, InUse: 100e6, Keys: 50_000}
	p = must(t, Estimate, Cluster{State: start}, Load{Streams: []Stream{create, remove}})
	assert.Negative(t, p.DB.QuotaIn)
	// twice as many deletes drain what is there, and stop
	remove.Rate = 400
	p = must(t, Predict, Cluster{State: start}, Load{Streams: []Stream{create, remove}, For: time.Second})
	assert.Zero(t, p.DB.Live)
	for _, x := range p.DB.Series {
		assert.GreaterOrEqual(t, x.InUse, int64(0))
	}
	// deletes of nothing write nothing to the db
	p = must(t, Estimate, Cluster{}, Load{Streams: []Stream{remove}})
	assert.Zero(t, p.DB.Plateau)
	assert.Zero(t, p.DB.Growth)
}

// TestRevokesDeleteTheirKeys: a revoke takes Puts keys of what is created with a lease.
func TestRevokesDeleteTheirKeys(t *testing.T) {
	streams := []Stream{
		{Op: Op{Key: 60, Value: 500, Lease: true}, Rate: 100}, {Op: Op{Key: 60, Value: 500}, Rate: 1},
		{Op: Op{Kind: LeaseGrant}, Rate: 2}, {Op: Op{Kind: LeaseRevoke, Key: 60, Puts: 50}, Rate: 2},
	}
	p := must(t, Estimate, Cluster{}, Load{Streams: streams})
	assert.Negative(t, p.DB.Plateau, "what has no lease stays")
	p = must(t, Estimate, Cluster{}, Load{Streams: append(streams[:1:1], streams[2:]...)})
	assert.Negative(t, p.DB.QuotaIn)
	assert.Zero(t, p.DB.Live)
	s := newRested(t, Cluster{Members: 1}, streams)
	s.pass(30 * time.Minute)
	assert.InDelta(t, 1800, s.State().Keys, 60)
	streams[0].TTL = 10 * time.Minute // ends by itself: the revokes are these ends
	p = must(t, Estimate, Cluster{}, Load{Streams: append(streams[:1:1], streams[2:]...)})
	assert.InEpsilon(t, 60_000*streams[0].perRevision(V3_7), p.DB.Live, 1e-6)
}

// TestPlateauIsMonotone: more of anything but deletes is no smaller.
func TestPlateauIsMonotone(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	for range 300 {
		c, streams := mixed(rng)
		at := func(streams []Stream) float64 {
			g := newGrowth(c.WithDefaults(), streams)
			return g.file(4 * 3600)
		}
		before, i := at(streams), rng.IntN(len(streams))
		more := append([]Stream(nil), streams...)
		if more[i].role() == removes {
			continue
		}
		more[i].Rate *= 1.5
		require.GreaterOrEqual(t, at(more), before*(1-1e-9), "%+v", streams)
	}
}

// A db that was compacted to its newest revision has no history: all that is in use lives.
func TestCompactedState(t *testing.T) {
	state := State{Total: 40 << 20, InUse: 30 << 20, Keys: 20_000, Revision: 900_000}
	for compacted, live := range map[int64]float64{900_000: 30 << 20, 890_000: 30<<20 - 10_000*826.6} {
		state.Compacted = compacted
		p := must(t, Estimate, Cluster{State: state}, streams(update, 50))
		assert.InEpsilon(t, live, p.DB.Live, 0.01, "compacted to %d", compacted)
	}
}

func TestBadState(t *testing.T) {
	load := open(10, 100)
	state := func(s State) Cluster { return Cluster{State: s} }
	for want, c := range map[string]Cluster{
		"State.InUse is 5, want <= Total (4)":                          state(State{Total: 4, InUse: 5}),
		"State.Compacted is 9, want <= Revision (8)":                   state(State{Revision: 8, Compacted: 9}),
		"State.Compacted is -2, want >= 0, or -1 for never":            state(State{Compacted: -2}),
		"State.Total is -1, want >= 0":                                 state(State{Total: -1}),
		"State.Keys is -7, want >= 0":                                  state(State{Keys: -7}),
		"State.Quota is -1, want >= 0":                                 state(State{Quota: -1}),
		"State.Version is Version(77), want V3_5, V3_6 or V3_7":        state(State{Version: 77}),
		"State.Revision is -9223372036854775808, want >= 0":            state(State{Revision: math.MinInt64}),
		"State.InUse is 9223372036854775807, want <= 1125899906842624": state(State{Total: 1, InUse: math.MaxInt64}),
		"DB is 5, want 0 beside Cluster.State, whose Total it is":      {DB: 5, State: State{Total: 5}},
		"DB is 6, want 0 beside Cluster.State, whose Total it is":      {DB: 6, State: State{Keys: 1}},
	} {
		want = "etcdmodel: Cluster." + want
		for _, answer := range answers {
			_, err := answer(c, load)
			require.ErrorIs(t, err, ErrInput)
			assert.Equal(t, want, err.Error())
		}
		_, err := NewServer(c, load.Streams)
		require.ErrorIs(t, err, ErrInput)
	}
}

// TestStateDefaults: the quota and the version of the state count where the cluster names none.
func TestStateDefaults(t *testing.T) {
	c := Cluster{State: State{Quota: 5e9, Version: V3_5}}.WithDefaults()
	assert.Equal(t, int64(5e9), c.Quota)
	assert.Equal(t, V3_5, c.Version)
	c = Cluster{Quota: 1e9, Version: V3_6, State: State{Quota: 5e9, Version: V3_5}}.WithDefaults()
	assert.Equal(t, int64(1e9), c.Quota)
	assert.Equal(t, V3_6, c.Version)
}

// FuzzGrowth: whatever is asked of the db, the answer is an error or numbers that can be: no
// negative size but the -1 that means never, nothing that is no number, nothing that wrapped.
func FuzzGrowth(f *testing.F) {
	const most = math.MaxInt64
	type n = int64
	f.Add(n(313e6), n(0), n(0), 0, n(0), n(0), n(0), n(0), n(0), 100.0, 1000, n(0), 100.0, 1)
	f.Add(n(0), n(400e6), n(300e6), 10_000, n(1e6), n(9e5), n(0), n(0), n(0), 10.0, 0, n(0), 10.0, 2)
	f.Add(n(most), n(0), n(0), 0, n(0), n(0), n(most), n(most), n(most), 1e6, most, n(most), 1e6, most)
	f.Add(n(0), n(most), n(most), most, n(most), n(1), n(1), n(1e6), n(1), 1e-300, 1, n(1), 5e-324, 1)
	f.Add(n(0), n(1), n(1), 1, n(most), n(-1), n(most), n(-1), n(0), 1e6, 0, n(1), 1e6, 3)
	f.Fuzz(func(
		t *testing.T, db, total, inUse int64, keys int, revision, compacted, quota, every, keep int64, rate float64,
		streamKeys int, ttl int64, deletes float64, puts int,
	) {
		c := Cluster{
			Members: 1, DB: db, Quota: quota, CompactEvery: time.Duration(every), CompactKeep: time.Duration(keep),
			State: State{Total: total, InUse: inUse, Keys: keys, Revision: revision, Compacted: compacted},
		}
		l := Load{Streams: []Stream{
			{Op: Op{Kind: TxnUpdate, Key: 45, Value: 525}, Rate: rate, Keys: streamKeys},
			{Op: Op{Kind: TxnCreate, Key: 45, Value: 525, Lease: true}, Rate: rate, TTL: time.Duration(ttl)},
			{Op: Op{Kind: TxnCreate, Key: 45, Value: 525}, Rate: rate},
			{Op: Op{Kind: Delete, Key: 45, Puts: puts}, Rate: deletes},
			{Op: Op{Kind: LeaseRevoke, Key: 45, Puts: puts}, Rate: deletes},
		}}
		p, err := Estimate(c, l)
		if err != nil {
			require.ErrorIs(t, err, ErrInput)
			return
		}
		d := p.DB
		for name, x := range map[string]float64{
			"Growth": d.Growth, "PerWrite": d.PerWrite, "Live": float64(d.Live), "Overshoot": float64(d.Overshoot),
			"Plateau": float64(d.Plateau) + 1, "PlateauMost": float64(d.PlateauMost) + 1, "QuotaIn": float64(d.QuotaIn) + 1,
			"Revisions": float64(p.Compaction.Revisions), "Deletes": float64(p.Compaction.Deletes),
			"Batches": float64(p.Compaction.Batches), "Compaction": float64(p.Compaction.Duration),
			"Least": float64(p.Defrag.Least), "Likely": float64(p.Defrag.Likely - p.Defrag.Least),
			"Most": float64(p.Defrag.Most - p.Defrag.Likely), "Fsyncs": float64(p.Defrag.Fsyncs),
		} {
			require.False(t, math.IsNaN(x) || math.IsInf(x, 0) || x < 0, "%s of %+v", name, p)
		}
		require.GreaterOrEqual(t, d.PlateauMost, d.Plateau)
		c = c.WithDefaults()
		g := newGrowth(c, l.Streams)
		for _, x := range g.series(d, KubeAPIServer) {
			require.GreaterOrEqual(t, x.Total, x.InUse)
			require.GreaterOrEqual(t, x.InUse, int64(0))
		}
		s, err := NewServer(c, l.Streams)
		require.NoError(t, err)
		s.Rest(time.Second, []float64{1, 1, 1, 1, 1})
		require.NoError(t, s.State().Check("State"))
		require.GreaterOrEqual(t, s.Defrag().Most, time.Duration(0))
	})
}
