// Package scenario describes a cluster, its load and what goes wrong in it: the input of package
// cascade.
//
//	s := scenario.Scenario{Nodes: 100, Actions: []scenario.Action{
//		{At: 30 * time.Second, Do: scenario.Scale, N: 500},
//		{At: 2 * time.Minute, Do: scenario.Delay, For: 4 * time.Second}, // every fsync of etcd
//		{At: 5 * time.Minute, Do: scenario.Delay},                       // the disk is fast again
//	}}
//	result, err := cascade.Run(ctx, s)
//
// [Read] reads a scenario from YAML. A [Parameter] varies one number of it. A [Change] is what
// could have been done before.
package scenario

import (
	"cmp"
	"fmt"
	"time"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/kube"
	"github.com/redline-go/redline/proxymodel"
)

// Scenario is a cluster, its load and what goes wrong. Zero fields mean stock Kubernetes on a
// healthy disk, and two hours in which nothing happens.
type Scenario struct {
	Name    string        `yaml:"name,omitempty"` // for titles; it changes no result
	Seed    uint64        `yaml:"seed,omitempty"`
	Length  time.Duration `yaml:"length,omitempty"` // zero: 2 h
	Grid    time.Duration `yaml:"grid,omitempty"`   // of the series; zero: 10 s
	Version kube.Version  `yaml:"-"`                // of Kubernetes; zero: the newest of [Modelled]

	Nodes     int `yaml:"nodes,omitempty"`     // zero: 100
	Servers   int `yaml:"servers,omitempty"`   // API servers; zero: 1
	OtherPods int `yaml:"otherPods,omitempty"` // pods on each node that are not the workload's

	Etcd      Etcd      `yaml:"-"`
	Leases    Leases    `yaml:"leases,omitempty"`
	Elections Elections `yaml:"elections,omitempty"`
	Livez     Livez     `yaml:"livez,omitempty"`
	Workload  Workload  `yaml:"workload,omitempty"`
	Pods      Pods      `yaml:"pods,omitempty"` // how the workload's start
	Proxy     Proxy     `yaml:"-"`

	// Observe records lost leader leases and failed liveness probes without their consequences:
	// the component goes on, and the API server is not restarted. Most of the runs that the model
	// is checked against were made so.
	Observe bool `yaml:"observe,omitempty"`

	// LeaseBreaker is the feature gate NodeControllerLeaseCircuitBreaker: a live read of a Lease
	// before its node is marked NotReady. Nil: as in the version, on in v1.37 and absent in v1.29.
	LeaseBreaker *bool `yaml:"leaseBreaker,omitempty"`

	// Uptime says how long ago all kubelets were started together. Their five-minute status
	// reports then come together, too. Zero: long ago, and spread evenly.
	Uptime time.Duration `yaml:"uptime,omitempty"`

	Actions []Action `yaml:"actions,omitempty"` // in order of time
}

// Modelled returns the releases of Kubernetes that a scenario can name, oldest first. All patch
// releases of these minors behave alike here. Any other minor is an error that names its
// neighbours, since no release stands for another. What differs between v1.29 and v1.37:
//
//   - the node-monitor-grace-period, 40 s and 50 s, and the look at a Lease before its node is
//     marked NotReady (NodeControllerLeaseCircuitBreaker), absent and on;
//   - the scheduler's queue: no queueing hints, and hints with pods taken out of their backoff
//     early (package scheduler/retry);
//   - the autoscaler's tolerance, bounds and scale to zero (package hpa);
//   - kube-proxy's sync runner, a bucket of two syncs and a fixed distance, and what its modes
//     write (package proxymodel);
//   - how long a kubelet waits before it looks at a crashed container again: 10 s, and until the
//     backoff ends but a minute at most.
func Modelled() []kube.Version { return []kube.Version{kube.V1_29, kube.V1_37} }

