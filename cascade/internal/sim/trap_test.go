package sim

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
)

func TestEtcdBefore3512HasNoLongTrap(t *testing.T) {
	s := replayed(1, 420, scenario.Action{At: sec(40), Do: scenario.Delay, For: sec(2)}, scenario.Action{At: sec(100), Do: scenario.Delay, For: sec(8)}, scenario.Action{At: sec(220), Do: scenario.Delay, For: sec(2)})
	after := run(t, s).Verdict.Recovered
	s.Etcd.Before3512 = true
	require.Less(t, run(t, s).Verdict.Recovered, after/2, "without the commits that revoked leases force")
}
