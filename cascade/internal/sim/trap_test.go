package sim

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEtcdBefore3512HasNoLongTrap(t *testing.T) {
	s := replayed(1, 420, slow(40, 2), slow(100, 8), slow(220, 2))
	after := run(t, s).Verdict.Recovered
	s.Etcd.Before3512 = true
	require.Less(t, run(t, s).Verdict.Recovered, after/2, "without the commits that revoked leases force")
}
