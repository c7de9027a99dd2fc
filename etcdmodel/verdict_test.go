package etcdmodel

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = Op{Kind: TxnUpdate, Key: 60, Value: 525}

func streams(op Op, rate float64) Load {
	return Load{Streams: []Stream{{Op: op, Rate: rate, Keys: 100}}}
}

func checksOf(p Prediction) []Check {
	var out []Check
	for _, r := range p.Reasons {
		out = append(out, r.What)
	}
	return out
}

// Each condition fails alone or with what follows from it, in simulation and closed form.
func TestVerdict(t *testing.T) {
	slow := func(d time.Duration) Cluster { return Cluster{Members: 1, Disks: []Disk{FixedDisk(d)}} }
	read := Op{Kind: Range, Key: 60, Value: 525}
	for name, x := range map[string]struct {
		c        Cluster
		l        Load
		predict  []Check
		estimate []Check
	}{
		"usual":       {Cluster{}, streams(update, 100), nil, nil},
		"rare":        {Cluster{}, streams(update, 1e-6), nil, nil},
		"reads alone": {Cluster{}, streams(read, 100), nil, nil},
		"rare reads":  {Cluster{}, streams(read, 1e-6), nil, nil},
		// More than members could take in if a read took what a write takes, and less than they serve.
		"many reads": {Cluster{}, streams(read, 30_000), nil, nil},
		"nothing":    {Cluster{}, streams(update, 0), nil, nil},
		"clients": {
			Cluster{Members: 1, CompactEvery: time.Second, CompactKeep: time.Second},
			Load{Clients: 50, Op: update, Keys: 100}, nil, nil,
		},
		"nothing is answered": {
			slow(7450 * time.Millisecond), streams(update, 0.6), []Check{CheckTimeouts, CheckSamples}, []Check{CheckTimeouts},
		},
		"p99": {slow(500 * time.Millisecond), streams(update, 1), []Check{CheckWriteP99}, []Check{CheckWriteP99}},
		"reads' p99": {
			slow(500 * time.Millisecond), Load{Streams: []Stream{{Op: update, Rate: 5, Keys: 9}, {Op: read, Rate: 5}}},
			[]Check{CheckWriteP99, CheckReadP99}, []Check{CheckWriteP99},
		},
		"no space": {
			Cluster{}, Load{Streams: []Stream{{Op: update, Rate: 100}}}, []Check{CheckNoSpace}, []Check{CheckNoSpace},
		},
		"too many reads": {
			Cluster{}, streams(read, 50_000), []Check{CheckQueue, CheckReadP99}, []Check{CheckQueue},
		},
		"too few samples": {
			Cluster{}, Load{Streams: streams(update, 10).Streams, For: time.Second}, []Check{CheckSamples}, nil,
		},
		"another limit": {
			Cluster{Members: 1, Disks: []Disk{FixedDisk(20 * time.Millisecond)}},
			Load{Streams: streams(update, 10).Streams, Limits: Limits{P99: 10 * time.Millisecond}},
			[]Check{CheckWriteP99}, []Check{CheckWriteP99},
		},
	} {
		p, e := must(t, Predict, x.c, x.l), must(t, Estimate, x.c, x.l)
		assert.Equal(t, x.predict, checksOf(p), "%s: %v", name, p.Reasons)
		assert.Equal(t, x.estimate, checksOf(e), "%s, closed form: %v", name, e.Reasons)
		assert.Equal(t, len(x.predict) == 0, p.Holds, name)
		assert.Equal(t, len(x.estimate) == 0, e.Holds, name)
	}
}

// Too much of anything does not hold, whatever else it leads to.
func TestOverloadDoesNotHold(t *testing.T) {
	for _, c := range []Cluster{{Members: 1}, {}, {Disks: []Disk{HDD7200()}}, {Disks: []Disk{FixedDisk(time.Second)}}} {
		most := must(t, Estimate, c, streams(update, 10)).Sustainable
		for name, answer := range answers {
			l := streams(update, 1.3*most)
			l.For = 5 * time.Second
			p := must(t, answer, c, l)
			assert.False(t, p.Holds, name)
			assert.Equal(t, CheckQueue, p.Reasons[0].What, name)
			assert.InEpsilon(t, 1.3*p.Reasons[0].Limit, p.Reasons[0].Value, 1e-6, name)
		}
	}
}

// The verdict is monotone in the disk: what a slower one holds, a quicker one does.
func TestVerdictMonotoneInTheDisk(t *testing.T) {
	for name, answer := range answers {
		held := true
		for d := time.Millisecond; d < 10*time.Second; d *= 2 {
			holds := must(t, answer, Cluster{Members: 1, Disks: []Disk{FixedDisk(d)}}, streams(update, 20)).Holds
			assert.False(t, holds && !held, "%s: %v holds and less did not", name, d)
			held = holds
		}
		assert.False(t, held, name)
	}
}

