package harness

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/redline-go/redline/validation/etcd/server"
)

// Stop kills a member's process.
func (c *Cluster) Stop(member int) error { return c.process[member].Kill() }

// restartWithin is the longest that a member takes to serve. Seen once in a dozen restarts of
// 3.6.16: a member that has to get a snapshot hears of no leader and asks for ever.
const restartWithin = 30 * time.Second

// Restart starts a member that was stopped, and waits until it serves. That needs a quorum. One
// that does not come to serve is killed and started again, twice at most.
func (c *Cluster) Restart(member int) error {
	var err error
	for range 3 {
		var p *server.Process
		if p, err = server.Spawn(c.configs[member]); err != nil {
			return fmt.Errorf("harness: %w", err)
		}
		late := time.AfterFunc(restartWithin, p.Abort)
		err = p.Ready()
		if late.Stop(); err == nil {
			c.process[member] = p
			return nil
		}
	}
	return fmt.Errorf("harness: restart: %w", err)
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
