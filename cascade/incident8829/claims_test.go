package incident8829_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/cascade"
	"github.com/redline-go/redline/cascade/incident8829"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/kube"
	"github.com/redline-go/redline/proxymodel"
	"github.com/redline-go/redline/scheduler/retry"
)

func ExampleClaims() {
	result, err := cascade.Run(context.Background(), incident8829.Scenario())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range incident8829.Claims(result)[:3] {
		fmt.Printf("%s: %s\n", c.Claim, c.Verdict)
	}
	// Output:
	// 50 -> 500, 450 pending: reproduced
	// "0/100 nodes are available: 100 Insufficient cpu.": in part
	// "3m (x450 over 12m)": impossible on stock Kubernetes
}

// A claim by what is unique in its words.
const (
	pending       = "50 -> 500, 450 pending"
	sentence      = `"0/100 nodes are available: 100 Insufficient cpu."`
	eventCount    = `"3m (x450 over 12m)"`
	everyTen      = `"450 pods failing to schedule every 10 seconds"`
	thousands     = "thousands of Events"
	dbSize        = "db of 1.2 GB"
	raftIndex     = "raft index 4,502,103 after 112 days"
	raftTerm      = "raft term 12, followers 2 and 5 entries behind"
	readTimeout   = `kubectl get nodes: "Timeout ... may still be processing the request"`
	nodesNotReady = "node-p-01 Ready, the other nodes NotReady"
	pleg          = "PLEG is not healthy"
	lines         = "iptables -t nat -L KUBE-SERVICES | wc -l: 4502"
	rewrites      = "kube-proxy rewrites the entire chain, O(n)"
	crashes       = "pods crash and restart, the CNI assigns IPs, a flood of updates for kube-proxy"
	creating      = "ContainerCreating for 45 minutes"
	users         = "5xx at 100 %"
	scale         = "kubectl scale took ten minutes"
	twoHours      = "02:00 -> 04:00"
	killing       = "killing the etcd pods helped"
)

func judge(t *testing.T, s scenario.Scenario) map[string]incident8829.Observable {
	t.Helper()
	r, err := cascade.Run(context.Background(), s)
	require.NoError(t, err)
	claims := map[string]incident8829.Observable{}
	for _, c := range incident8829.Claims(r) {
		require.NotEmpty(t, c.Here, c.Claim)
		require.NotEmpty(t, c.Why, c.Claim)
		claims[c.Claim] = c
	}
	require.Len(t, claims, 19)
	return claims
}

func sec(x float64) time.Duration { return time.Duration(x * 1e9) }

// calm is a small cluster in which nothing happens.
func calm() scenario.Scenario {
	return scenario.Scenario{Length: 10 * time.Minute, Version: kube.V1_29, Etcd: scenario.Etcd{Version: etcdmodel.V3_5}}
}

func with(change func(*scenario.Scenario)) scenario.Scenario {
	s := calm()
	change(&s)
	return s
}

func act(actions ...scenario.Action) scenario.Scenario {
	return with(func(s *scenario.Scenario) { s.Actions = actions })
}

// The findings of the incident itself.
func TestClaimsOfTheIncident(t *testing.T) {
	claims := judge(t, incident8829.Scenario())
	for claim, want := range map[string]incident8829.Finding{
		pending: incident8829.Reproduced, sentence: incident8829.Partly, eventCount: incident8829.Impossible, everyTen: incident8829.NotHere,
		thousands: incident8829.NotHere, dbSize: incident8829.NotHere, raftIndex: incident8829.Impossible, raftTerm: incident8829.NotHere,
		readTimeout: incident8829.Partly, nodesNotReady: incident8829.NotHere, pleg: incident8829.NotHere, lines: incident8829.Reproduced,
		rewrites: incident8829.Partly, crashes: incident8829.NotHere, creating: incident8829.Reproduced, users: incident8829.NotHere,
		scale: incident8829.Partly, twoHours: incident8829.Reproduced, killing: incident8829.NotHere,
	} {
		require.Equal(t, want, claims[claim].Verdict, "%s: %s", claim, claims[claim].Here)
	}
	require.Contains(
		t, claims[pending].Why,
		"stops at 157 at the default target of 80 %, and reaches 500 only at a target of 25 %",
	)
	require.Equal(t, "4502", claims[lines].Here)
	require.Contains(t, claims[sentence].Here, "0/100 nodes are available: 100 Insufficient cpu. preemption: ")
	require.Contains(t, claims[eventCount].Why, "its backoff allows 75 attempts in 12m0s")
}

// A name is a name: it decides nothing.
func TestTheNameDecidesNothing(t *testing.T) {
	s := incident8829.Scenario()
	named := judge(t, s)
	s.Name = "mine"
	require.Equal(t, named, judge(t, s))
}

