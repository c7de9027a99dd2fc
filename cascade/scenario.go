package cascade

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/proxymodel"
	"github.com/redline-go/redline/scheduler/retry"
)

// Scenario is a cluster, its load and what goes wrong. Its zero fields mean stock Kubernetes on a healthy disk, and
// two hours in which nothing happens.
type Scenario struct {
	Name    string        `yaml:"name,omitempty"`
	Seed    uint64        `yaml:"seed,omitempty"`
	Length  time.Duration `yaml:"length,omitempty"` // zero: 2 h
	Grid    time.Duration `yaml:"grid,omitempty"`   // of the series; zero: 10 s
	Version Version       `yaml:"-"`                // of Kubernetes; zero: v1.29

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

	// Observe records lost leader leases and failed liveness probes without their consequences: the component goes on,
	// the API server is not restarted. Most of the runs that the model is checked against were made so.
	Observe bool `yaml:"observe,omitempty"`

	// LeaseBreaker is NodeControllerLeaseCircuitBreaker, a live look at a Lease before its node is marked NotReady:
	// 1 on, -1 off, 0 the version's default (on in v1.37, absent in v1.29).
	LeaseBreaker int `yaml:"leaseBreaker,omitempty"`

	// Uptime is how long ago all kubelets were started together: then their five-minute status reports come together, too.
	// Zero: long ago, and spread evenly.
	Uptime time.Duration `yaml:"uptime,omitempty"`

	Actions []Action `yaml:"actions,omitempty"` // in order of time
}

// Version is a version of Kubernetes whose behaviour is modelled.
type Version = retry.Version

// Etcd is the cluster's etcd.
type Etcd struct {
	Version etcdmodel.Version `yaml:"-"`                 // zero: V3_5, that of the incident and of the replays
	Members int               `yaml:"members,omitempty"` // zero: 1
	Fsync   time.Duration     `yaml:"fsync,omitempty"`   // of a healthy disk under load; zero: 1 ms

	// Quota and DB are the limit of the db and its size at the start, in bytes; zero: 2 GiB and 0. A db that meets its quota takes no writes until
	// it is defragmented. How long a quota lasts over days is a question for etcdmodel.
	Quota int `yaml:"quota,omitempty"`
	DB    int `yaml:"db,omitempty"`

	// Before3512 is an etcd before 3.5.12, such as the incident's 3.5.10: a revoked lease does not force a backend commit
	// (etcd pull request 17119).
	Before3512 bool `yaml:"before3512,omitempty"`

	// SeparateEvents keeps Events in an etcd of their own (--etcd-servers-overrides), whose disk stays healthy.
	SeparateEvents bool `yaml:"separateEvents,omitempty"`

	// SeparateLeases does the same with node Leases and leader leases.
	SeparateLeases bool `yaml:"separateLeases,omitempty"`
}

// Leases are the node heartbeat settings.
type Leases struct {
	Renew time.Duration `yaml:"renew,omitempty"` // zero: 10 s
	Grace time.Duration `yaml:"grace,omitempty"` // node-monitor-grace-period; zero: 40 s in v1.29, 50 s in v1.37
}

// Elections are the times of the scheduler's and the controller manager's leader election.
type Elections struct {
	Lease time.Duration `yaml:"lease,omitempty"` // LeaseDuration; zero: 15 s
	Renew time.Duration `yaml:"renew,omitempty"` // RenewDeadline; zero: 10 s
	Retry time.Duration `yaml:"retry,omitempty"` // RetryPeriod; zero: 2 s
}

// Livez is the liveness probe of the API server; kubeadm's by default.
type Livez struct {
	Period   time.Duration `yaml:"period,omitempty"`   // zero: 10 s
	Failures int           `yaml:"failures,omitempty"` // in a row until it is restarted; zero: 8
}

// Workload is the Deployment that is scaled.
type Workload struct {
	Replicas int `yaml:"replicas,omitempty"` // that run at the start; zero: 50, negative: none
	Room     int `yaml:"room,omitempty"`     // how many of its pods the nodes have room for in all; zero: Replicas
	Quota    int `yaml:"quota,omitempty"`    // pods its namespace may hold; zero: any number, negative: none

	HPA     *Autoscaler `yaml:"hpa,omitempty"`     // nil: none
	Retries int         `yaml:"retries,omitempty"` // how often its users' clients try again what failed
}

// start is how many replicas run at the start.
func (w Workload) start() int { return max(0, w.Replicas) }

// quota is how many pods the namespace may hold, negative for any number.
func (w Workload) quota() int {
	if w.Quota == 0 {
		return -1
	}
	return max(0, w.Quota)
}

// quotaOf is the [Workload.Quota] that admits so many pods.
func quotaOf(pods int) int { return or(pods, -1) }

// Proxy is kube-proxy and the Services it serves.
type Proxy struct {
	Mode      proxymodel.Mode `yaml:"-"`                   // zero: iptables
	Services  int             `yaml:"services,omitempty"`  // zero: 100
	Endpoints int             `yaml:"endpoints,omitempty"` // of each; zero: 1
}

