package scenario

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTrigger(t *testing.T) {
	for name, c := range map[string]struct {
		actions    []Action
		begin, end float64
	}{
		"nothing":                        {[]Action{{At: sec(1), Do: Scale, N: 5}}, -1, -1},
		"a slow disk":                    {[]Action{{At: sec(1), Do: Delay, For: 1}, {At: sec(2), Do: Delay}}, 1, 2},
		"the worst of it":                {[]Action{{At: sec(1), Do: Delay, For: 1}, {At: sec(2), Do: Delay, For: 2}, {At: sec(3), Do: Delay, For: 1}, {At: sec(4), Do: Delay}}, 1, 3},
		"that never ends":                {[]Action{{At: sec(1), Do: Delay, For: 1}}, 1, -1},
		"silence":                        {[]Action{{At: sec(1), Do: Silence}, {At: sec(5), Do: Awake}}, 1, 5},
		"silence beyond the disk":        {[]Action{{At: sec(1), Do: Delay, For: 1}, {At: sec(2), Do: Silence}, {At: sec(3), Do: Delay}, {At: sec(5), Do: Awake}}, 1, 5},
		"runtimes that hang":             {[]Action{{At: sec(3), Do: Stall, N: 1, For: sec(200)}}, 3, 203},
		"for longer than another":        {[]Action{{At: sec(3), Do: Stall, N: 1, For: sec(200)}, {At: sec(5), Do: Stall, N: 1, For: sec(10)}}, 3, 203},
		"beside a disk that is not done": {[]Action{{At: sec(1), Do: Delay, For: 1}, {At: sec(3), Do: Stall, N: 1, For: sec(200)}}, 1, -1},
	} {
		begin, end := trigger(&Scenario{Actions: c.actions})
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
