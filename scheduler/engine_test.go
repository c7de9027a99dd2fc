package scheduler

import (
	"context"
	"math/rand/v2"
	goruntime "runtime"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/capacity"
)

func drawn(t *testing.T, seed uint64) *capacity.Snapshot {
	t.Helper()
	s, err := capacity.NewSnapshot(small(rand.New(rand.NewPCG(seed, 7)))...)
	require.NoError(t, err)
	return s
}

// alive counts the pointers whose values are still there.
func alive[T any](pointers []weak.Pointer[T]) (n int) {
	goruntime.GC()
	for _, p := range pointers {
		if p.Value() != nil {
			n++
		}
	}
	return n
}

// An engine that goes to and fro between two live snapshots keeps the nodes of the last alone.
func TestAnEngineKeepsTheLastSnapshotAlone(t *testing.T) {
	e, err := New(Config{})
	require.NoError(t, err)
	a, b := drawn(t, 1), drawn(t, 2)
	var made []weak.Pointer[counted]
	for range 50 {
		for _, s := range []*capacity.Snapshot{a, b} {
			c, err := e.cluster(context.Background(), s)
			require.NoError(t, err)
			made = append(made, weak.Make(c))
		}
	}
	require.Equal(t, 1, alive(made))
	again, err := e.cluster(context.Background(), b)
	require.NoError(t, err)
	require.Same(t, made[len(made)-1].Value(), again)
	goruntime.KeepAlive(a)
}

// A snapshot outlives the engines that were asked about it.
func TestEnginesAreCollectedBeforeTheirSnapshot(t *testing.T) {
	s := drawn(t, 1)
	var engines []weak.Pointer[Engine]
	var made []weak.Pointer[counted]
	for range 10 {
		e, err := New(Config{})
		require.NoError(t, err)
		c, err := e.cluster(context.Background(), s)
		require.NoError(t, err)
		engines, made = append(engines, weak.Make(e)), append(made, weak.Make(c))
	}
	require.Zero(t, alive(engines))
	require.Zero(t, alive(made))
	goruntime.KeepAlive(s)
}

// The nodes go with the snapshot, while the engine lives.
func TestNodesGoWithTheirSnapshot(t *testing.T) {
	e, err := New(Config{})
	require.NoError(t, err)
	ask := func() weak.Pointer[counted] {
		c, err := e.cluster(context.Background(), drawn(t, 1))
		require.NoError(t, err)
		return weak.Make(c)
	}
	made := []weak.Pointer[counted]{ask(), ask()}
	require.Eventually(t, func() bool { return alive(made) == 0 }, 10*time.Second, time.Millisecond)
	goruntime.KeepAlive(e)
}