// For each claim a run in which it comes out, and one that keeps it out.
func TestEachClaimFollowsFromTheRun(t *testing.T) {
	hundreds := scenario.Action{At: sec(30), Do: scenario.Scale, N: 500}
	slow := func(d float64) scenario.Action {
		return scenario.Action{At: sec(60), Do: scenario.Delay, For: sec(d)}
	}
	fast := scenario.Action{At: sec(400), Do: scenario.Delay}
	churn := scenario.Action{At: sec(60), Do: scenario.Churn, For: sec(0.5)}
	flood := with(func(s *scenario.Scenario) {
		s.Length = 40 * time.Minute
		s.Actions = []scenario.Action{{At: sec(30), Do: scenario.Crash, N: 40, For: sec(10)}}
	})
	// Three disks are slow. The leader's stays so; the others' are fast again just before it is killed, or not.
	killed := func(others ...scenario.Action) scenario.Scenario {
		s := act(
			append([]scenario.Action{hundreds, slow(4)}, append(others, scenario.Action{At: sec(240), Do: scenario.Kill})...)...,
		)
		s.Etcd.Members, s.Observe = 3, true
		return s
	}
	for _, c := range []struct {
		name, claim string
		s           scenario.Scenario
		want        incident8829.Finding
	}{
		{"500 wanted", pending, act(hundreds), incident8829.Reproduced},
		{"400 wanted", pending, act(scenario.Action{At: sec(30), Do: scenario.Scale, N: 400}), incident8829.NotHere},
		{"100 full nodes", sentence, act(hundreds), incident8829.Partly},
		{
			"7 full nodes", sentence,
			with(func(s *scenario.Scenario) { s.Nodes, s.Actions = 7, []scenario.Action{hundreds} }),
			incident8829.NotHere,
		},
		{"nobody pending", sentence, calm(), incident8829.NotHere},
		{"a backoff", eventCount, act(hundreds), incident8829.Impossible},
		{"an idle scheduler", eventCount, with(func(s *scenario.Scenario) { s.Version = kube.V1_37 }), incident8829.NotHere},
		{"an idle scheduler, and a pod woken all the time", eventCount, with(func(s *scenario.Scenario) {
			s.Version, s.Length = kube.V1_37, 15*time.Minute
			s.Actions = []scenario.Action{{At: sec(30), Do: scenario.Scale, N: 51}, churn}
		}), incident8829.Reproduced},
		{"woken all the time", everyTen, act(hundreds, churn), incident8829.Reproduced},
		{"woken by none", everyTen, act(hundreds), incident8829.NotHere},
		{
			"woken, and nodes flap", thousands,
			act(
				hundreds, churn, scenario.Action{At: sec(90), Do: scenario.Silence},
				scenario.Action{At: sec(300), Do: scenario.Awake},
			),
			incident8829.Reproduced,
		},
		{"one Event a pod", thousands, act(hundreds), incident8829.NotHere},
		{
			"a large db at the start", dbSize, with(func(s *scenario.Scenario) { s.Etcd.DB = 1_300_000_000 }),
			incident8829.Reproduced,
		},
		{"a small one", dbSize, act(hundreds), incident8829.NotHere},
		{"100 nodes at rest", raftIndex, calm(), incident8829.Impossible},
		{"one node that renews every hour", raftIndex, with(func(s *scenario.Scenario) {
			s.Nodes, s.Leases = 1, scenario.Leases{Renew: time.Hour, Grace: time.Hour}
			s.Elections = scenario.Elections{Lease: time.Hour, Renew: 50 * time.Minute, Retry: 40 * time.Minute}
		}), incident8829.Reproduced},
		{"twelve leaders", raftTerm, with(func(s *scenario.Scenario) {
			s.Etcd.Members = 3
			for i := range 13 {
				s.Actions = append(s.Actions, scenario.Action{At: sec(float64(30 * (i + 1))), Do: scenario.Kill})
			}
		}), incident8829.Reproduced},
		{"two leaders", raftTerm, with(func(s *scenario.Scenario) {
			s.Etcd.Members, s.Actions = 3, []scenario.Action{{At: sec(30), Do: scenario.Kill}}
		}), incident8829.Partly},
		{"one member", raftTerm, calm(), incident8829.NotHere},
		{"a patient probe", readTimeout, with(func(s *scenario.Scenario) {
			s.Livez.Failures, s.Length = 900, 20*time.Minute
			s.Actions = []scenario.Action{slow(60)}
		}), incident8829.Reproduced},
		{"kubeadm's probe", readTimeout, incident8829.Scenario(), incident8829.Partly},
		{"a fast disk", readTimeout, calm(), incident8829.NotHere},
		{
			"silent kubelets", nodesNotReady,
			with(func(s *scenario.Scenario) { s.Actions = []scenario.Action{{At: sec(30), Do: scenario.Silence}} }),
			incident8829.Reproduced,
		},
		{
			"ten nodes without power", nodesNotReady,
			act(scenario.Action{At: sec(30), Do: scenario.Down, N: 10, For: sec(300)}), incident8829.Partly,
		},
		{"kubelets that renew", nodesNotReady, calm(), incident8829.NotHere},
		{
			"runtimes that hang", pleg,
			act(scenario.Action{At: sec(60), Do: scenario.Stall, N: 10, For: 5 * time.Minute}), incident8829.Reproduced,
		},
		{"runtimes that do not", pleg, calm(), incident8829.NotHere},
		{"4499 services", lines, with(func(s *scenario.Scenario) { s.Proxy.Services = 4499 }), incident8829.Reproduced},
		{"4500 services", lines, with(func(s *scenario.Scenario) { s.Proxy.Services = 4500 }), incident8829.NotHere},
		{
			"ipvs", lines,
			with(func(s *scenario.Scenario) { s.Proxy = scenario.Proxy{Mode: proxymodel.IPVS, Services: 4499} }),
			incident8829.NotHere,
		},
		{"partial syncs", rewrites, calm(), incident8829.Partly},
		{
			"no such chain", rewrites, with(func(s *scenario.Scenario) { s.Proxy.Mode = proxymodel.IPVS }),
			incident8829.NotHere,
		},
		{"a crash loop", crashes, flood, incident8829.Partly},
		{"a single crash", crashes, act(scenario.Action{At: sec(30), Do: scenario.Crash, N: 1}), incident8829.NotHere},
		{"no crash", crashes, calm(), incident8829.NotHere},
		{"no API server for the CNI", creating, incident8829.Scenario(), incident8829.Reproduced},
		{
			"all start", creating,
			act(scenario.Action{At: sec(30), Do: scenario.Room, N: 60}, scenario.Action{At: sec(40), Do: scenario.Scale, N: 60}),
			incident8829.NotHere,
		},
		{"drained endpoints", users, with(func(s *scenario.Scenario) {
			s.Length = 30 * time.Minute
			s.Actions = []scenario.Action{{At: sec(30), Do: scenario.Down, N: 100, For: sec(900)}}
		}), incident8829.Reproduced},
		{"endpoints that serve", users, calm(), incident8829.NotHere},
		{"a command that waits for a controller manager", scale, with(func(s *scenario.Scenario) {
			s.Length = 20 * time.Minute
			for i := range 42 { // 15 s is its leader lease
				s.Actions = append(s.Actions, scenario.Action{
					At: sec(float64(30 + 15*i)), Do: scenario.Restart, What: scenario.KubeControllerManager,
				})
			}
			s.Actions = slices.Insert(s.Actions, 1, scenario.Action{At: sec(31), Do: scenario.Scale, N: 60, For: time.Hour})
		}), incident8829.Reproduced},
		{"a command that is acknowledged at once", scale, act(hundreds), incident8829.NotHere},
		{"an operator who tries again", scale, incident8829.Scenario(), incident8829.Partly},
		{"a disk that is slow for hours", twoHours, incident8829.Scenario(), incident8829.Reproduced},
		{"one that is slow for minutes", twoHours, act(slow(4), fast), incident8829.NotHere},
		{"one slow disk of three, and its member killed", killing, killed(
			scenario.Action{
				At: sec(239), Do: scenario.Delay, N: 2,
			}, scenario.Action{At: sec(239), Do: scenario.Delay, N: 3}), incident8829.Reproduced},
		{"three slow disks", killing, killed(), incident8829.NotHere},
		{"nobody killed", killing, act(slow(4), fast), incident8829.NotHere},
	} {
		t.Run(c.claim+"/"+c.name, func(t *testing.T) {
			o := judge(t, c.s)[c.claim]
			require.Equal(t, c.want, o.Verdict, "%s (%s)", o.Here, o.Why)
		})
	}
}

