package harness

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/redline-go/redline/validation/etcd/server"
)

// Stop kills a member's process.
func (c *Cluster) Stop(member int) error { return c.process[member].Kill() }

// Restart starts a member that was stopped, and waits until it serves. That needs a quorum.
func (c *Cluster) Restart(member int) error {
	p, err := server.Spawn(c.configs[member])
	if err != nil {
		return fmt.Errorf("harness: %w", err)
	}
	c.process[member] = p
	return p.Ready()
}

// Disarm takes all alarms away.
func (c *Cluster) Disarm(ctx context.Context) error { return c.disarm(ctx) }

// Alarmed reports whether any member's NOSPACE alarm is on.
func (c *Cluster) Alarmed(ctx context.Context, t testing.TB) bool {
	t.Helper()
	list, err := c.Client(0).AlarmList(ctx)
	require.NoError(t, err)
	for _, a := range (*clientv3.AlarmResponse)(list).Alarms {
		if a.Alarm == etcdserverpb.AlarmType_NOSPACE {
			return true
		}
	}
	return false
}
