package cascade

import (
	"time"

	"github.com/redline-go/redline/scheduler/retry"
)

// Scenario is a cluster, its load and what goes wrong. Its zero fields mean stock Kubernetes on a healthy disk.
type Scenario struct {
	Name    string
	Seed    uint64
	Length  time.Duration // zero: 2 h
	Grid    time.Duration // of the series; zero: 10 s
	Version Version       // of Kubernetes

	Nodes     int // zero: 100
	Servers   int // API servers; zero: 1
	OtherPods int // pods on each node that are not the workload's

	Etcd      Etcd
	Leases    Leases
	Elections Elections
	Livez     Livez
	Workload  Workload

	// Restarts: a lost leader lease ends the process and failed probes restart the API server, as in a real cluster.
	// Without it both are only recorded, as in most of the runs that the model is checked against.
	Restarts bool

	// LeaseCircuitBreaker: 1 on, -1 off, 0 the version's default.
	LeaseCircuitBreaker int

	// Uptime is how long ago all kubelets were started together: then their five-minute reports come together, too.
	// Zero: long ago, and spread evenly.
	Uptime time.Duration

	Actions []Action
}

// Version is a version of Kubernetes whose behaviour is modelled.
type Version = retry.Version

// Etcd is the cluster's etcd.
type Etcd struct {
	Version string
	Members int
	Fsync   time.Duration // of a healthy disk; zero: 1 ms
}

// Leases are the node heartbeat settings.
type Leases struct {
	Renew time.Duration // zero: 10 s
	Grace time.Duration // node-monitor-grace-period; zero: the version's, 40 s or 50 s
}

// Livez is the liveness probe of the API server, kubeadm's by default.
type Livez struct {
	Period   time.Duration // zero: 10 s
	Failures int           // zero: 8
}

// Workload is the Deployment that is scaled.
type Workload struct {
	Replicas int // that run at the start; zero: 50
	Room     int // how many of its pods the nodes have room for; zero: Replicas
	Quota    int // pods its namespace may hold; zero: any number
}

// Verb is what an action does.
type Verb string

// The actions.
const (
	Scale    Verb = "scale"    // set the workload's replicas to N
	Delay    Verb = "delay"    // every fsync takes For longer
	Silence  Verb = "silence"  // kubelets stop
	Awake    Verb = "awake"    // kubelets start again
	Churn    Verb = "churn"    // from now on a bound pod is deleted every For; zero stops it
)

// Action is something that happens at a time.
type Action struct {
	At  time.Duration
	Do  Verb
	N   int
	For time.Duration
}