// Etcd is the cluster's etcd.
type Etcd struct {
	Version etcdmodel.Version `yaml:"-"`                 // zero: the newest of [etcdmodel.Modelled]
	Members int               `yaml:"members,omitempty"` // zero: 1
	Fsync   time.Duration     `yaml:"fsync,omitempty"`   // of a healthy disk under load; zero: 1 ms

	// Quota and DB are the limit of the db and the size of its file at the start, in bytes. Zero: 2
	// GiB and 0. All of DB is in use, by objects that live: each compaction reads them, too.
	// A db that meets its quota takes no writes until it is defragmented. Ask etcdmodel how long a
	// quota lasts over days.
	Quota int `yaml:"quota,omitempty"`
	DB    int `yaml:"db,omitempty"`

	// Before3512 means an etcd before 3.5.12, such as the incident's 3.5.10: a revoked lease does
	// not force a backend commit (etcd pull request 17119).
	Before3512 bool `yaml:"before3512,omitempty"`

	// SeparateEvents keeps Events in an etcd of their own (--etcd-servers-overrides), whose disk
	// stays healthy.
	SeparateEvents bool `yaml:"separateEvents,omitempty"`

	// SeparateLeases does the same with node Leases and leader leases.
	SeparateLeases bool `yaml:"separateLeases,omitempty"`
}

// Leases are the settings of the node heartbeat.
type Leases struct {
	Renew time.Duration `yaml:"renew,omitempty"` // zero: 10 s

	// Grace is node-monitor-grace-period. Zero: 40 s in v1.29, 50 s in v1.37.
	Grace time.Duration `yaml:"grace,omitempty"`
}

// Elections are the times of the leader election of scheduler and controller manager.
type Elections struct {
	Lease time.Duration `yaml:"lease,omitempty"` // LeaseDuration; zero: 15 s
	Renew time.Duration `yaml:"renew,omitempty"` // RenewDeadline; zero: 10 s
	Retry time.Duration `yaml:"retry,omitempty"` // RetryPeriod; zero: 2 s
}

// Livez is the liveness probe of the API server, kubeadm's by default.
type Livez struct {
	Period   time.Duration `yaml:"period,omitempty"`   // zero: 10 s
	Failures int           `yaml:"failures,omitempty"` // in a row until it is restarted; zero: 8
}

// Workload is the Deployment that is scaled.
type Workload struct {
	Replicas *int `yaml:"replicas,omitempty"` // that run at the start; nil: 50
	Room     int  `yaml:"room,omitempty"`     // how many of its pods the nodes hold in all; zero: Replicas
	Quota    *int `yaml:"quota,omitempty"`    // pods that its namespace may hold; nil: any number

	HPA     *Autoscaler `yaml:"hpa,omitempty"`     // nil: none
	Retries int         `yaml:"retries,omitempty"` // how often its users' clients try again what failed
}

// defaultReplicas is the number of replicas of the incident.
const defaultReplicas = 50

// Start returns how many replicas run at the start.
func (w Workload) Start() int {
	if w.Replicas == nil {
		return defaultReplicas
	}
	return *w.Replicas
}

// Autoscaler is a HorizontalPodAutoscaler on the workload's CPU, with the default behaviour of
// package hpa.
type Autoscaler struct {
	Target  int `yaml:"target,omitempty"`  // averageUtilization in percent of the request; zero: 80
	Min     int `yaml:"min,omitempty"`     // minReplicas; zero: 1
	Max     int `yaml:"max"`               // maxReplicas
	Request int `yaml:"request,omitempty"` // of each pod, in millicores; zero: 200, the incident's
	Limit   int `yaml:"limit,omitempty"`   // of each pod, in millicores; zero: 500, the incident's
}

// WithDefaults returns the autoscaler with every zero field replaced by its default.
func (a Autoscaler) WithDefaults() Autoscaler {
	a.Target, a.Min = cmp.Or(a.Target, 80), cmp.Or(a.Min, 1)
	a.Request, a.Limit = cmp.Or(a.Request, 200), cmp.Or(a.Limit, 500)
	return a
}

