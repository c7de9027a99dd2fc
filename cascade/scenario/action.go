package scenario

import "time"

// Components that [Restart] can name in [Action.What].
const (
	KubeScheduler         = "kube-scheduler"
	KubeControllerManager = "kube-controller-manager"
	KubeAPIServer         = "kube-apiserver"
	EtcdMember            = "etcd"
)

// Verb names an action.
type Verb string

// The actions.
const (
	// Scale is kubectl scale --replicas=N. For is its --timeout, to wait for the replicas.
	Scale Verb = "scale"
	// Delay makes every fsync of member N (0: all members) take For longer from now on.
	Delay Verb = "delay"
	// Silence stops all kubelets from talking to the API server.
	Silence Verb = "silence"
	// Awake starts the kubelets again.
	Awake Verb = "awake"
	// Churn deletes a bound pod of another workload every For from now on. Zero stops it.
	Churn Verb = "churn"
	// Stall hangs the container runtimes of N nodes for For.
	Stall Verb = "stall"
	// Kill restarts etcd member N (0: the leader), so that leadership moves.
	Kill Verb = "kill"
	// Clear deletes all FailedScheduling Events.
	Clear Verb = "clear"
	// Room sets how many of the workload's pods the nodes hold in all: other pods went, or came.
	Room Verb = "room"
	// Crash makes N of the workload's pods crash, and again whenever they have run for For. N of 0
	// ends that.
	Crash Verb = "crash"
	// Down takes the power from the first N nodes for For: kubelets and pods.
	Down Verb = "down"
	// Restart restarts What: kube-scheduler, kube-controller-manager, kube-apiserver N or etcd
	// member N (0: all servers, etcd's leader).
	Restart Verb = "restart"
	// Defrag compacts etcd, defragments every member and disarms the quota's alarm.
	Defrag Verb = "defrag"
	// Load sets the users' demand to N percent of what keeps the running pods at the HPA's target.
	Load Verb = "load"
)

// Action is something that happens at a time.
type Action struct {
	At   time.Duration `yaml:"at"` // since the start
	Do   Verb          `yaml:"do"`
	N    int           `yaml:"n,omitempty"`
	For  time.Duration `yaml:"for,omitempty"`
	What string        `yaml:"what,omitempty"` // the component, of [Restart]
}

// LongestDelay returns the index of the first action that delays the disk most, or -1.
func (s *Scenario) LongestDelay() int {
	best := -1
	for i, a := range s.Actions {
		if a.Do == Delay && a.For > 0 && (best < 0 || a.For > s.Actions[best].For) {
			best = i
		}
	}
	return best
}
