package etcd

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/harness"
	"github.com/redline-go/redline/validation/etcd/slowdisk"
)

// A stalled is a cluster, some of whose disks are slow. Member 0 leads at the start.
type stalled struct {
	members int
	slow    string // "all", or the slow members: "0", "01", "12"
	delay   time.Duration
	jitter  float64
	rate    float64 // writes/s, at all members in turn
	seconds float64
}

func (s stalled) isSlow(member int) bool {
	return s.slow == "all" || strings.Contains(s.slow, fmt.Sprint(member))
}

// stalls returns the cells: half a minute side by side, and with REDLINE_LONG the rest.
func stalls() []stalled {
	list := []stalled{
		{3, "all", ms(1300), 0, 20, 18},
		{3, "0", ms(2000), 0, 20, 12},
		{3, "12", ms(1300), 0, 20, 18},
	}
	if !long() {
		return list
	}
	list = nil
	for _, d := range []float64{500, 1300, 2000} {
		for _, slow := range []string{"all", "0", "2", "01", "12"} {
			list = append(list, stalled{3, slow, ms(d), 0, 20, 40})
		}
		list = append(list, stalled{3, "all", ms(d), 0.2, 20, 60}, stalled{3, "all", ms(d), 0.5, 20, 60},
			stalled{3, "all", ms(d), 0.8, 20, 60}, stalled{3, "all", ms(d), 0, 0.6, 60})
	}
	return append(list, stalled{5, "all", ms(1300), 0, 20, 40}, stalled{5, "all", ms(1300), 0.8, 20, 60},
		stalled{5, "0", ms(2000), 0, 20, 40}, stalled{5, "01", ms(2000), 0, 20, 40},
		stalled{5, "012", ms(2000), 0, 20, 40})
}

// TestElections puts a load on clusters with disks that stall, and counts elections: none where all
// stall alike, one where the leader does, again and again where both followers do. The model
// expects as many, but for chance. The clusters of a group run side by side: they hardly compute.
func TestElections(t *testing.T) {
	t.Parallel()
	table := compare("elections", "members", "slow", "delay ms", "+-", "writes/s", "s", "elections", "late heartbeats",
		"p50 ms", "p99 ms")
	rows := make([]elected, len(stalls()))
	t.Run("cells", func(t *testing.T) {
		for i, c := range stalls() {
			t.Run(fmt.Sprint(c), func(t *testing.T) {
				t.Parallel()
				ctx := limited(t)
				var disks []*slowdisk.Disk
				var dirs []string
				for range c.members {
					d := slowdisk.ForTest(t, 0)
					disks, dirs = append(disks, d), append(dirs, d.Dir())
				}
				cluster := harness.Start(t, harness.Config{Members: c.members, Data: dirs})
				rows[i] = c.measure(ctx, t, cluster, disks)
				rows[i].model = c.predicted(t, cluster.Model())
			})
		}
	})
	for i, c := range stalls() {
		e := rows[i]
		if e.seconds == 0 {
			continue // skipped: no slow disk here
		}
		table.row(fmt.Sprint(c.members), c.slow, fmt.Sprint(c.delay.Milliseconds()), fmt.Sprintf("%.0f %%", 100*c.jitter),
			figure(c.rate), figure(e.seconds), fmt.Sprintf("%d / %.1f", e.elections, e.model), figure(e.late),
			figure(millis(e.p50)), figure(millis(e.p99)))
		switch {
		case e.model < 0.05:
			assert.Zero(t, e.elections, "%v: the model expects none", c)
		case c.slow == "12":
			assert.Positive(t, e.elections, "%v: followers that do not answer", c)
		case e.model > 0.99 && e.model < 1.01:
			assert.InDelta(t, 1, e.elections, 1, "%v: the slow leader is lost", c)
		}
	}
	table.print(t)
}

// predicted returns the elections that the model expects in the time of a cell: the mean of some
// servers.
func (s stalled) predicted(t *testing.T, v etcdmodel.Version) float64 {
	t.Helper()
	sum := 0
	const seeds = 30
	for seed := range uint64(seeds) {
		c := etcdmodel.Cluster{Version: v, Members: s.members, Seed: seed}
		for i := range s.members {
			d := etcdmodel.NVMe()
			if s.isSlow(i) {
				d = etcdmodel.FixedDisk(s.delay).Jittered(s.jitter)
			}
			c.Disks = append(c.Disks, d)
		}
		put := etcdmodel.Op{Kind: etcdmodel.Put, Key: key, Value: 512}
		model, err := etcdmodel.NewServer(c, []etcdmodel.Stream{{Op: put}})
		require.NoError(t, err)
		before := model.Term()
		for model.Now().Seconds() < s.seconds {
			model.Step(100*time.Millisecond, []float64{s.rate / 10})
		}
		sum += model.Term() - before
	}
	return float64(sum) / seeds
}

type elected struct {
	elections int
	seconds   float64
	late      float64
	p50, p99  time.Duration
	model     float64 // elections that the model expects
}

// measure puts the load on the cluster and counts.
func (s stalled) measure(
	ctx context.Context, t *testing.T, cluster *harness.Cluster, disks []*slowdisk.Disk,
) elected {
	for _, d := range disks {
		require.NoError(t, d.SetDelay(0))
	}
	require.NoError(t, cluster.Lead(ctx, 0))
	for i, d := range disks {
		if s.isSlow(i) {
			require.NoError(t, d.SetJitter(s.jitter))
			require.NoError(t, d.SetDelay(s.delay))
		}
	}
	before, err := cluster.Term(ctx)
	require.NoError(t, err)
	op := etcdmodel.Op{Kind: etcdmodel.Put, Key: key, Value: 512}
	m, err := cluster.Run(ctx, etcdmodel.Load{Streams: []etcdmodel.Stream{{Op: op, Rate: s.rate}}},
		time.Millisecond, time.Duration(s.seconds*float64(time.Second)))
	require.NoError(t, err)
	after, err := cluster.Term(ctx)
	require.NoError(t, err)
	return elected{elections: int(after - before), seconds: m.Seconds, late: m.LateHeartbeats,
		p50: m.Quantile(0.5), p99: m.Quantile(0.99)}
}
