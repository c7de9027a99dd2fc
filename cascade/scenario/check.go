package scenario

import (
	"fmt"
	"math"
	"time"

	"github.com/redline-go/redline/proxymodel"
)

// mostPods is the number of pods that Kubernetes supports in a cluster (kubernetes.io,
// Considerations for large clusters).
const mostPods = 150_000

// Check returns an error that names the first field with an impossible value.
func (s Scenario) Check() error {
	if _, err := s.Version.In("cascade: Scenario.Version", Modelled()); err != nil {
		return err
	}
	s = s.WithDefaults()
	if err := s.checkNumbers(); err != nil {
		return err
	}
	if err := s.checkTimes(); err != nil {
		return err
	}
	if s.Proxy.Mode < proxymodel.IPTables || s.Proxy.Mode > proxymodel.IPVS {
		return bad("Proxy.Mode", int(s.Proxy.Mode), "IPTables, NFTables or IPVS")
	}
	if s.Workload.HPA != nil {
		if err := s.Workload.HPA.check(); err != nil {
			return err
		}
	}
	return s.checkActions()
}

func (s Scenario) checkNumbers() error {
	quota := 0
	if s.Workload.Quota != nil {
		quota = *s.Workload.Quota
	}
	for _, f := range []struct {
		name             string
		value, low, high int
	}{
		{"Scenario.Nodes", s.Nodes, 1, 100_000},
		{"Scenario.Servers", s.Servers, 1, 64},
		{"Scenario.OtherPods", s.OtherPods, 0, 1000},
		{"Etcd.Members", s.Etcd.Members, 1, 9},
		{"Etcd.Quota", s.Etcd.Quota, 1, math.MaxInt},
		{"Etcd.DB", s.Etcd.DB, 0, math.MaxInt},
		{"Livez.Failures", s.Livez.Failures, 1, 1000},
		{"Workload.Replicas", s.Workload.Start(), 0, mostPods},
		{"Workload.Room", s.Workload.Room, s.Workload.Start(), mostPods},
		{"Workload.Quota", quota, 0, math.MaxInt},
		{"Workload.Retries", s.Workload.Retries, 0, 10},
		{"Proxy.Services", s.Proxy.Services, 1, 100_000},
		{"Proxy.Endpoints", s.Proxy.Endpoints, 1, 10_000},
	} {
		if f.value < f.low || f.value > f.high {
			return bad(f.name, f.value, fmt.Sprintf("%d to %d", f.low, f.high))
		}
	}
	return nil
}

func (s Scenario) checkTimes() error {
	for _, f := range []struct {
		name             string
		value, low, high time.Duration
	}{
		{"Scenario.Length", s.Length, time.Second, 1000 * time.Hour},
		{"Scenario.Grid", s.Grid, 100 * time.Millisecond, s.Length},
		{"Scenario.Uptime", s.Uptime, 0, 1000 * time.Hour},
		{"Etcd.Fsync", s.Etcd.Fsync, time.Microsecond, time.Minute},
		{"Leases.Renew", s.Leases.Renew, time.Second, time.Hour},
		{"Leases.Grace", s.Leases.Grace, time.Second, time.Hour},
		{"Elections.Lease", s.Elections.Lease, s.Elections.Renew + 1, time.Hour},
		{"Elections.Renew", s.Elections.Renew, s.Elections.Retry + 1, time.Hour},
		{"Elections.Retry", s.Elections.Retry, 100 * time.Millisecond, time.Hour},
		{"Livez.Period", s.Livez.Period, time.Second, time.Hour},
		{"Pods.Start", s.Pods.Start, time.Millisecond, time.Hour},
	} {
		if f.value < f.low || f.value > f.high {
			return bad(f.name, f.value, fmt.Sprintf("%v to %v", f.low, f.high))
		}
	}
	if s.Length/s.Grid > 1_000_000 {
		return bad("Scenario.Grid", s.Grid, "at least a millionth of Length")
	}
	return nil
}

