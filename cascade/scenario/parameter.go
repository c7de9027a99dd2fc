package scenario

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Parameter names a number of a [Scenario] that maps and sweeps vary.
type Parameter string

// The parameters. Times are in seconds, the others are counts.
const (
	ParamDelay    Parameter = "delay"    // the longest of the fsync delays; the others keep their share of it
	ParamDuration Parameter = "duration" // of the longest delay, until the next action on the disk
	ParamFsync    Parameter = "fsync"    // of the healthy disk
	ParamNodes    Parameter = "nodes"
	ParamServers  Parameter = "servers" // API servers
	ParamMembers  Parameter = "members" // of etcd
	ParamPending  Parameter = "pending" // replicas asked for beyond those that run at the start
	ParamPods     Parameter = "pods"    // on each node that are not the workload's
	ParamRenew    Parameter = "renew"   // node Lease renewal period
	ParamGrace    Parameter = "grace"   // node-monitor-grace-period
	ParamLease    Parameter = "lease"   // LeaseDuration; RenewDeadline and RetryPeriod keep their share of it
	ParamLivez    Parameter = "livez"   // failed liveness probes until an API server is restarted
	ParamServices Parameter = "services"
)

// parameter says how a [Parameter] changes a scenario.
type parameter struct {
	name  Parameter
	whole bool // values are rounded
	zero  bool // 0 is a value, not the field's default
	set   func(*Scenario, float64) error
}

var parameters = []parameter{
	{name: ParamDelay, zero: true, set: setDelay},
	{name: ParamDuration, zero: true, set: setDuration},
	{name: ParamFsync, set: setTime(func(s *Scenario) *time.Duration { return &s.Etcd.Fsync })},
	{name: ParamNodes, whole: true, set: setCount(func(s *Scenario) *int { return &s.Nodes })},
	{name: ParamServers, whole: true, set: setCount(func(s *Scenario) *int { return &s.Servers })},
	{name: ParamMembers, whole: true, set: setCount(func(s *Scenario) *int { return &s.Etcd.Members })},
	{name: ParamPending, whole: true, zero: true, set: setPending},
	{name: ParamPods, whole: true, zero: true, set: setCount(func(s *Scenario) *int { return &s.OtherPods })},
	{name: ParamRenew, set: setTime(func(s *Scenario) *time.Duration { return &s.Leases.Renew })},
	{name: ParamGrace, set: setTime(func(s *Scenario) *time.Duration { return &s.Leases.Grace })},
	{name: ParamLease, set: setLease},
	{name: ParamLivez, whole: true, set: setCount(func(s *Scenario) *int { return &s.Livez.Failures })},
	{name: ParamServices, whole: true, set: setCount(func(s *Scenario) *int { return &s.Proxy.Services })},
}

func setTime(field func(*Scenario) *time.Duration) func(*Scenario, float64) error {
	return func(s *Scenario, v float64) error { *field(s) = seconds(v); return nil }
}

func setCount(field func(*Scenario) *int) func(*Scenario, float64) error {
	return func(s *Scenario, v float64) error { *field(s) = int(v); return nil }
}

// Parameters returns all parameters, in a fixed order.
func Parameters() []Parameter {
	names := make([]Parameter, len(parameters))
	for i, p := range parameters {
		names[i] = p.name
	}
	return names
}

// Whole reports whether the parameter counts something, so that its values are rounded.
func (p Parameter) Whole() bool {
	i := p.index()
	return i >= 0 && parameters[i].whole
}

func (p Parameter) index() int {
	return slices.IndexFunc(parameters, func(q parameter) bool { return q.name == p })
}

// Apply returns the scenario with the parameter at value, and does not change the one given. It
// returns an error if the parameter is unknown, if the scenario has nothing that it describes, or
// if [Scenario.Check] refuses the result.
func (p Parameter) Apply(s Scenario, value float64) (Scenario, error) {
	i := p.index()
	if i < 0 {
		names := make([]string, len(parameters))
		for i, q := range parameters {
			names[i] = string(q.name)
		}
		return s, fmt.Errorf("cascade: Parameter is %q, want one of %s", p, strings.Join(names, ", "))
	}
	if math.IsNaN(value) || value < 0 || value > 1e9 {
		return s, fmt.Errorf("cascade: Parameter %s is %v, want 0 to 1e9", p, value)
	}
	if parameters[i].whole {
		value = math.Round(value)
	}
	if value == 0 && !parameters[i].zero {
		return s, fmt.Errorf("cascade: Parameter %s is 0, want > 0", p)
	}
	s = s.WithDefaults()
	s.Actions = slices.Clone(s.Actions)
	if err := parameters[i].set(&s, value); err != nil {
		return s, fmt.Errorf("cascade: Parameter %s: %w", p, err)
	}
	if err := s.Check(); err != nil {
		return s, fmt.Errorf("cascade: Parameter %s is %v: %w", p, value, err)
	}
	return s, nil
}

func seconds(v float64) time.Duration { return time.Duration(math.Round(v * float64(time.Second))) }

func setDelay(s *Scenario, v float64) error {
	i := s.LongestDelay()
	if i < 0 {
		return errors.New("the scenario has no action that delays the disk")
	}
	scale := seconds(v).Seconds() / s.Actions[i].For.Seconds()
	for j := range s.Actions {
		if s.Actions[j].Do == Delay {
			s.Actions[j].For = seconds(s.Actions[j].For.Seconds() * scale)
		}
	}
	return nil
}

func setDuration(s *Scenario, v float64) error {
	i := s.LongestDelay()
	if i < 0 && slices.ContainsFunc(s.Actions, func(a Action) bool { return a.Do == Delay }) {
		return nil // a delay of 0 is the same for however long
	}
	if i < 0 {
		return errors.New("the scenario has no action that delays the disk")
	}
	for j := i + 1; j < len(s.Actions); j++ {
		if s.Actions[j].Do != Delay || s.Actions[j].For >= s.Actions[i].For {
			continue
		}
		s.Actions[j].At = s.Actions[i].At + seconds(v)
		slices.SortStableFunc(s.Actions, func(a, b Action) int { return int(a.At - b.At) })
		return nil
	}
	return errors.New("the scenario's longest delay has no end")
}

func setPending(s *Scenario, v float64) error {
	for i := range s.Actions {
		if s.Actions[i].Do == Scale && s.Actions[i].N > s.Workload.Start() {
			s.Actions[i].N = s.Workload.Start() + int(v)
			return nil
		}
	}
	return errors.New("the scenario has no action that scales the workload up")
}

func setLease(s *Scenario, v float64) error {
	scale := v / s.Elections.Lease.Seconds()
	s.Elections.Lease = seconds(v)
	s.Elections.Renew = seconds(s.Elections.Renew.Seconds() * scale)
	s.Elections.Retry = seconds(s.Elections.Retry.Seconds() * scale)
	return nil
}
