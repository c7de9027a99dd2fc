package incident8829

import (
	"fmt"
	"time"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/story"
	"github.com/redline-go/redline/proxymodel"
)

// observe goes through every claim of the incident report. Values are of this run, or computed by the package named.
func observe(s *scenario.Scenario, t *story.Totals, v story.Verdict) []Observable {
	nodes := s.Nodes
	lines := 2 + 1 + s.Proxy.Services // two header lines, the NODEPORTS jump, one rule per service port with endpoints
	perPod, fleet := 0.0, 0.0
	if t.PeakPending > 0 {
		perPod = float64(t.Attempts) / float64(t.PeakPending)
	}
	fleet = float64(t.Attempts)
	growth := float64(t.DBGrowth) / 1e6
	list := []Observable{
		found(t.PeakPending >= 450, "50 -> 500, 450 pending", fmt.Sprintf("%d pending at most, %d created", t.PeakPending, t.PodsCreated),
			"by the manifest's replicas: 500; a CPU HPA with this template stops at 157 at the default target of 80 % (package cascade/hpa), and reaches 500 only at a target of 25 % or less"),
		{Claim: `"0/100 nodes are available: 100 Insufficient cpu."`, Here: fmt.Sprintf("0/%d nodes are available: %d Insufficient cpu. preemption: 0/%d nodes are available: %d No preemption victims found for incoming pod.", nodes, nodes, nodes, nodes),
			Verdict: Partly, Why: "the report cut the text: kube-scheduler goes on with what preemption found (packages capacity and scheduler give it whole)"},
		{Claim: `"3m (x450 over 12m)"`, Here: fmt.Sprintf("%.1f attempts a pod, %.0f over all pods", perPod, fleet), Verdict: Impossible,
			Why: "of one pod: its count is patched at the second attempt and then kept in memory; over the fleet 450 is what one attempt each gives"},
		{Claim: `"450 pods failing to schedule every 10 seconds"`, Here: fmt.Sprintf("%d attempts in all", t.Attempts), Verdict: NotHere,
			Why: "10 s is the cap of the backoff: at most 45 attempts/s, if something wakes the pods each time; here nothing does (L2), and the five-minute flush retries them"},
		found(t.EventsPerMinute >= 2000, "thousands of Events", fmt.Sprintf("%d by the scheduler, %.0f in the worst minute", t.Events, t.EventsPerMinute),
			"one a pod, and another when the scheduler restarts; 2,653 a minute were measured, but only with nodes flapping and bound pods deleted all the time"),
		{Claim: "db of 1.2 GB", Here: fmt.Sprintf("%.0f MB of revisions written", growth), Verdict: Impossible,
			Why: "from the retries of 450 pods in two hours; an old high-water mark explains it (etcd gives no space back without a defragmentation), or compactions that fail for hours"},
		{Claim: "raft index 4,502,103 after 112 days", Here: fmt.Sprintf("%d proposals in this run, %.0f a day at rest", t.Proposals, float64(nodes)*0.098*86400+1.2*86400), Verdict: Impossible,
			Why: "an idle cluster of 100 nodes passes it in 4.5 days: etcd was restored or rebuilt that long ago"},
		found(t.Term > 1, "raft term 12, followers 2 and 5 entries behind", fmt.Sprintf("%d member(s), term %d", s.Etcd.Members, t.Term),
			"plausible with several members; here one member stands for three whose disks are equally slow, of which none can be elected away"),
		found(t.ReadTimeouts > 0 || t.ServerKills > 0, `kubectl get nodes: "Timeout ... may still be processing the request"`, fmt.Sprintf("%d reads ran into the 60 s limit, API servers were killed %d times", t.ReadTimeouts, t.ServerKills),
			"the literal 504 of a read that etcd did not answer in 60 s; with the kubeadm liveness probe the API servers are usually killed first, and kubectl is refused"),
	}
	return append(list, observeMore(s, t, v, lines)...)
}