func (a Autoscaler) check() error {
	a = a.WithDefaults()
	switch {
	case a.Target < 1 || a.Target > 10_000:
		return bad("HPA.Target", a.Target, "1 to 10000 %")
	case a.Min < 1 || a.Max < a.Min || a.Max > mostPods:
		return bad("HPA.Max", a.Max, fmt.Sprintf("Min (%d) to 150000", a.Min))
	case a.Request < 1 || a.Limit < a.Request:
		return bad("HPA.Limit", a.Limit, fmt.Sprintf("at least Request (%d)", a.Request))
	}
	return nil
}

func (s Scenario) checkActions() error {
	last := time.Duration(0)
	for i, a := range s.Actions {
		field := fmt.Sprintf("Actions[%d]", i)
		if a.At < last {
			return bad(field+".At", a.At, fmt.Sprintf("in order of time, at least %v", last))
		}
		if a.For < 0 || a.For > time.Hour {
			return bad(field+".For", a.For, "0 to 1h")
		}
		rule, found := rules[a.Do]
		if !found {
			return bad(field+".Do", a.Do, "scale, delay, silence, awake, stall, churn, kill, clear, load, room, "+
				"crash, down, restart or defrag")
		}
		if a.Do != Restart && a.What != "" {
			return bad(field+".What", fmt.Sprintf("%q", a.What), "none: only restart has one")
		}
		if rule != nil {
			if part, value, want := rule(&s, a); part != "" {
				return bad(field+"."+part, value, want)
			}
		}
		last = a.At
	}
	return nil
}

// rule returns the part of an action that cannot be, its value and what is wanted; no part means
// that all is well.
type rule func(s *Scenario, a Action) (part string, value any, want string)

// rules holds what each verb asks of its action. Nil: nothing.
var rules = map[Verb]rule{
	Scale: pods, Delay: member, Silence: nil, Awake: nil, Stall: ofNodes,
	Churn: nil, Kill: member, Clear: nil, Defrag: nil,
	Room: func(s *Scenario, a Action) (string, any, string) {
		start := s.Workload.Start()
		return within(a.N, start, mostPods, fmt.Sprintf("%d, the pods that run at the start, to 150000", start))
	},
	Crash: func(s *Scenario, a Action) (string, any, string) {
		if a.For > 0 && a.For < time.Second {
			return "For", a.For, "0, or 1s to 1h"
		}
		return pods(s, a)
	},
	Down: func(s *Scenario, a Action) (string, any, string) {
		if a.For == 0 {
			return "For", a.For, "above 0 to 1h"
		}
		return ofNodes(s, a)
	},
	Load: func(s *Scenario, a Action) (string, any, string) {
		const want = "0 to 1000000, and a Workload.HPA to notice"
		if s.Workload.HPA == nil {
			return "N", a.N, want
		}
		return within(a.N, 0, 1_000_000, want)
	},
	Restart: func(s *Scenario, a Action) (string, any, string) {
		most, known := map[string]int{
			KubeScheduler: 0, KubeControllerManager: 0, KubeAPIServer: s.Servers, EtcdMember: s.Etcd.Members,
		}[a.What]
		if !known {
			return "What", fmt.Sprintf("%q", a.What), "kube-scheduler, kube-controller-manager, kube-apiserver or etcd"
		}
		return within(a.N, 0, most, "0, or the number of an API server or of a member")
	},
}

// within is a [rule] on N.
func within(n, low, high int, want string) (part string, value any, _ string) {
	if n < low || n > high {
		return "N", n, want
	}
	return "", nil, ""
}

func pods(_ *Scenario, a Action) (part string, value any, want string) {
	return within(a.N, 0, mostPods, "0 to 150000")
}

func member(s *Scenario, a Action) (part string, value any, want string) {
	return within(a.N, 0, s.Etcd.Members, fmt.Sprintf("0 to %d, the members", s.Etcd.Members))
}

func ofNodes(s *Scenario, a Action) (part string, value any, want string) {
	return within(a.N, 1, s.Nodes, fmt.Sprintf("1 to %d, the nodes", s.Nodes))
}