// Proof of what is called impossible: however a pod is woken, v1.29's backoff of 1, 2, 4, 8, 10 s
// and so on leaves it fewer than 450 attempts in twelve minutes.
func TestABackoffBoundsTheAttempts(t *testing.T) {
	const span = 12 * time.Minute
	for _, every := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, time.Second, 7 * time.Second} {
		q, err := retry.NewQueue(retry.Config{Version: kube.V1_29})
		require.NoError(t, err)
		q.Add(1)
		for at := time.Duration(0); at <= span; at += every {
			q.Advance(at)
			q.Wake()
		}
		// 1 + 2 + 4 + 8 s and then 10 s each, from the first attempt on, and one for each end.
		require.LessOrEqual(t, q.Total().Attempts, 1+4+int((span-15*time.Second)/(10*time.Second))+1)
		require.Positive(t, q.Total().Attempts)
	}
}

// Proof of the other: what a cluster at rest commits in a simulated day is what the claim takes it
// to commit, so that 112 days pass the index many times over.
func TestTheRestingRateIsTheSimulations(t *testing.T) {
	s := with(func(s *scenario.Scenario) { s.Length = 24 * time.Hour; s.Grid = time.Minute })
	r, err := cascade.Run(context.Background(), s)
	require.NoError(t, err)
	var aDay float64
	for _, c := range incident8829.Claims(r) {
		if c.Claim == raftIndex {
			_, err = fmt.Sscanf(c.Here, fmt.Sprintf("%d proposals in this run, %%f a day at rest", r.Totals.Proposals), &aDay)
			require.NoError(t, err)
		}
	}
	require.InEpsilon(t, r.Totals.Proposals, aDay, 0.05)
	require.Greater(t, 112*aDay, 10*4_502_103.0)
}