// Pods says how the workload's pods start on their nodes.
type Pods struct {
	// Start is the time from a pod's network to Ready: its containers' creation from an image that
	// the node has, the process's start, its readiness probe. Zero: 2 s, assumed. Kubernetes' own
	// objective is 5 s for all of it (sig-scalability, pod startup latency).
	Start time.Duration `yaml:"start,omitempty"`

	// CNINeedsAPI means a CNI plugin whose ADD asks the API server, as Calico's with the Kubernetes
	// datastore does. It reads the pod, the IP pools, the node's block affinity and the block. Then
	// it writes a handle, the block and the pod's annotation, one after the other. Calico's
	// host-wide lock and what it does to release addresses cost nothing here. False: a plugin that
	// keeps its addresses on the node, as host-local does.
	CNINeedsAPI bool `yaml:"cniNeedsAPI,omitempty"`

	// Liveness adds a liveness probe with the default period and failures. A pod at its CPU limit
	// fails it.
	Liveness bool `yaml:"liveness,omitempty"`
}

// Proxy is kube-proxy and the Services it serves.
type Proxy struct {
	Mode      proxymodel.Mode `yaml:"-"`                   // zero: iptables
	Services  int             `yaml:"services,omitempty"`  // zero: 100
	Endpoints int             `yaml:"endpoints,omitempty"` // of each; zero: 1
}

// WithDefaults returns the scenario with every zero field replaced by what it means, and its
// version by the entry of [Modelled] that it behaves as.
func (s Scenario) WithDefaults() Scenario {
	s.Length = cmp.Or(s.Length, 2*time.Hour)
	s.Grid = cmp.Or(s.Grid, 10*time.Second)
	if v, err := s.Version.In("", Modelled()); err == nil { // else Check says so
		s.Version = v
	}
	s.Nodes = cmp.Or(s.Nodes, 100)
	s.Servers = cmp.Or(s.Servers, 1)
	s.Etcd = s.Etcd.withDefaults()
	s.Leases.Renew = cmp.Or(s.Leases.Renew, 10*time.Second)
	grace, breaker := 50*time.Second, true
	if s.Version == kube.V1_29 {
		grace, breaker = 40*time.Second, false
	}
	s.Leases.Grace = cmp.Or(s.Leases.Grace, grace)
	s.LeaseBreaker = cmp.Or(s.LeaseBreaker, &breaker)
	s.Elections.Lease = cmp.Or(s.Elections.Lease, 15*time.Second)
	s.Elections.Renew = cmp.Or(s.Elections.Renew, 10*time.Second)
	s.Elections.Retry = cmp.Or(s.Elections.Retry, 2*time.Second)
	s.Livez.Period = cmp.Or(s.Livez.Period, 10*time.Second)
	s.Livez.Failures = cmp.Or(s.Livez.Failures, 8)
	s.Workload.Replicas = cmp.Or(s.Workload.Replicas, new(defaultReplicas))
	s.Workload.Room = cmp.Or(s.Workload.Room, s.Workload.Start())
	s.Pods.Start = cmp.Or(s.Pods.Start, 2*time.Second)
	s.Proxy.Services = cmp.Or(s.Proxy.Services, 100)
	s.Proxy.Endpoints = cmp.Or(s.Proxy.Endpoints, 1)
	return s
}

func (e Etcd) withDefaults() Etcd {
	e.Version = cmp.Or(e.Version, etcdmodel.V3_7)
	e.Members = cmp.Or(e.Members, 1)
	e.Fsync = cmp.Or(e.Fsync, time.Millisecond)
	e.Quota = cmp.Or(e.Quota, 2<<30)
	return e
}

func bad(field string, value any, want string) error {
	return fmt.Errorf("cascade: %s is %v, want %s", field, value, want)
}
