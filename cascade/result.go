package cascade

import (
	"fmt"
	"time"
)

// Result is what a [Run] found.
type Result struct {
	Scenario Scenario
	Timeline []Event
	Grid     time.Duration
	Series   []Series
	Verdict  Verdict
	Totals   Totals
	// Observables of the incident report, each reproduced or impossible, if the scenario is the incident's.
	Observables []Observable
	Warnings    []error // of kube-proxy's costs: beyond what was measured, or unknown
}

// Event is a line of the story. Events of the same kind and cause that follow each other closely, within 15 s for most kinds and 10 min for
// a crash loop's attempts, are one, with N.
type Event struct {
	At    time.Duration
	Until time.Duration // of the last of N
	Kind  Kind
	Cause Cause
	N     int
	Who   string // the first of them
}

// String is one line.
func (e Event) String() string {
	n := ""
	if e.N > 1 {
		n = fmt.Sprintf(" (and %d more by %s)", e.N-1, clock(e.Until))
	}
	return fmt.Sprintf("%s  %-28s %s%s  <- %s", clock(e.At), e.Kind, e.Who, n, e.Cause)
}

// clock is a time since the start as h:mm:ss.
func clock(d time.Duration) string {
	s := int(d.Seconds())
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// Kind is a kind of event.
type Kind string

// The kinds of events.
const (
	DiskSlow       Kind = "disk slows down"
	DiskFast       Kind = "disk is fast again"
	Scaled         Kind = "replicas set"
	PodsRefused    Kind = "quota refuses pods"
	KubeletsSilent Kind = "kubelets fall silent"
	KubeletsAwake  Kind = "kubelets are back"
	RuntimeStalls  Kind = "container runtimes hang"
	RenewalsFail   Kind = "lease renewals fail"
	RenewalsLand   Kind = "lease renewals land again"
	LeaderLost     Kind = "leader lease lost"
	LeaderAcquired Kind = "leader lease acquired"
	LivezFails     Kind = "liveness probe fails"
	ServerKilled   Kind = "API server killed"
	ServerReady    Kind = "API server is back"
	ServerExits    Kind = "API server exits at start"
	ReadTimeout    Kind = "504 on a read"
	NodeNotReady   Kind = "node NotReady"
	NodeReady      Kind = "node Ready"
	Drained        Kind = "endpoints drained"
	Refilled       Kind = "endpoints complete again"
	Disruption     Kind = "every node NotReady: evictions stop"
	Evicted        Kind = "taint evicts pods"
	EtcdElection   Kind = "etcd elects a leader"
	MemberKilled   Kind = "etcd member killed"
	EventsCleared  Kind = "Events cleared"
	PodsWait       Kind = "pods stay ContainerCreating"
	PodsStart      Kind = "pods run at last"
	PodsCrash      Kind = "containers crash"
	CrashesEnd     Kind = "containers crash no more"
	RoomChanged    Kind = "room for pods"
	NodesDown      Kind = "nodes lose power"
	NodesUp        Kind = "nodes boot"
	ScaleFails     Kind = "kubectl scale fails"
	ScaleAcked     Kind = "kubectl scale acknowledged"
	Restarted      Kind = "component restarted"
	Defragmented   Kind = "etcd defragmented"
	QuotaReached   Kind = "etcd is full: NOSPACE"
)

// Cause is what an event follows from: an edge of the cascade's loops (L1 to L11 in docs/cascade.md), or what the scenario did. Loops that no
// event follows from have no name here: L2 and L5 show in the series.
type Cause string

// The causes.
const (
	ByScenario Cause = "scenario"
	ByOperator Cause = "operator"
	ByLoad     Cause = "load"
	ByRecovery Cause = "latency back to normal"
	L1         Cause = "L1 latency -> lease timeout -> NotReady"
	L3         Cause = "L3 etcd check -> /livez -> API server restart"
	L4         Cause = "L4 leader lease lost -> exit -> crash loop"
	L6         Cause = "L6 a timed-out proposal still commits -> wasted work"
	L7         Cause = "L7 HPA latch"
	L8         Cause = "L8 eviction -> replacement -> more Pending"
	L9         Cause = "L9 the db grows"
	L10        Cause = "L10 endpoints drained -> load on few pods"
	L11        Cause = "L11 full disruption stops evictions"
	BySilence  Cause = "kubelets silent"
	ByOverload Cause = "overload -> liveness probe -> restart"
	ByNoAnswer Cause = "the API server does not answer"
	ByPodNeeds Cause = "token and CNI need the API server"
	ByRuntime  Cause = "PLEG: no relist for 3 min -> Ready=False"
)

// Series is one quantity on the grid: Values[i] is at i x Result.Grid; rates, users' failing requests and dead endpoints are over the interval that ends there.
type Series struct {
	Name, Unit string
	Values     []float64
}

// State is a verdict on a run.
type State string

// The states.
const (
	Healthy    State = "healthy"    // leases renewed, leaders leading, nodes Ready throughout
	Degraded   State = "degraded"   // not so, but for no longer than Outlast after the trigger was gone
	Metastable State = "metastable" // renewals failed or nodes were NotReady for longer than that after the trigger was gone
)

// Outlast is how long a cluster may stay down after its trigger is gone before that counts as metastable: one grace period.
const Outlast = 40 * time.Second

// Verdict is how the run ended. Times are zero where there is nothing to measure.
type Verdict struct {
	State     State
	Degraded  time.Duration // from the trigger to the first sign
	Recovered time.Duration // from the trigger's end to the last sign
	Down      time.Duration // in which renewals failed, nodes were NotReady or endpoints drained
	Impaired  time.Duration // in which a leader lease or an API server was lost, or Down
}

// Totals are counts over the whole run.
type Totals struct {
	Writes, Proposals, Wasted        int // that landed; that committed; of which changed nothing
	LeasesLanded, LeasesAsked        int
	LeasesFailed                     int // PUTs that were answered with an error, a conflict or not at all
	PeakNotReady, PeakPending        int
	FirstNotReady                    time.Duration // since the start; negative: never
	Attempts, Patches, Events, Bound int           // of the scheduler
	ScaleTook                        time.Duration // the longest from a scale command until the replicas were set
	ScaleAcked                       time.Duration // until kubectl said so: with a timeout, when the replicas are there
	ScaleFailed                      int           // kubectl commands that ended with an error
	EventsPerMinute                  float64       // the most in one minute, by the scheduler
	PodsCreated, PodsRefused         int
	Evictions                        int
	LeaderLosses, ServerKills        int
	FirstLeaderLoss, FirstKill       time.Duration
	ReadTimeouts                     int
	PLEGFails                        int // times that a kubelet found its runtime's last relist too old
	DBGrowth                         int // bytes of revisions written
	WALFsyncs, BackendCommits        int
	LeaseP50, LeaseP99               time.Duration // of PUTs while the disk was slow
	CommitP99                        time.Duration // of etcd writes over the whole run
	MinEndpoints                     int
	Crashes                          int           // of the workload's containers
	Creating                         time.Duration // the longest that a bound pod was ContainerCreating
	WorstErrors                      float64       // the largest share of user requests that failed, over one interval of the grid
	ErrorSeconds                     float64       // user requests that failed, as seconds of all of them failing
	ProxySync, ProxyStaleness        time.Duration
	ProxySyncs                       int           // of each node's kube-proxy for the workload's endpoints
	DB                               int64         // bytes of etcd's db file at the end
	NoSpace                          time.Duration // when etcd's quota was reached, since the start; negative: never
	Term                             int           // elections of etcd's since the start
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

// Values is the series of that name, nil if there is none.
func (r *Result) Values(name string) []float64 {
	for i := range r.Series {
		if r.Series[i].Name == name {
			return r.Series[i].Values
		}
	}
	return nil
}