// Verb is what an action does.
type Verb string

// The actions.
const (
	Scale   Verb = "scale"   // kubectl scale --replicas=N, with For as its --timeout, to wait for the replicas
	Delay   Verb = "delay"   // every fsync of member N (0: all members) takes For longer from now on
	Silence Verb = "silence" // kubelets stop talking
	Awake   Verb = "awake"   // kubelets start again
	Churn   Verb = "churn"   // a bound pod of another workload is deleted every For from now on; zero stops it
	Stall   Verb = "stall"   // the container runtimes of N nodes hang for For
	Kill    Verb = "kill"    // restart etcd member N (0: the leader): leadership moves
	Clear   Verb = "clear"   // delete all FailedScheduling Events
	Room    Verb = "room"    // the nodes have room for N of the workload's pods in all: other pods went, or came
	Crash   Verb = "crash"   // N of the workload's pods crash, and again whenever they have run for For; N of 0 ends that
	Down    Verb = "down"    // the first N nodes are without power for For: kubelets and pods
	Restart Verb = "restart" // restart What: kube-scheduler, kube-controller-manager, kube-apiserver N or etcd member N (0: all servers, etcd's leader)
	Defrag  Verb = "defrag"  // compact etcd, defragment every member and disarm the quota's alarm
	Load    Verb = "load"    // users' demand becomes N percent of what keeps the running pods at the HPA's target
)

