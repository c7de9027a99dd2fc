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

// The claims, in the report's words.
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

// calm returns a cluster in which nothing happens.
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
	byFinding := map[incident8829.Finding][]string{
		incident8829.Reproduced: {pending, lines, creating, twoHours},
		incident8829.Partly:     {sentence, readTimeout, rewrites, scale},
		incident8829.Impossible: {eventCount, raftIndex},
		incident8829.NotHere: {
			everyTen, thousands, dbSize, raftTerm, nodesNotReady, pleg, crashes, users, killing,
		},
	}
	judged := 0
	for want, of := range byFinding {
		for _, claim := range of {
			require.Equal(t, want, claims[claim].Verdict, "%s: %s", claim, claims[claim].Here)
			judged++
		}
	}
	require.Len(t, claims, judged)
	require.Contains(t, claims[pending].Why,
		"stops at 157 at the default target of 80 %, and reaches 500 only at a target of 25 %")
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

// For each claim there is a run in which it comes out, and one that keeps it out.
func TestEachClaimFollowsFromTheRun(t *testing.T) {
	seen := map[string]map[bool]bool{}
	for _, c := range slices.Concat(podCases(), schedulerCases(), etcdCases(), nodeCases(), userCases(), operatorCases()) {
		t.Run(c.claim+"/"+c.name, func(t *testing.T) {
			o := judge(t, c.s)[c.claim]
			require.Equal(t, c.want, o.Verdict, "%s (%s)", o.Here, o.Why)
			require.Contains(t, o.Why, c.why)
		})
		if seen[c.claim] == nil {
			seen[c.claim] = map[bool]bool{}
		}
		seen[c.claim][c.want == incident8829.Reproduced || c.want == incident8829.Partly] = true
	}
	require.Len(t, seen, 19)
	for claim, outcomes := range seen {
		require.Len(t, outcomes, 2, claim)
	}
}

// claimCase is a run and the finding that it gives of one claim.
type claimCase struct {
	claim, name string
	s           scenario.Scenario
	want        incident8829.Finding
	why         string // part of the reason; empty: any
}

// hundreds asks for 500 replicas, and churn wakes the pods that wait twice a second.
var (
	hundreds = scenario.Action{At: sec(30), Do: scenario.Scale, N: 500}
	churn    = scenario.Action{At: sec(60), Do: scenario.Churn, For: sec(0.5)}
)

// slow makes every fsync take so many seconds longer, and fast ends that.
func slow(seconds float64) scenario.Action {
	return scenario.Action{At: sec(60), Do: scenario.Delay, For: sec(seconds)}
}

var fast = scenario.Action{At: sec(400), Do: scenario.Delay}

func podCases() []claimCase {
	few := act(scenario.Action{At: sec(30), Do: scenario.Scale, N: 400})
	start := act(scenario.Action{At: sec(30), Do: scenario.Room, N: 60},
		scenario.Action{At: sec(40), Do: scenario.Scale, N: 60})
	flood := with(func(s *scenario.Scenario) {
		s.Length = 40 * time.Minute
		s.Actions = []scenario.Action{{At: sec(30), Do: scenario.Crash, N: 40, For: sec(10)}}
	})
	one := act(scenario.Action{At: sec(30), Do: scenario.Crash, N: 1})
	return []claimCase{
		{claim: pending, name: "500 wanted", s: act(hundreds), want: incident8829.Reproduced},
		{claim: pending, name: "400 wanted", s: few, want: incident8829.NotHere, why: "stops at 157"},
		{claim: creating, name: "no API server for the CNI", s: incident8829.Scenario(), want: incident8829.Reproduced},
		{claim: creating, name: "all start", s: start, want: incident8829.NotHere},
		{claim: crashes, name: "a crash loop", s: flood, want: incident8829.Partly, why: "the CNI has no part in it"},
		{claim: crashes, name: "a single crash", s: one, want: incident8829.NotHere, why: "no flood of 100"},
		{claim: crashes, name: "no crash", s: calm(), want: incident8829.NotHere, why: "no container crashed"},
	}
}

