package etcd

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/harness"
	"github.com/redline-go/redline/validation/etcd/slowdisk"
)

// A stalled is a cluster some of whose disks are slow. Member 0 leads at the start.
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

// stalls returns the cells: those that take a minute, and with REDLINE_LONG the rest.
func stalls() []stalled {
	list := []stalled{
		{3, "all", ms(1300), 0, 20, 18},
		{3, "all", ms(1300), 0.8, 20, 18},
		{3, "0", ms(2000), 0, 20, 12},
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

// TestRecordElections measures the cells of REDLINE_CELLS and prints them as testdata.
func TestRecordElections(t *testing.T) {
	cells := os.Getenv("REDLINE_CELLS")
	if cells == "" {
		t.Skip("REDLINE_LONG: set REDLINE_CELLS=from-to")
	}
	var from, to int
	fmt.Sscanf(cells, "%d-%d", &from, &to)
	list := stalls()
	for _, c := range list[from:min(to, len(list))] {
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
			e := c.measure(ctx, t, cluster, disks)
			fmt.Printf("ROW %d,%s,%d,%.1f,%.1f,%.0f,%d,%.0f,%.0f,%.0f,%d,%d,%s\n", c.members, c.slow, c.delay.Milliseconds(), c.jitter, c.rate,
				e.seconds, e.elections, e.late, millis(e.p50), millis(e.p99), e.answered, e.errors, cluster.Version)
		})
	}
}

type elected struct {
	elections int
	seconds   float64
	late      float64
	p50, p99  time.Duration
	answered  int
	errors    int
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
		p50: m.Quantile(0.5), p99: m.Quantile(0.99), answered: m.Answered, errors: m.Errors}
}