func observeMore(s *scenario.Scenario, t *story.Totals, v story.Verdict, lines int) []Observable {
	why := "while etcd is this slow the controller manager loses its leader lease first (5 s of client patience against 7 s of etcd's), exits, and no one is left to mark a node; components that only record their losses, as in the replays, give 8 to 17 of 100 in three minutes, never all"
	list := []Observable{
		{Claim: "node-p-01 Ready, the other nodes NotReady", Here: fmt.Sprintf("%d of %d NotReady at most", t.PeakNotReady, s.Nodes), Verdict: verdictOf(t.PeakNotReady > s.Nodes/2, Impossible), Why: why},
		{Claim: "PLEG is not healthy", Here: fmt.Sprintf("%d times", t.PLEGFails), Verdict: verdictOf(t.PLEGFails > 0, NotHere),
			Why: "a relist has to take more than 3 minutes: a runtime's trouble of its own. 450 pods that are on no node burden no node's runtime"},
		found(lines == 4502, "iptables -t nat -L KUBE-SERVICES | wc -l: 4502", fmt.Sprintf("%d", lines),
			"two header lines, the NODEPORTS jump and 4,499 service ports with endpoints (package proxymodel counts exactly)"),
		{Claim: "kube-proxy rewrites the entire chain, O(n)", Here: fmt.Sprintf("syncs of each node's kube-proxy for this workload: %d, each of %d lines of KUBE-SERVICES and %v; %v stale on average", t.ProxySyncs, lines, t.ProxySync.Round(time.Millisecond), t.ProxyStaleness.Round(time.Millisecond)),
			Verdict: verdictOf(s.Proxy.Mode == proxymodel.IPTables, NotHere), Why: "loosely true: since 1.28 only the chains of changed services, but KUBE-SERVICES itself always whole, and the legacy binary fetches and uploads the whole table"},
		{Claim: "pods crash and restart, the CNI assigns IPs, a flood of updates for kube-proxy", Here: fmt.Sprintf("crashes: %d, pods bound: %d, updates: %d", t.Crashes, t.Bound, t.ProxySyncs), Verdict: Impossible,
			Why: "a container that restarts keeps its pod's sandbox and its IP: no work for the CNI plugin, one endpoint out and in again, at most one update a second for all; and the report's own pods show 0 restarts"},
		found(t.Creating >= 45*time.Minute, "ContainerCreating for 45 minutes", fmt.Sprintf("%d pods bound in this run, %v ContainerCreating at the longest", t.Bound, t.Creating.Round(time.Second)),
			"the 450 had no node; a pod that is bound within a minute or so before the API servers go finds none for its token and its network (Calico), and its kubelet makes a new sandbox every 10 to 15 s until one is back"),
		found(t.WorstErrors > 0.99, "5xx at 100 %", fmt.Sprintf("%.0f %% of the requests failed at the worst, %d of %d endpoints left at the least", 100*t.WorstErrors, t.MinEndpoints, s.Workload.start()),
			"the running pods keep serving while the control plane is away; it takes silent kubelets (MarkPodsNotReady) to drain the endpoints. Overload by the spike itself is not a matter of the control plane"),
		{Claim: "kubectl scale took ten minutes", Here: fmt.Sprintf("acknowledged %v after the first command, %d commands failed before", t.ScaleAcked.Round(time.Second), t.ScaleFailed), Verdict: scaleFinding(t),
			Why: "the operator waited that long, no command did: --timeout=10m is the limit of waiting for the replicas after the PATCH, and a PATCH or a GET that is refused or times out ends the command at once"},
		found(v.Down >= time.Hour, "02:00 -> 04:00", fmt.Sprintf("degraded after %v, down for %v, impaired for %v", v.Degraded.Round(time.Second), v.Down.Round(time.Second), v.Impaired.Round(time.Second)),
			"the slow disk alone suffices: without the 450 pods the run is the same"),
		{Claim: "killing the etcd pods helped", Here: fmt.Sprintf("recovered %v after the disk did", v.Recovered.Round(time.Second)), Verdict: Partly,
			Why: "it moves leadership off a slow member; but a leader whose disk alone stalls for more than a second loses an election by itself (docs/cascade.md)"},
	}
	return list
}

func found(here bool, claim, value, why string) Observable {
	return Observable{Claim: claim, Here: value, Verdict: verdictOf(here, NotHere), Why: why}
}

func verdictOf(here bool, otherwise Finding) Finding {
	if here {
		return Reproduced
	}
	return otherwise
}

// scaleFinding: that a command is acknowledged late is all that the report says of it.
func scaleFinding(t *story.Totals) Finding {
	if t.ScaleAcked >= 5*time.Minute {
		return Partly
	}
	return NotHere
}

// Observable is one thing that the incident report claims.
type Observable struct {
	Claim   string // the report's words
	Here    string // the value in this run
	Verdict Finding
	Why     string
}

// Finding is what became of a claim.
type Finding string

// The findings.
const (
	Reproduced Finding = "reproduced"
	Partly     Finding = "in part"
	NotHere    Finding = "not in this run"
	Impossible Finding = "impossible on stock Kubernetes"
)
