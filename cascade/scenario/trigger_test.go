package scenario_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
)

func sec(x float64) time.Duration { return time.Duration(x * 1e9) }

func TestTrigger(t *testing.T) {
	for name, c := range map[string]struct {
		actions    []scenario.Action
		begin, end float64
	}{
		"nothing": {[]scenario.Action{{At: sec(1), Do: scenario.Scale, N: 5}}, -1, -1},
		"a slow disk": {
			[]scenario.Action{{At: sec(1), Do: scenario.Delay, For: 1}, {At: sec(2), Do: scenario.Delay}}, 1, 2,
		},
		"the worst of it": {
			[]scenario.Action{
				{At: sec(1), Do: scenario.Delay, For: 1}, {At: sec(2), Do: scenario.Delay, For: 2},
				{At: sec(3), Do: scenario.Delay, For: 1}, {At: sec(4), Do: scenario.Delay},
			},
			1, 3,
		},
		"that never ends": {[]scenario.Action{{At: sec(1), Do: scenario.Delay, For: 1}}, 1, -1},
		"silence": {
			[]scenario.Action{{At: sec(1), Do: scenario.Silence}, {At: sec(5), Do: scenario.Awake}}, 1, 5,
		},
		"silence beyond the disk": {
			[]scenario.Action{
				{At: sec(1), Do: scenario.Delay, For: 1}, {At: sec(2), Do: scenario.Silence},
				{At: sec(3), Do: scenario.Delay}, {At: sec(5), Do: scenario.Awake},
			},
			1, 5,
		},
		"runtimes that hang": {[]scenario.Action{{At: sec(3), Do: scenario.Stall, N: 1, For: sec(200)}}, 3, 203},
		"for longer than another": {
			[]scenario.Action{
				{At: sec(3), Do: scenario.Stall, N: 1, For: sec(200)}, {At: sec(5), Do: scenario.Stall, N: 1, For: sec(10)},
			},
			3, 203,
		},
		"beside a disk that is not done": {
			[]scenario.Action{{At: sec(1), Do: scenario.Delay, For: 1}, {At: sec(3), Do: scenario.Stall, N: 1, For: sec(200)}},
			1, -1,
		},
	} {
		begin, end := (&scenario.Scenario{Actions: c.actions}).Trigger()
		if c.begin < 0 {
			require.Negative(t, begin, name)
		} else {
			require.Equal(t, sec(c.begin), begin, name)
		}
		if c.end < 0 {
			require.Negative(t, end, name)
		} else {
			require.Equal(t, sec(c.end), end, name)
		}
	}
}
