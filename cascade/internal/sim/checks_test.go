package sim

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/incident8829"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/kube"
	"github.com/redline-go/redline/proxymodel"
)

func TestCPUAutoscalerStopsAt157(t *testing.T) {
	s := scenario.Scenario{
		Length: 20 * time.Minute, Workload: scenario.Workload{HPA: &scenario.Autoscaler{Max: 500}},
		Actions: []scenario.Action{{At: time.Minute, Do: scenario.Load, N: 1000}},
	}
	r := run(t, s)
	require.Equal(t, 107, r.Totals.PeakPending, "50 run at 250 % of their request, the default target is 80 %")
	s.Workload.HPA.Target = 25
	r = run(t, s)
	require.Equal(t, 450, r.Totals.PeakPending, "250/25 = 10 times")
}

func TestNoRetryWritesUntilTheFlush(t *testing.T) {
	r := run(t, scenario.Scenario{Grid: time.Second, Actions: []scenario.Action{scale(30, 500)}})
	require.Equal(t, story.Healthy, r.Verdict.State, "a fast disk and 450 pending pods: no incident")
	require.Equal(t, 450, r.Totals.PeakPending)
	require.InDelta(t, 450, 270*mean(r, "scheduler's Event writes", 30, 300), 1)
	require.Zero(t, mean(r, "scheduler's Event writes", 60, 300))
	require.Greater(t, mean(r, "scheduler's Event writes", 320, 400), 0.0, "the five-minute flush")
}

func TestTheSlowDiskAloneSuffices(t *testing.T) {
	var down, without, quota time.Duration
	for seed := uint64(1); seed <= 5; seed++ {
		s := fault(seed, 4)
		down += run(t, s).Verdict.Down
		s.Actions = s.Actions[1:]
		r := run(t, s)
		require.Zero(t, r.Totals.PeakPending)
		without += r.Verdict.Down
		s = fault(seed, 4)
		s.Workload.Quota = new(100)
		r = run(t, s)
		require.Equal(t, 50, r.Totals.PeakPending, "a quota bounds the pending pods")
		require.Positive(t, r.Totals.PodsRefused)
		quota += r.Verdict.Down
	}
	require.InEpsilon(t, down, without, 0.1)
	require.InEpsilon(t, down, quota, 0.1, "and does not prevent the outage")
}

// As the disk slows, the liveness probe fails first, then the leader leases, the renewals, and at
// last nodes go NotReady.
func TestOrderOfFailure(t *testing.T) {
	first := map[string]float64{}
	seen := func(what string, delay float64, here bool) {
		if _, ok := first[what]; here && !ok {
			first[what] = delay
		}
	}
	for _, delay := range []float64{0.2, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5} {
		fails := 0
		for seed := uint64(1); seed <= 5; seed++ {
			s := fault(seed, delay)
			r := run(t, s)
			for _, e := range r.Timeline {
				if e.Kind == story.LivezFails {
					fails++
				}
			}
			seen("leaders", delay, r.Totals.LeaderLosses > 0)
			seen("renewals", delay, r.Totals.LeasesFailed > 10)
			seen("NotReady", delay, r.Totals.PeakNotReady > 0)
		}
		seen("livez", delay, fails >= 5)
	}
	t.Log(first)
	require.LessOrEqual(t, first["livez"], 1.0)
	require.LessOrEqual(t, first["livez"], first["leaders"])
	require.LessOrEqual(t, first["leaders"], first["renewals"])
	require.LessOrEqual(t, first["renewals"], first["NotReady"])
	require.GreaterOrEqual(t, first["NotReady"], 1.5)
	require.LessOrEqual(t, first["NotReady"], 3.0)
}

func TestSilentKubelets(t *testing.T) {
	s := replayed(1, 400, scale(30, 500),
		scenario.Action{At: sec(90), Do: scenario.Silence}, scenario.Action{At: sec(210), Do: scenario.Awake})
	s.OtherPods = 20
	for seed := uint64(1); seed <= 3; seed++ {
		s.Seed = seed
		r := run(t, s)
		require.InDelta(t, 31, (r.Totals.FirstNotReady - sec(90)).Seconds(), 14, "measured: 31 s")
		at := r.Values("nodes NotReady")[209]
		require.True(t, at >= 30 && at <= 90, "measured: 60 of 100 after 120 s, at the controller's own pace; here %v", at)
		require.InDelta(t, 21, r.Totals.MinEndpoints, 15, "measured: 29 of 50 drained")
		require.Less(t, r.Verdict.Recovered, 30*time.Second, "measured: 16 s")
	}
}

