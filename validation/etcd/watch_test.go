package etcd

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/validation/etcd/harness"
	"github.com/redline-go/redline/validation/internal/lost"
)

// Watchers cost the processor time of their events, which the writes lack. An event is sent as the
// answer of a range is, so that ranges tell its speed.
func TestWatchers(t *testing.T) {
	ctx := limited(t)
	list := [][2]int{{20, 1}, {300, 3}}
	if long() {
		list = append(list, [2]int{1, 1}, [2]int{50, 50}, [2]int{500, 20}, [2]int{2000, 4})
	}
	cluster := harness.Start(t, harness.Config{})
	table := compare(
		"watch "+cluster.Model().String(), "watchers", "streams", "writes/s of 50 clients: alone", "beside watchers",
		"events/s",
	)
	cpu, sender := calibrateProcessor(ctx, t, cluster), calibrateReader(ctx, t, cluster)
	cpu.Event, cpu.EventPerKiB, cpu.EventStream = sender.Event, sender.EventPerKiB, sender.EventStream
	for _, x := range list {
		load := etcdmodel.Load{Clients: 50, Op: etcdmodel.Op{Kind: etcdmodel.Put, Key: key, Value: 700}}
		alone, err := cluster.Run(ctx, load, 200*time.Millisecond, 800*time.Millisecond)
		require.NoError(t, err)
		watching, err := cluster.Watch(ctx, 0, x[0], x[1], "k")
		require.NoError(t, err)
		seen, start, before := watching.Events.Load(), time.Now(), lost.ReadProcessor()
		beside, err := cluster.Run(ctx, load, 200*time.Millisecond, time.Second)
		require.NoError(t, err)
		events := float64(watching.Events.Load()-seen) / time.Since(start).Seconds()
		table.others = append(table.others, lost.ReadProcessor().OthersSince(before))
		watching.Close()
		load.Watchers, load.WatchStreams = x[0], x[1]
		p, err := etcdmodel.Predict(etcdmodel.Cluster{
			Version: cluster.Model(), Members: 1, CPU: cpu,
			Disks: []etcdmodel.Disk{etcdmodel.FixedDisk(time.Duration(beside.Fsync.Mean() * float64(time.Second)))},
		}, load)
		require.NoError(t, err)
		writes, sent := pair{beside.Throughput, p.Writes}, pair{events, p.Fanout.Events}
		table.add("writes", writes)
		table.add("events", sent)
		table.row(fmt.Sprint(x[0]), fmt.Sprint(x[1]), figure(alone.Throughput), versus(writes), versus(sent))
	}
	table.print(t)
	table.within(t, "writes", 0.5)
	table.within(t, "events", 0.6)
}
