package story

import (
	"fmt"
	"time"
)

// Event is a line of the story. Events of one kind and cause that follow each other closely are
// one Event with their number N. Closely means within 15 s for most kinds, and within 10 min for a
// crash loop's attempts.
type Event struct {
	At    time.Duration // since the start
	Until time.Duration // of the last of N
	Kind  Kind
	Cause Cause
	N     int
	Who   string // the first of them
}

// String returns the event as one line.
func (e Event) String() string {
	n := ""
	if e.N > 1 {
		n = fmt.Sprintf(" (and %d more by %s)", e.N-1, clock(e.Until))
	}
	return fmt.Sprintf("%s  %-28s %s%s  <- %s", clock(e.At), e.Kind, e.Who, n, e.Cause)
}

// clock formats a time since the start as h:mm:ss.
func clock(d time.Duration) string {
	s := int(d.Seconds())
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// Kind names a kind of event.
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

// Cause names what an event follows from: an edge of the cascade's loops (L1 to L11 in
// docs/cascade.md), or what the scenario did. Loops that no event follows from have no name here:
// L2 and L5 show in the series.
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