// After two minutes of 8 s a disk of 1 or 2 s holds the cluster in a trap. Real components were
// measured from the spell's end until half as many renewals had landed as there are nodes. It took
// them 11, 17, 21, 30, 36 and 68 s at 1 s, 61, 71, 91 and 95 s at 2 s
// (validation/RESULTS/cascade.md).
func TestTrap(t *testing.T) {
	half := func(seed uint64, base float64) float64 {
		r := run(t, replayed(seed, 420, slow(5, base), slow(25, 8), slow(145, base)))
		landed := 0.0
		for at, v := range r.Values("lease renewals")[145:] {
			if landed += v; landed >= 50 {
				return float64(at + 1)
			}
		}
		return math.Inf(1)
	}
	median := func(base float64) float64 {
		var all []float64
		for seed := uint64(1); seed <= 21; seed++ {
			all = append(all, half(seed, base))
		}
		slices.Sort(all)
		t.Logf("%v s: %v", base, all)
		return all[10]
	}
	none, one, two := median(0.5), median(1), median(2)
	require.Less(t, none, 20.0)
	require.True(t, one >= 11 && one <= 68, "at 1 s %v", one)
	require.True(t, two >= 55 && two <= 110, "at 2 s %v", two)
	plain := time.Duration(0)
	for seed := uint64(1); seed <= 5; seed++ {
		plain += run(t, fault(seed, 2)).Verdict.Down / 5
	}
	require.Less(t, plain, story.Outlast,
		"without the spell the same disk renews its leases but for moments: 22 s of 160 in the replay")
}

// The liveness probe kills the API server on a disk of 1 s (t+76 s in the replay). Nodes go
// NotReady between 2 and 2.5 s.
func TestTipping(t *testing.T) {
	kills, tipped := 0, map[float64]int{}
	for seed := uint64(1); seed <= 100; seed++ {
		if run(t, fault(seed, 1)).Totals.ServerKills > 0 {
			kills++
		}
		for _, delay := range []float64{1.5, 2, 2.5, 3} {
			if run(t, fault(seed, delay)).Totals.PeakNotReady > 0 {
				tipped[delay]++
			}
		}
	}
	t.Log(kills, tipped)
	require.GreaterOrEqual(t, kills, 60)
	require.Zero(t, tipped[1.5])
	require.LessOrEqual(t, tipped[2], 10)
	require.GreaterOrEqual(t, tipped[2.5], 80)
	require.GreaterOrEqual(t, tipped[3], 90)
}

// Three members, all at 2 s: 98 % of the PUTs failed in the replay and 97 % in a run of
// validation/controlplane. Each had one leader change.
func TestThreeSlowMembers(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		s := fault(seed, 2)
		s.Etcd.Members = 3
		s = s.WithDefaults()
		p, err := newCluster(&s, false)
		require.NoError(t, err)
		p.end = sec(240)
		p.run()
		quiet := 590.0 // renewals before the fault
		okay := float64(p.rec.answered[forLease][ok]) - quiet
		asked := float64(p.rec.asked[forLease]) - quiet
		t.Logf("seed %d: %.0f of %.0f answered, term %d", seed, okay, asked, p.etcd.term)
		require.Less(t, okay/asked, 0.25)
		require.LessOrEqual(t, p.etcd.term, 1)
	}
}

func TestProxyModeIsNoMatterOfEtcd(t *testing.T) {
	s := fault(3, 4)
	a := run(t, s)
	s.Proxy.Mode = proxymodel.NFTables
	b := run(t, s)
	require.Equal(t, a.Series, b.Series)
	require.Equal(t, a.Timeline, b.Timeline)
	for _, r := range []*story.Result{a, b} {
		require.Empty(t, r.Warnings)
		require.Positive(t, r.Totals.ProxySync)
	}
	s.Version = kube.V1_29
	require.ErrorContains(t, errors.Join(run(t, s).Warnings...), "nftables mode is alpha in v1.29")
	s.Proxy.Mode = 7
	require.ErrorContains(t, s.Check(), "cascade: Proxy.Mode is 7, want IPTables, NFTables or IPVS")
}

