package retry

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func counts(c *Correlator, n int, message func(int) string) map[EventWrite]int {
	got := map[EventWrite]int{}
	for i := range n {
		got[c.Record(time.Duration(i)*50*time.Millisecond, false, "SuccessfulCreate", message(i))]++
	}
	return got
}

func TestCorrelator(t *testing.T) {
	differ := func(i int) string { return fmt.Sprint("Created pod: ", i) }
	assert.Equal(
		t, map[EventWrite]int{Created: 10, Patched: 15, Dropped: 425}, counts(&Correlator{}, 450, differ),
		"measured: 10 creates, 15 patches",
	)
	assert.Equal(
		t, map[EventWrite]int{Created: 1, Patched: 24, Dropped: 425},
		counts(&Correlator{}, 450, func(int) string { return "the same" }),
	)

	c, err := NewCorrelator(V1_29)
	require.NoError(t, err)
	counts(c, 30, differ)
	assert.Equal(t, Dropped, c.Record(time.Minute, false, "SuccessfulCreate", "another"))
	assert.Equal(
		t, Patched, c.Record(5*time.Minute+2*time.Second, false, "SuccessfulCreate", "another"),
		"one more after five minutes",
	)
	assert.Equal(
		t, Dropped, c.Record(5*time.Minute+3*time.Second, true, "FailedCreate", "refused"),
		"v1.29: one bucket for both types",
	)
	c = &Correlator{} // the newest modelled
	counts(c, 30, differ)
	assert.Equal(t, Created, c.Record(time.Minute, true, "FailedCreate", "refused"), "v1.37: a bucket for each type")

	_, err = NewCorrelator(33 << 8)
	require.ErrorIs(t, err, ErrInput)
	require.ErrorContains(t, err, "retry: Version is v1.33, want v1.29 or v1.37")
}
