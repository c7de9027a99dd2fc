package story_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/story"
)

func ExampleEvent() {
	fmt.Println(story.Event{
		At: 10 * time.Minute, Until: 10*time.Minute + 20*time.Second,
		Kind: story.NodeReady, Cause: story.ByRecovery, N: 3, Who: "node-7",
	})
	// Output:
	// 0:10:00  node Ready                   node-7 (and 2 more by 0:10:20)  <- latency back to normal
}

func TestEventIsOneLine(t *testing.T) {
	e := story.Event{At: 3723 * time.Second, Kind: story.DiskSlow, Cause: story.ByScenario, N: 1, Who: "4s"}
	require.Equal(t, "1:02:03  disk slows down              4s  <- scenario", e.String())
	e.N, e.Until = 2, 26*time.Hour
	require.Equal(t, "1:02:03  disk slows down              4s (and 1 more by 26:00:00)  <- scenario", e.String())
}

func TestValuesOfASeries(t *testing.T) {
	r := &story.Result{Series: []story.Series{
		{Name: "etcd writes", Unit: "1/s", Values: []float64{1, 2}}, {Name: "pods pending", Values: []float64{3}},
	}}
	require.Equal(t, []float64{3}, r.Values("pods pending"))
	require.Equal(t, []float64{1, 2}, r.Values("etcd writes"))
	require.Nil(t, r.Values("pods"))
}