// Nothing that ended is no p99 of zero. Where nothing was asked, it is.
func TestNothingEnded(t *testing.T) {
	p := must(t, Predict, Cluster{Disks: []Disk{FixedDisk(7450 * time.Millisecond)}}, streams(update, 10))
	assert.True(t, p.Commit.Empty())
	assert.Zero(t, p.Commit.N)
	for _, d := range []time.Duration{p.Commit.Mean, p.Commit.P50, p.Commit.P99, p.Commit.Max} {
		assert.Equal(t, NoSample, d)
	}
	for _, m := range p.Member {
		assert.True(t, m.Empty())
	}
	assert.Equal(t, Latency{}, p.Reads, "none was asked")
	assert.False(t, p.Reads.Empty())
	assert.True(t, p.Compaction.Commit.Empty(), "none ended meanwhile")
}

// The simulated time grows until there are samples for a p99, or to an hour; Load.For fixes it.
func TestSimulatedTimeGrows(t *testing.T) {
	for rate, want := range map[float64]time.Duration{
		2000: 10 * time.Second, 56: 20 * time.Second, 0.6: 42*time.Minute + 40*time.Second, 0.2: time.Hour,
	} {
		p := must(t, Predict, Cluster{}, streams(update, rate))
		assert.Equal(t, want, p.Simulated, "%v/s", rate)
		assert.Equal(t, p, must(t, Predict, Cluster{}, streams(update, rate)), "the same again")
		if rate > 0.3 {
			assert.GreaterOrEqual(t, p.Commit.N, p99Enough)
		}
		l := streams(update, rate)
		l.For = 3 * time.Second
		assert.Equal(t, l.For, must(t, Predict, Cluster{}, l).Simulated)
	}
	rare := must(t, Predict, Cluster{}, streams(update, 1e-9))
	assert.Equal(t, time.Hour, rare.Simulated)
	assert.Equal(t, must(t, Estimate, Cluster{}, streams(update, 1e-9)).Commit, rare.Commit)
	assert.ErrorContains(t, rare.Warnings[0], "their latency is the closed form's")
}

// A load that piles up is not simulated until memory is full.
func TestPilesUpNoFurther(t *testing.T) {
	l := streams(update, 1e6)
	l.For = 20 * time.Second
	_, err := Predict(Cluster{}, l)
	require.ErrorIs(t, err, ErrInput)
	p, err := PredictContext(context.Background(), Cluster{}, l)
	require.NoError(t, err)
	assert.Less(t, p.Simulated, 2*time.Second)
	assert.Equal(t, CheckQueue, p.Reasons[0].What)
}

// countdown is a context that ends when it has been asked so many times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// A context is looked at every sliceEvents events, from the warm-up to the compaction.
func TestContextEnds(t *testing.T) {
	l := streams(update, 8000)
	whole := &countdown{context.Background(), 1 << 30}
	want, err := PredictContext(whole, Cluster{}, l)
	require.NoError(t, err)
	looks := 1<<30 - whole.left
	require.Greater(t, looks, 100)
	for _, after := range []int{0, 1, looks / 2, looks - 1} {
		_, err := PredictContext(&countdown{context.Background(), after}, Cluster{}, l)
		require.ErrorIs(t, err, context.Canceled)
	}
	_, err = FaultsContext(&countdown{context.Background(), 2 * looks}, Cluster{}, l, SATASSD())
	require.ErrorIs(t, err, context.Canceled)
	got, err := Predict(Cluster{}, l)
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// Predict refuses, before it begins, what takes much longer than a second.
func TestPredictRefusesWhatIsLong(t *testing.T) {
	long := streams(update, 5000)
	long.For = time.Hour
	_, err := Predict(Cluster{}, long)
	require.ErrorIs(t, err, ErrInput)
	require.ErrorContains(t, err, "PredictContext takes more")
	_, err = Faults(Cluster{}, long, HDD7200())
	require.ErrorContains(t, err, "FaultsContext takes more")
	for _, members := range []int{1, 3} {
		_, err = Predict(Cluster{Members: members}, streams(update, 10_000))
		require.NoError(t, err)
	}
}

func TestChecks(t *testing.T) {
	for c := range checks {
		assert.NotEmpty(t, c.String())
	}
	assert.Equal(t, "Check(-1)", Check(-1).String())
	b, err := json.Marshal(Reason{What: CheckNoSpace, Value: 60, Limit: 3600, Text: "full"})
	require.NoError(t, err)
	assert.JSONEq(t, `{"What":"no space","Value":60,"Limit":3600,"Text":"full"}`, string(b))
}