// Action is something that happens at a time.
type Action struct {
	At   time.Duration `yaml:"at"`
	Do   Verb          `yaml:"do"`
	N    int           `yaml:"n,omitempty"`
	For  time.Duration `yaml:"for,omitempty"`
	What string        `yaml:"what,omitempty"` // the component, of restart
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// WithDefaults is the scenario with every zero field replaced by what it means.
func (s Scenario) WithDefaults() Scenario {
	s.Length = or(s.Length, 2*time.Hour)
	s.Grid = or(s.Grid, 10*time.Second)
	s.Nodes = or(s.Nodes, 100)
	s.Servers = or(s.Servers, 1)
	s.Version = or(s.Version, retry.V1_29)
	s.Etcd.Version = or(s.Etcd.Version, etcdmodel.V3_5)
	s.Etcd.Members = or(s.Etcd.Members, 1)
	s.Etcd.Fsync = or(s.Etcd.Fsync, time.Millisecond)
	s.Etcd.Quota = or(s.Etcd.Quota, 2<<30)
	s.Leases.Renew = or(s.Leases.Renew, 10*time.Second)
	grace := 40 * time.Second
	if s.Version != retry.V1_29 {
		grace = 50 * time.Second
	}
	s.Leases.Grace = or(s.Leases.Grace, grace)
	s.Elections.Lease = or(s.Elections.Lease, 15*time.Second)
	s.Elections.Renew = or(s.Elections.Renew, 10*time.Second)
	s.Elections.Retry = or(s.Elections.Retry, 2*time.Second)
	s.Livez.Period = or(s.Livez.Period, 10*time.Second)
	s.Livez.Failures = or(s.Livez.Failures, 8)
	s.Workload.Replicas = or(s.Workload.Replicas, 50)
	s.Workload.Room = or(s.Workload.Room, s.Workload.start())
	s.Pods.Start = or(s.Pods.Start, 2*time.Second)
	s.Proxy.Services = or(s.Proxy.Services, 100)
	s.Proxy.Endpoints = or(s.Proxy.Endpoints, 1)
	return s
}

func bad(field string, value any, want string) error {
	return fmt.Errorf("cascade: %s is %v, want %s", field, value, want)
}

// Check says which field cannot be: the first of them, by name.
func (s Scenario) Check() error {
	s = s.WithDefaults()
	for _, f := range []struct {
		name             string
		value, low, high int
	}{
		{"Scenario.Nodes", s.Nodes, 1, 100_000}, {"Scenario.Servers", s.Servers, 1, 64}, {"Scenario.OtherPods", s.OtherPods, 0, 1000},
		{"Etcd.Members", s.Etcd.Members, 1, 9}, {"Etcd.Quota", s.Etcd.Quota, 1, math.MaxInt}, {"Etcd.DB", s.Etcd.DB, 0, math.MaxInt},
		{"Livez.Failures", s.Livez.Failures, 1, 1000}, {"Workload.Replicas", s.Workload.Replicas, -1, 150_000},
		{"Workload.Room", s.Workload.Room, s.Workload.start(), 150_000}, {"Workload.Quota", s.Workload.Quota, -1, math.MaxInt}, {"Workload.Retries", s.Workload.Retries, 0, 10},
		{"Proxy.Services", s.Proxy.Services, 1, 100_000}, {"Proxy.Endpoints", s.Proxy.Endpoints, 1, 10_000},
	} {
		if f.value < f.low || f.value > f.high {
			return bad(f.name, f.value, fmt.Sprintf("%d to %d", f.low, f.high))
		}
	}
	if err := s.checkTimes(); err != nil {
		return err
	}
	if s.Workload.HPA != nil {
		if err := s.Workload.HPA.check(); err != nil {
			return err
		}
	}
	return s.checkActions()
}

func (s Scenario) checkTimes() error {
	for _, f := range []struct {
		name             string
		value, low, high time.Duration
	}{
		{"Scenario.Length", s.Length, time.Second, 1000 * time.Hour}, {"Scenario.Grid", s.Grid, 100 * time.Millisecond, s.Length},
		{"Scenario.Uptime", s.Uptime, 0, 1000 * time.Hour}, {"Etcd.Fsync", s.Etcd.Fsync, time.Microsecond, time.Minute},
		{"Leases.Renew", s.Leases.Renew, time.Second, time.Hour}, {"Leases.Grace", s.Leases.Grace, time.Second, time.Hour},
		{"Elections.Lease", s.Elections.Lease, s.Elections.Renew + 1, time.Hour}, {"Elections.Renew", s.Elections.Renew, s.Elections.Retry + 1, time.Hour},
		{"Elections.Retry", s.Elections.Retry, 100 * time.Millisecond, time.Hour}, {"Livez.Period", s.Livez.Period, time.Second, time.Hour},
		{"Pods.Start", s.Pods.Start, time.Millisecond, time.Hour},
	} {
		if f.value < f.low || f.value > f.high {
			return bad(f.name, f.value, fmt.Sprintf("%v to %v", f.low, f.high))
		}
	}
	switch {
	case s.Version != retry.V1_29 && s.Version != retry.V1_37:
		return bad("Scenario.Version", s.Version, "v1.29 or v1.37")
	case s.LeaseBreaker < -1 || s.LeaseBreaker > 1:
		return bad("Scenario.LeaseBreaker", s.LeaseBreaker, "-1, 0 or 1")
	case s.Proxy.Mode < proxymodel.IPTables || s.Proxy.Mode > proxymodel.IPVS:
		return bad("Proxy.Mode", int(s.Proxy.Mode), "IPTables, NFTables or IPVS")
	case s.Length/s.Grid > 1_000_000:
		return bad("Scenario.Grid", s.Grid, "at least a millionth of Length")
	}
	return nil
}

func (s Scenario) checkActions() error {
	last := time.Duration(0)
	for i, a := range s.Actions {
		field := fmt.Sprintf("Actions[%d]", i)
		switch {
		case a.At < last:
			return bad(field+".At", a.At, fmt.Sprintf("in order of time, at least %v", last))
		case a.For < 0 || a.For > time.Hour:
			return bad(field+".For", a.For, "0 to 1h")
		case a.Do == Scale && (a.N < 0 || a.N > 150_000):
			return bad(field+".N", a.N, "0 to 150000")
		case a.Do == Room && (a.N < s.Workload.start() || a.N > 150_000):
			return bad(field+".N", a.N, fmt.Sprintf("%d, the pods that run at the start, to 150000", s.Workload.start()))
		case a.Do == Crash && (a.N < 0 || a.N > 150_000):
			return bad(field+".N", a.N, "0 to 150000")
		case a.Do == Crash && a.For > 0 && a.For < time.Second:
			return bad(field+".For", a.For, "0, or 1s to 1h")
		case a.Do == Down && a.For == 0:
			return bad(field+".For", a.For, "above 0 to 1h")
		case a.Do == Restart && !slices.Contains(append(componentNames[:], componentServer, componentEtcd), a.What):
			return bad(field+".What", fmt.Sprintf("%q", a.What), "kube-scheduler, kube-controller-manager, kube-apiserver or etcd")
		case a.Do == Restart && (a.N < 0 || a.N > map[string]int{componentServer: s.Servers, componentEtcd: s.Etcd.Members}[a.What]):
			return bad(field+".N", a.N, "0, or the number of an API server or of a member")
		case a.Do != Restart && a.What != "":
			return bad(field+".What", fmt.Sprintf("%q", a.What), "none: only restart has one")
		case (a.Do == Stall || a.Do == Down) && (a.N < 1 || a.N > s.Nodes):
			return bad(field+".N", a.N, fmt.Sprintf("1 to %d, the nodes", s.Nodes))
		case a.Do == Load && (a.N < 0 || a.N > 1_000_000 || s.Workload.HPA == nil):
			return bad(field+".N", a.N, "0 to 1000000, and a Workload.HPA to notice")
		case (a.Do == Delay || a.Do == Kill) && (a.N < 0 || a.N > s.Etcd.Members):
			return bad(field+".N", a.N, fmt.Sprintf("0 to %d, the members", s.Etcd.Members))
		}
		switch a.Do {
		case Scale, Delay, Silence, Awake, Stall, Churn, Kill, Clear, Load, Room, Crash, Down, Restart, Defrag:
		default:
			return bad(field+".Do", a.Do, "scale, delay, silence, awake, stall, churn, kill, clear, load, room, crash, down, restart or defrag")
		}
		last = a.At
	}
	return nil
}