// A faster disk does not lengthen the outage: the sum over seeds grows from each delay to the
// next.
func TestFasterDiskIsNoWorse(t *testing.T) {
	last := time.Duration(0)
	for _, delay := range []float64{0.1, 0.5, 2, 3, 4, 6} {
		sum := time.Duration(0)
		for seed := uint64(1); seed <= 6; seed++ {
			sum += run(t, fault(seed, delay)).Verdict.Impaired
		}
		require.GreaterOrEqual(t, sum, last*19/20, "at %v s: beyond what six seeds' chance explains", delay)
		last = max(last, sum)
	}
}

// Pods and requests are conserved at every moment of a run, on nodes that run one pod of the
// workload each or many.
func TestConservation(t *testing.T) {
	for k := range 8 {
		seed := uint64(k/2 + 1)
		s := fault(seed, 3)
		s.Observe = seed%2 == 0
		s.Workload.Room = 60
		if k%2 == 1 {
			s.Nodes = 10
			s.Actions = append(s.Actions, scale(300, 5), scale(350, 30))
		}
		s = s.WithDefaults()
		p, err := newCluster(&s, true)
		require.NoError(t, err)
		for x := 10.0; x <= 400; x += 10 {
			p.end = sec(x)
			p.run()
			require.Equal(t, p.replicas.have, p.pods.running+p.pods.pending)
			require.Equal(t, p.pods.pending, p.sched.unscheduled.Status().Pods())
			serving := 0
			for i := range p.nodes {
				serving += int(p.nodes[i].serving)
			}
			require.Equal(t, p.pods.running, serving, "every pod that runs is on a node")
			out := map[purpose]int{}
			for i := range p.requests {
				if st := p.requests[i].stage; st != free && st != throttled {
					out[p.requests[i].purpose]++
				}
			}
			for why := range purposes {
				answers := 0
				for _, n := range p.rec.answered[why] {
					answers += n
				}
				switch why {
				case forPodMessage, forPodEvent, forPodBind, forIdentity, forPodDelete, forReplicaSet, forElection, forElectionGet:
					continue // also sent without waiting for an answer, or given up by a process that exits
				}
				require.Equal(t, p.rec.asked[why], answers+out[why], "purpose %d at %v s", why, x)
			}
			require.LessOrEqual(t, p.rec.writes, p.rec.committed)
		}
	}
}

// Ten minutes on a slow disk, fifty minutes into the run, allocate nothing. Two things may: a
// queue that is longer than ever, and an event of the story whose text holds a number. At 1 and 2
// s, where leases are lost now and then, that happens a few times.
func TestSteppingAllocatesNothing(t *testing.T) {
	for delay, most := range map[float64]float64{0.2: 0, 0.75: 0, 1: 8, 1.5: 0, 2: 8} {
		for seed := range uint64(3) {
			s := fault(seed+1, delay).WithDefaults()
			s.Length, s.Actions = time.Hour, s.Actions[1:2] // the disk stays slow
			_, allocs := allocations(t, &s, most)
			require.LessOrEqual(t, allocs, most, "delay %v s, seed %d", delay, seed+1)
		}
	}
}

// allocations counts the allocations of the last ten minutes of an hour. A run makes the same ones
// every time, and the runtime some of its own now and then. More than most are therefore counted
// again.
func allocations(t *testing.T, s *scenario.Scenario, most float64) (p *cluster, allocs float64) {
	t.Helper()
	for range 3 {
		var err error
		p, err = newCluster(s, false)
		require.NoError(t, err)
		p.end = 40 * time.Minute
		p.run()
		allocs = testing.AllocsPerRun(1, func() {
			p.end += 10 * time.Minute
			p.run()
		})
		if allocs <= most {
			break
		}
	}
	return p, allocs
}

// Pods that crash all the time, and a CNI plugin that asks the API server, allocate nothing
// either.
func TestSteppingAllocatesNothingWithPodsThatCrash(t *testing.T) {
	s := fault(1, 0.5).WithDefaults()
	s.Length, s.Pods.CNINeedsAPI = time.Hour, true
	s.Actions = []scenario.Action{{At: sec(20), Do: scenario.Crash, N: 30, For: 20 * time.Second}, slow(60, 0.5)}
	p, allocs := allocations(t, &s, 0)
	require.Zero(t, allocs)
	require.Greater(t, p.rec.crashes, 100)
}

func TestContextEndsARun(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Run(ctx, incident8829.Scenario())
	require.ErrorIs(t, err, context.Canceled)
	_, err = Run(context.Background(), scenario.Scenario{Nodes: -1})
	require.ErrorContains(t, err, "cascade: Scenario.Nodes is -1, want 1 to 100000")
}