func schedulerCases() []claimCase {
	seven := with(func(s *scenario.Scenario) { s.Nodes, s.Actions = 7, []scenario.Action{hundreds} })
	idle := with(func(s *scenario.Scenario) { s.Version = kube.V1_37 })
	woken := with(func(s *scenario.Scenario) {
		s.Version, s.Length = kube.V1_37, 15*time.Minute
		s.Actions = []scenario.Action{{At: sec(30), Do: scenario.Scale, N: 51}, churn}
	})
	flap := act(hundreds, churn,
		scenario.Action{At: sec(90), Do: scenario.Silence}, scenario.Action{At: sec(300), Do: scenario.Awake})
	return []claimCase{
		{claim: sentence, name: "100 full nodes", s: act(hundreds), want: incident8829.Partly},
		{claim: sentence, name: "7 full nodes", s: seven, want: incident8829.NotHere},
		{claim: sentence, name: "nobody pending", s: calm(), want: incident8829.NotHere},
		{
			claim: eventCount, name: "a backoff", s: act(hundreds),
			want: incident8829.Impossible, why: "its backoff allows 75 attempts",
		},
		{
			claim: eventCount, name: "an idle scheduler", s: idle,
			want: incident8829.NotHere, why: "takes pods out of their backoff",
		},
		{
			claim: eventCount, name: "an idle scheduler, and a pod woken all the time", s: woken,
			want: incident8829.Reproduced,
		},
		{claim: everyTen, name: "woken all the time", s: act(hundreds, churn), want: incident8829.Reproduced},
		{
			claim: everyTen, name: "woken by none", s: act(hundreds),
			want: incident8829.NotHere, why: "is tried 63 times in 10m0s",
		},
		{claim: thousands, name: "woken, and nodes flap", s: flap, want: incident8829.Reproduced},
		{claim: thousands, name: "one Event a pod", s: act(hundreds), want: incident8829.NotHere},
	}
}

func etcdCases() []claimCase {
	large := with(func(s *scenario.Scenario) { s.Etcd.DB = 1_300_000_000 })
	lazy := with(func(s *scenario.Scenario) { // one node that renews every hour
		s.Nodes, s.Leases = 1, scenario.Leases{Renew: time.Hour, Grace: time.Hour}
		s.Elections = scenario.Elections{Lease: time.Hour, Renew: 50 * time.Minute, Retry: 40 * time.Minute}
	})
	leaders := func(n int) scenario.Scenario {
		return with(func(s *scenario.Scenario) {
			s.Etcd.Members = 3
			for i := range n {
				s.Actions = append(s.Actions, scenario.Action{At: sec(float64(30 * (i + 1))), Do: scenario.Kill})
			}
		})
	}
	// Three disks are slow. The leader's stays so. The others' are fast again just before it is
	// killed, or not.
	killed := func(others ...scenario.Action) scenario.Scenario {
		s := act(hundreds, slow(4))
		s.Actions = append(append(s.Actions, others...), scenario.Action{At: sec(240), Do: scenario.Kill})
		s.Etcd.Members, s.Observe = 3, true
		return s
	}
	oneSlow := killed(scenario.Action{At: sec(239), Do: scenario.Delay, N: 2},
		scenario.Action{At: sec(239), Do: scenario.Delay, N: 3})
	mended := killed(scenario.Action{At: sec(240), Do: scenario.Delay})
	mended.Actions[2], mended.Actions[3] = mended.Actions[3], mended.Actions[2]
	apart := with(func(s *scenario.Scenario) { s.Nodes, s.Etcd.SeparateLeases = 10, true })
	return []claimCase{
		{claim: raftIndex, name: "ten nodes, Leases in an etcd of their own", s: apart, want: incident8829.Partly},
		{claim: dbSize, name: "a large db at the start", s: large, want: incident8829.Reproduced, why: "began so large"},
		{claim: dbSize, name: "a small one", s: act(hundreds), want: incident8829.NotHere, why: "high-water mark"},
		{
			claim: raftIndex, name: "100 nodes at rest", s: calm(),
			want: incident8829.Impossible, why: "an idle cluster of 100 nodes passes it in",
		},
		{
			claim: raftIndex, name: "one node that renews every hour", s: lazy,
			want: incident8829.Partly, why: "possible: at rest the index grows by",
		},
		{claim: raftTerm, name: "twelve leaders", s: leaders(13), want: incident8829.Reproduced},
		{claim: raftTerm, name: "two leaders", s: leaders(1), want: incident8829.Partly},
		{claim: raftTerm, name: "one member", s: calm(), want: incident8829.NotHere, why: "one member stands for"},
		{claim: killing, name: "one slow disk of three, and its member killed", s: oneSlow, want: incident8829.Reproduced},
		{
			claim: killing, name: "three slow disks", s: killed(),
			want: incident8829.NotHere, why: "not renewed with the new leader either",
		},
		{
			claim: killing, name: "and the disks are fast again", s: mended,
			want: incident8829.NotHere, why: "became fast again",
		},
		{claim: killing, name: "nobody killed", s: act(slow(4), fast), want: incident8829.NotHere},
		{
			claim: twoHours, name: "slow for hours", s: incident8829.Scenario(),
			want: incident8829.Reproduced, why: "lasted 1h51m0s",
		},
		{claim: twoHours, name: "slow for minutes", s: act(slow(4), fast), want: incident8829.NotHere},
	}
}

