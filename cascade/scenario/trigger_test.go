package scenario_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
)

func sec(x float64) time.Duration { return time.Duration(x * 1e9) }

// slow makes every fsync take by seconds longer, from the second at on. By zero the disk is fast.
func slow(at, by float64) scenario.Action {
	return scenario.Action{At: sec(at), Do: scenario.Delay, For: sec(by)}
}

// stall hangs a runtime for so many seconds.
func stall(at, seconds float64) scenario.Action {
	return scenario.Action{At: sec(at), Do: scenario.Stall, N: 1, For: sec(seconds)}
}

func TestTrigger(t *testing.T) {
	const never = time.Duration(-1)
	silent := func(at float64) scenario.Action { return scenario.Action{At: sec(at), Do: scenario.Silence} }
	awake := func(at float64) scenario.Action { return scenario.Action{At: sec(at), Do: scenario.Awake} }
	for name, c := range map[string]struct {
		actions    []scenario.Action
		begin, end time.Duration
	}{
		"nothing": {
			actions: []scenario.Action{{At: sec(1), Do: scenario.Scale, N: 5}}, begin: never, end: never,
		},
		"a slow disk": {
			actions: []scenario.Action{slow(1, 1), slow(2, 0)}, begin: sec(1), end: sec(2),
		},
		"the worst of it": {
			actions: []scenario.Action{slow(1, 1), slow(2, 2), slow(3, 1), slow(4, 0)}, begin: sec(1), end: sec(3),
		},
		"that never ends": {
			actions: []scenario.Action{slow(1, 1)}, begin: sec(1), end: never,
		},
		"silence": {
			actions: []scenario.Action{silent(1), awake(5)}, begin: sec(1), end: sec(5),
		},
		"silence beyond the disk": {
			actions: []scenario.Action{slow(1, 1), silent(2), slow(3, 0), awake(5)}, begin: sec(1), end: sec(5),
		},
		"runtimes that hang": {
			actions: []scenario.Action{stall(3, 200)}, begin: sec(3), end: sec(203),
		},
		"for longer than another": {
			actions: []scenario.Action{stall(3, 200), stall(5, 10)}, begin: sec(3), end: sec(203),
		},
		"beside a disk that is not done": {
			actions: []scenario.Action{slow(1, 1), stall(3, 200)}, begin: sec(1), end: never,
		},
	} {
		begin, end := (&scenario.Scenario{Actions: c.actions}).Trigger()
		require.Equal(t, c.begin, begin, name)
		require.Equal(t, c.end, end, name)
	}
}
