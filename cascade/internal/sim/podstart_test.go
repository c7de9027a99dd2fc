package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
)

// starting returns a cluster with room for ten more pods.
func starting(cni bool, actions ...scenario.Action) scenario.Scenario {
	return scenario.Scenario{
		Length: 50 * time.Minute, Grid: time.Second,
		Workload: scenario.Workload{Replicas: new(50), Room: 60}, Pods: scenario.Pods{CNINeedsAPI: cni},
		Actions: append([]scenario.Action{scale(60, 60)}, actions...),
	}
}

// A pod's start on a healthy cluster writes a Binding, two status reports and three Events, and
// what Calico writes.
func TestAPodsStartIsCounted(t *testing.T) {
	for _, cni := range []bool{false, true} {
		s := starting(cni).WithDefaults()
		p, err := newCluster(&s, true)
		require.NoError(t, err)
		p.end = sec(120)
		p.run()
		require.Equal(t, 60, p.pods.running)
		require.Zero(t, p.pods.idle)
		require.Equal(t, 60, p.endpoints.writers[0].posted)
		require.Equal(t, view{listed: 60}, p.proxies.views[inKernel])
		require.Equal(t, 20, p.rec.wroteBy[forReport], "ContainerCreating and Ready of each")
		require.Equal(t, 30, p.rec.wroteBy[forKubeletEvent], "Pulled, Created, Started")
		require.Equal(t, 20, p.rec.answered[forToken][ok])
		want := 0
		if cni {
			want = 10
		}
		require.Equal(t, 4*want, p.rec.answered[forCNIRead][ok])
		require.Equal(t, 3*want, p.rec.wroteBy[forCNIWrite])
		require.InDelta(t, 2, p.pods.creating().Seconds(), 0.2, "the start's two seconds")
		require.Len(t, p.pods.unused, len(p.pods.slots), "pods that are Ready are numbers again")
	}
}

// A pod that was bound while the API servers were about to go stays ContainerCreating until one is
// back. With a CNI plugin that keeps its addresses on the node, pods run as soon as they have
// their tokens.
func TestContainerCreatingLastsAsLongAsTheAPIServerIsAway(t *testing.T) {
	for _, cni := range []bool{false, true} {
		s := starting(cni)
		s.Actions[0].At = sec(70)
		s.Actions = append([]scenario.Action{slow(60, 0.5)}, s.Actions...)
		s.Actions = append(s.Actions, slow(75, 4), fast(1500))
		r := run(t, s)
		require.Positive(t, r.Totals.Bound)
		if !cni {
			require.Less(t, r.Totals.Creating, 3*time.Minute, "their tokens were there before the API server went")
			continue
		}
		require.Greater(t, r.Totals.Creating, 20*time.Minute)
		require.Zero(t, r.Values("pods bound and not serving")[2900], "they run in the end")
		kinds := map[story.Kind]bool{}
		for _, e := range r.Timeline {
			kinds[e.Kind] = true
		}
		require.True(t, kinds[story.PodsWait] && kinds[story.PodsStart], "%v", r.Timeline)
	}
}

// Pods that are starting are the first to go when the workload shrinks.
func TestPodsThatStartAreDeletedFirst(t *testing.T) {
	s := starting(true, scale(65, 52))
	s.Pods.Start = time.Minute
	s = s.WithDefaults()
	p, err := newCluster(&s, false)
	require.NoError(t, err)
	p.end = sec(64)
	p.run()
	require.Equal(t, 10, p.pods.idle)
	p.end = sec(68)
	p.run()
	require.Equal(t, 52, p.pods.running)
	require.Equal(t, 2, p.pods.idle)
	require.Equal(t, view{listed: 50}, p.proxies.views[inKernel])
	p.end = sec(200)
	p.run()
	require.Equal(t, view{listed: 52}, p.proxies.views[inKernel])
	checkPods(t, p)
}

// checkPods compares the numbers of pods with the slots.
func checkPods(t *testing.T, p *cluster) {
	t.Helper()
	idle, unready, running, crashers, fresh := 0, 0, 0, 0, 0
	for i := range p.nodes {
		n := &p.nodes[i]
		nodeIdle, nodeUnready, slots := int32(0), int32(0), int32(0)
		for at := p.pods.away[i].slots; at > 0; at = p.pods.slots[at-1].next {
			d := &p.pods.slots[at-1]
			require.Equal(t, int32(i), d.node)
			require.NotEqual(t, podFree, d.phase)
			slots++
			if !d.serves() {
				nodeIdle++
			}
			if !d.ready {
				nodeUnready++
			}
			if d.crasher {
				crashers++
			}
			if d.fresh {
				fresh++
				require.False(t, d.ready || d.crasher)
			}
		}
		require.Equal(t, p.pods.away[i].idle, nodeIdle)
		require.Equal(t, p.pods.away[i].unready, nodeUnready)
		require.LessOrEqual(t, slots, n.serving)
		require.LessOrEqual(t, n.serving, n.pods)
		idle, unready, running = idle+int(nodeIdle), unready+int(nodeUnready), running+int(n.serving)
	}
	require.Equal(t, p.pods.idle, idle)
	require.Equal(t, p.pods.running, running)
	require.Equal(t, p.pods.crashers, crashers)
	require.Equal(t, p.pods.fresh, fresh)
	for _, v := range p.proxies.views {
		require.True(t, v.dead >= 0 && v.dead <= v.listed, "%+v", p.proxies.views)
	}
}

// Whatever happens to pods, none is lost and none is counted twice.
func TestPodsAreConserved(t *testing.T) {
	for seed := uint64(1); seed <= 6; seed++ {
		s := scenario.Scenario{
			Seed: seed, Length: 40 * time.Minute, OtherPods: 5, Nodes: 40, Version: scenario.Modelled()[seed%2],
			Workload: scenario.Workload{Replicas: new(50), Room: 80},
			Pods:     scenario.Pods{CNINeedsAPI: seed%3 > 0, Liveness: seed > 3},
			Actions: []scenario.Action{
				{At: sec(20), Do: scenario.Crash, N: 20, For: 15 * time.Second},
				scale(60, 100),
				slow(200, 1),
				{At: sec(220), Do: scenario.Stall, N: 5, For: time.Minute},
				{At: sec(260), Do: scenario.Down, N: 12, For: 9 * time.Minute},
				{At: sec(300), Do: scenario.Room, N: 90},
				slow(400, 4),
				fast(600),
				{At: sec(700), Do: scenario.Crash, N: 5},
				scale(900, 30),
				{At: sec(950), Do: scenario.Silence},
				scale(1000, 70),
				{At: sec(1300), Do: scenario.Awake},
				{At: sec(1500), Do: scenario.Crash},
				{At: sec(1600), Do: scenario.Restart, What: scenario.KubeAPIServer},
				{At: sec(1700), Do: scenario.Restart, What: scenario.KubeControllerManager},
			},
		}
		require.NoError(t, s.Check())
		s = s.WithDefaults()
		p, err := newCluster(&s, true)
		require.NoError(t, err)
		for x := 10.0; x <= 2400; x += 10 {
			p.end = sec(x)
			p.run()
			checkPods(t, p)
		}
		require.Zero(t, p.pods.idle, "seed %d: in the end all run", seed)
		require.Equal(t, 70, p.pods.running)
		require.Equal(t, view{listed: 70}, p.proxies.views[inKernel])
	}
}