func nodeCases() []claimCase {
	silent := act(scenario.Action{At: sec(30), Do: scenario.Silence})
	ten := act(scenario.Action{At: sec(30), Do: scenario.Down, N: 10, For: sec(300)})
	hang := act(scenario.Action{At: sec(60), Do: scenario.Stall, N: 10, For: 5 * time.Minute})
	return []claimCase{
		{
			claim: nodesNotReady, name: "silent kubelets", s: silent,
			want: incident8829.Reproduced, why: "by: kubelets silent",
		},
		{
			claim: nodesNotReady, name: "ten nodes without power", s: ten,
			want: incident8829.Partly, why: "by: kubelets silent",
		},
		{
			claim: nodesNotReady, name: "kubelets that renew", s: calm(),
			want: incident8829.NotHere, why: "renewed within the grace period",
		},
		{claim: pleg, name: "runtimes that hang", s: hang, want: incident8829.Reproduced},
		{claim: pleg, name: "runtimes that do not", s: calm(), want: incident8829.NotHere},
	}
}

func userCases() []claimCase {
	proxy := func(p scenario.Proxy) scenario.Scenario {
		return with(func(s *scenario.Scenario) { s.Proxy = p })
	}
	ipvs := proxy(scenario.Proxy{Mode: proxymodel.IPVS, Services: 4499})
	drained := with(func(s *scenario.Scenario) {
		s.Length = 30 * time.Minute
		s.Actions = []scenario.Action{{At: sec(30), Do: scenario.Down, N: 100, For: sec(900)}}
	})
	return []claimCase{
		{claim: lines, name: "4499 services", s: proxy(scenario.Proxy{Services: 4499}), want: incident8829.Reproduced},
		{claim: lines, name: "4500 services", s: proxy(scenario.Proxy{Services: 4500}), want: incident8829.NotHere},
		{claim: lines, name: "ipvs", s: ipvs, want: incident8829.NotHere},
		{claim: rewrites, name: "partial syncs", s: calm(), want: incident8829.Partly},
		{claim: rewrites, name: "no such chain", s: ipvs, want: incident8829.NotHere, why: "ipvs mode has no such chain"},
		{claim: users, name: "drained endpoints", s: drained, want: incident8829.Reproduced},
		{claim: users, name: "endpoints that serve", s: calm(), want: incident8829.NotHere, why: "keep serving"},
	}
}

func operatorCases() []claimCase {
	patient := with(func(s *scenario.Scenario) { // a liveness probe that kills nobody
		s.Livez.Failures, s.Length = 900, 20*time.Minute
		s.Actions = []scenario.Action{slow(60)}
	})
	waits := with(func(s *scenario.Scenario) { // no controller manager gets its leader lease of 15 s
		s.Length = 20 * time.Minute
		for i := range 42 {
			at := sec(float64(30 + 15*i))
			s.Actions = append(s.Actions, scenario.Action{
				At: at, Do: scenario.Restart, What: scenario.KubeControllerManager,
			})
		}
		scale60 := scenario.Action{At: sec(31), Do: scenario.Scale, N: 60, For: time.Hour}
		s.Actions = slices.Insert(s.Actions, 1, scale60)
	})
	refused := act(slow(8), scenario.Action{At: sec(300), Do: scenario.Scale, N: 60})
	return []claimCase{
		{claim: readTimeout, name: "a patient probe", s: patient, want: incident8829.Reproduced},
		{claim: readTimeout, name: "kubeadm's probe", s: incident8829.Scenario(), want: incident8829.Partly},
		{claim: readTimeout, name: "a fast disk", s: calm(), want: incident8829.NotHere, why: "answered in time"},
		{claim: scale, name: "a command that waits for a controller manager", s: waits, want: incident8829.Reproduced},
		{claim: scale, name: "a command that is acknowledged at once", s: act(hundreds), want: incident8829.NotHere},
		{claim: scale, name: "nobody scales", s: calm(), want: incident8829.NotHere, why: "nothing to judge"},
		{claim: scale, name: "no API server", s: refused, want: incident8829.NotHere, why: "no command succeeded"},
		{
			claim: scale, name: "an operator who tries again", s: incident8829.Scenario(),
			want: incident8829.Partly, why: "tried again for as long",
		},
	}
}

// Proves what is called impossible: v1.29's backoff of 1, 2, 4, 8, 10 s and so on leaves a pod
// fewer than 450 attempts in twelve minutes, however it is woken.
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

// Proves the other: a cluster at rest commits in a simulated day what the claim takes it to
// commit. So 112 days pass the index many times over.
func TestTheRestingRateIsTheSimulations(t *testing.T) {
	s := with(func(s *scenario.Scenario) { s.Length, s.Grid = 24*time.Hour, time.Minute })
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
