// Package cascade runs the coupled control-plane model beside a real control plane whose etcd disk
// is slowed. That is kube-apiserver, etcd 3.5, the scheduler and the controllers, with the API
// side of kubelets.
package cascade

import (
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	model "github.com/redline-go/redline/cascade"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/kube"
	"github.com/redline-go/redline/validation/controlplane"
	"github.com/redline-go/redline/validation/etcd/slowdisk"
)

func TestMain(m *testing.M) {
	slowdisk.Serve() // in a child process that serves a slow disk; returns otherwise
	os.Exit(m.Run())
}

// besides returns the model's set-up of the control plane that these tests run. It is v1.37 with
// etcd 3.5 and a grace of 40 s, and components only record what they lose.
func besides(nodes int, length time.Duration, actions ...scenario.Action) model.Scenario {
	return model.Scenario{
		Seed: 1, Length: length, Grid: time.Second, Version: kube.V1_37, Nodes: nodes,
		Observe: true, Uptime: 25 * time.Second, Etcd: scenario.Etcd{Version: etcdmodel.V3_5},
		Leases: scenario.Leases{Grace: 40 * time.Second}, Workload: scenario.Workload{Replicas: new(10)}, Actions: actions,
	}
}

// TestBesideASlowDisk scales 10 replicas to 60 and then slows every fsync by 1 s: 30 nodes, for
// 45 s of a minute and a half. With REDLINE_LONG=1 it runs the replayed incident: 100 nodes, 450
// pending pods and 4 s for three minutes.
func TestBesideASlowDisk(t *testing.T) {
	if err := slowdisk.Supported(); err != nil {
		t.Skip(err)
	}
	nodes, replicas, delay := 30, 60, time.Second
	surge, slow, fast, end := 10*time.Second, 30*time.Second, 75*time.Second, 90*time.Second
	if os.Getenv("REDLINE_LONG") != "" {
		nodes, replicas, delay = 100, 460, 4*time.Second
		slow, fast, end = 50*time.Second, 230*time.Second, 300*time.Second
	}
	real := controlplane.Run(t, controlplane.Scenario{
		Nodes: nodes, RoomOn: 10, Replicas: 10, SlowDisk: true, Length: end,
		Actions: []controlplane.Action{
			controlplane.At(surge, controlplane.Scale(replicas)),
			controlplane.At(slow, controlplane.SetDisk(-1, delay)), controlplane.At(fast, controlplane.SetDisk(-1, 0)),
		},
	})
	modelled := besides(nodes, end,
		scenario.Action{At: surge, Do: scenario.Scale, N: replicas},
		scenario.Action{At: slow, Do: scenario.Delay, For: delay},
		scenario.Action{At: fast, Do: scenario.Delay})
	sim, err := model.Run(t.Context(), modelled)
	require.NoError(t, err)
	writes := func(from, to time.Duration) float64 { return float64(real.At(to).Writes - real.At(from).Writes) }
	fsyncs := real.At(fast).Fsyncs - real.At(slow).Fsyncs
	p50, n := real.Latency(slow, fast-delay, 0.5, "heartbeat", "PUT", "leases")
	require.GreaterOrEqual(t, n, 10)
	most := 0
	for _, s := range real.Samples {
		most = max(most, s.NotReady)
	}
	span := (fast - slow).Seconds()
	t.Logf("%d nodes, %d replicas asked for, fsyncs of %v for %v", nodes, replicas, delay, fast-slow)
	t.Logf("%-28s %10s %10s", "", "measured", "model")
	row := func(name string, measured, modelled float64) { t.Logf("%-28s %10.2f %10.2f", name, measured, modelled) }
	row("writes in the surge", writes(surge, slow), sum(sim, "etcd writes", surge, slow))
	row("writes/s on the slow disk", writes(slow, fast)/span, sum(sim, "etcd writes", slow, fast)/span)
	row("WAL fsyncs/s", fsyncs/span, sum(sim, "WAL fsyncs", slow, fast)/span)
	row("Lease PUT p50, s", p50.Seconds(), sim.Totals.LeaseP50.Seconds())
	row("nodes NotReady at the most", float64(most), float64(sim.Totals.PeakNotReady))
	undone := real.Undone(slow, fast)
	t.Logf("%.1f %% more might have been done on the slow disk, had the machine not been elsewhere", 100*undone)
	assert.InEpsilon(t, writes(surge, slow), sum(sim, "etcd writes", surge, slow), 0.1+real.Undone(surge, slow))
	assert.InEpsilon(t, fsyncs, sum(sim, "WAL fsyncs", slow, fast), 0.25+undone)
	assert.InEpsilon(t, p50.Seconds(), sim.Totals.LeaseP50.Seconds(), 0.35+undone)
	if delay < 2*time.Second {
		assert.InEpsilon(t, writes(slow, fast), sum(sim, "etcd writes", slow, fast), 0.25+undone)
		assert.Zero(t, most)
		assert.Zero(t, sim.Totals.PeakNotReady)
		return
	}
	besideTenSeeds(t, modelled, slow, fast, writes(slow, fast), most)
}

// besideTenSeeds holds the writes on the slow disk, and the most nodes that were NotReady, against
// what ten seeds span. Replays at 4 s differ by 40 % among themselves: the measurement has to be
// within 25 %, and a factor of 2, of that.
func besideTenSeeds(t *testing.T, s model.Scenario, slow, fast time.Duration, writes float64, most int) {
	low, high, fewest, peak := math.Inf(1), 0.0, math.MaxInt, 0
	for s.Seed = 1; s.Seed <= 10; s.Seed++ {
		sim, err := model.Run(t.Context(), s)
		require.NoError(t, err)
		w := sum(sim, "etcd writes", slow, fast)
		low, high = min(low, w), max(high, w)
		fewest, peak = min(fewest, sim.Totals.PeakNotReady), max(peak, sim.Totals.PeakNotReady)
	}
	span := (fast - slow).Seconds()
	t.Logf("ten seeds: %.2f to %.2f writes/s on the slow disk, %d to %d NotReady at the most",
		low/span, high/span, fewest, peak)
	assert.GreaterOrEqual(t, writes, 0.75*low)
	assert.LessOrEqual(t, writes, 1.25*high)
	assert.GreaterOrEqual(t, 2*most, fewest)
	assert.LessOrEqual(t, most, 2*peak)
}

// sum returns the sum of a series over (from, to].
func sum(r *model.Result, name string, from, to time.Duration) (total float64) {
	for i, v := range r.Values(name) {
		if at := time.Duration(i+1) * r.Grid; at > from && at <= to {
			total += v
		}
	}
	return total
}
