package etcdmodel

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func kept(keys int, l Load) Load {
	l.Streams = append(l.Streams, Stream{Op: Op{Kind: TxnUpdate, Key: 46, Value: 1024}, Rate: 100, Keys: keys})
	return l
}

// The log of 3.5 holds up to 105,000 entries, that of later releases 5,100. That is the half of
// the memory that 3.6 was announced to save.
func TestMemoryByVersion(t *testing.T) {
	var log [4]int64
	for _, v := range Modelled() {
		p := must(t, Estimate, Cluster{Version: v}, kept(10_000, Load{}))
		log[v] = p.Memory.Log
		assert.Less(t, p.Memory.Index+p.Memory.Log+p.Memory.Pages, p.Memory.Resident)
	}
	assert.InEpsilon(t, 105_000.0/5100*float64(log[V3_6]), float64(log[V3_5]), 1e-3)
	assert.Equal(t, log[V3_6], log[V3_7])
	c := Cluster{Version: V3_5, SnapshotCount: 10_000}
	assert.Less(t, must(t, Estimate, c, kept(10_000, Load{})).Memory.LogEntries, 20_000)
}

// More keys, watchers, clients or bytes never need less memory or time.
func TestMemoryAndRecoveryGrow(t *testing.T) {
	of := func(state, keys int, l Load) Prediction {
		return must(t, Estimate, Cluster{State: State{Keys: state, Total: int64(state) * 1378}}, kept(keys, l))
	}
	clients := func(n int) Load { return Load{Clients: n, Op: Op{Key: 9}, Keys: 1} }
	for name, pair := range map[string][2]Prediction{
		"keys":     {of(0, 1000, Load{}), of(0, 100_000, Load{})},
		"state":    {of(1000, 1000, Load{}), of(500_000, 1000, Load{})},
		"watchers": {of(0, 9, Load{}), of(0, 9, Load{Watchers: 1000})},
		"clients":  {of(0, 9, clients(1)), of(0, 9, clients(999))},
	} {
		a, b := pair[0], pair[1]
		assert.Greater(t, b.Memory.Resident, a.Memory.Resident, name)
		assert.GreaterOrEqual(t, b.Recovery.Restart, a.Recovery.Restart, name)
		assert.GreaterOrEqual(t, b.Recovery.Restore, a.Recovery.Restore, name)
		assert.GreaterOrEqual(t, b.Recovery.CatchUpSnapshot, a.Recovery.CatchUpSnapshot, name)
	}
}

// 5,100 entries at 100 writes/s last 51 s. A member that is alone has no log to follow, and one
// that cannot keep up never ends.
func TestRecovery(t *testing.T) {
	p := must(t, Estimate, Cluster{}, kept(1000, Load{}))
	assert.Equal(t, 51*time.Second, p.Recovery.LogLasts)
	assert.Positive(t, p.Recovery.CatchUpLog)
	single := must(t, Estimate, Cluster{Members: 1}, kept(1000, Load{})).Recovery
	assert.Zero(t, single.LogLasts)
	assert.Zero(t, single.CatchUpSnapshot)
	assert.Greater(t, single.Restart, p.Recovery.Restart, "it waits for its election timeout")
	slow := Cluster{Network: 1e5}
	p = must(t, Estimate, slow, kept(1000, Load{}))
	assert.Equal(t, mostRestart, p.Recovery.CatchUpSnapshot)
	assert.Contains(t, joined(p.Warnings), "a member that was away cannot follow")
	full := Cluster{State: State{Keys: 100_000, Total: 1e8}}
	reads := must(t, Estimate, full, Load{Clients: 1, Op: Op{Kind: Range, Key: 9}})
	assert.Greater(t, reads.Recovery.Restart, time.Second)
	assert.Zero(t, reads.Recovery.LogLasts, "nothing is written")
}

// Watchers take processor time from writes: the more streams, the more of it.
func TestFanout(t *testing.T) {
	of := func(watchers, streams int) Prediction {
		l := Load{Clients: 50, Op: Op{Key: 46, Value: 1024}, Watchers: watchers, WatchStreams: streams, For: time.Second}
		return must(t, Predict, Cluster{Members: 1}, l)
	}
	none, few, many, wide := of(0, 0), of(2, 1), of(1000, 1), of(1000, 100)
	assert.Zero(t, none.Fanout)
	assert.Less(t, few.Writes, none.Writes)
	assert.Less(t, many.Writes, few.Writes)
	assert.Less(t, wide.Writes, many.Writes/2)
	assert.InEpsilon(t, 2*few.Writes, few.Fanout.Events, 1e-9)
	assert.Zero(t, few.Fanout.Behind)
	assert.Equal(t, BoundWatch, wide.Bound)
	assert.Contains(t, joined(wide.Warnings), "watchers fall behind")
	assert.InEpsilon(t, 1000*wide.Writes, wide.Fanout.Events+wide.Fanout.Behind, 1e-9)
	quiet := Load{Streams: []Stream{{Op: Op{Kind: TxnUpdate, Key: 46, Value: 1024}, Keys: 10, Rate: 50, Watchers: 3}}}
	for _, predict := range []func(Cluster, Load) (Prediction, error){Predict, Estimate} {
		p := must(t, predict, Cluster{}, quiet)
		assert.InEpsilon(t, 150, p.Fanout.Events, 0.1)
		assert.InEpsilon(t, 150*(46+1024+eventHeader), p.Fanout.Bytes, 0.1)
		assert.Empty(t, p.Warnings)
	}
	_, err := Predict(Cluster{}, Load{Clients: 1, Watchers: -1})
	assert.EqualError(t, err, "etcdmodel: Load.Watchers is -1, want >= 0")
}
