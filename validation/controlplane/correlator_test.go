package controlplane

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/record"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/redline-go/redline/scheduler/retry"
)

// FuzzCorrelator holds retry.Correlator beside client-go's own: random Events about one
// object, some reasons with a message that differs every time, some with a few.
func FuzzCorrelator(f *testing.F) {
	for seed := range uint64(30) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 8829))
		start := time.Date(2024, 5, 22, 2, 0, 0, 0, time.UTC)
		clock := testingclock.NewFakeClock(start)
		real := record.NewEventCorrelatorWithOptions(record.CorrelatorOptions{Clock: clock})
		model, err := retry.NewCorrelator(retry.V1_37)
		require.NoError(t, err)
		written := map[string]bool{}
		for i := range 300 {
			reason := random.IntN(4)
			message := fmt.Sprint("pod ", i)
			if reason%2 == 0 {
				message = fmt.Sprint("the same ", random.IntN(4))
			}
			warning := reason >= 2
			step := time.Duration(random.Int64N(int64(3 * time.Second)))
			if random.IntN(20) == 0 {
				step = time.Duration(random.Int64N(int64(15 * time.Minute)))
			}
			clock.Step(step)
			want := correlate(t, real, clock.Now(), warning, fmt.Sprint("Reason", reason), message, written)
			got := model.Record(clock.Since(start), warning, fmt.Sprint("Reason", reason), message)
			require.Equal(t, want, got, "Event %d of seed %d: %v %q", i, seed, clock.Since(start), message)
		}
	})
}

// correlate returns the write of client-go's recorder. It patches what it counts a second time,
// and creates it after all if the API server does not know it.
func correlate(
	t *testing.T, c *record.EventCorrelator, now time.Time, warning bool, reason, message string,
	written map[string]bool,
) retry.EventWrite {
	event := &corev1.Event{
		Reason: reason, Message: message, Type: corev1.EventTypeNormal, Count: 1,
		Source: corev1.EventSource{Component: "replicaset-controller"},
	}
	if warning {
		event.Type = corev1.EventTypeWarning
	}
	event.InvolvedObject = corev1.ObjectReference{Kind: "ReplicaSet", Namespace: namespace, Name: workload, UID: "1"}
	event.Name = fmt.Sprintf("%s.%x", workload, now.UnixNano())
	result, err := c.EventCorrelate(event)
	require.NoError(t, err)
	switch {
	case result.Skip:
		return retry.Dropped
	case result.Event.Count > 1 && written[result.Event.Name]:
		return retry.Patched
	}
	written[result.Event.Name] = true
	return retry.Created
}
