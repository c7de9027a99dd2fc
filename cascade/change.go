package cascade

import (
	"fmt"
	"slices"
	"time"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/proxymodel"
)

// Change is something that could have been done before a scenario happened.
type Change struct {
	Name  string
	Item  string  // the report's action item that it stands for, "" if the report missed it
	Cost  float64 // relative, for [Comparison.Cheapest]; zero counts as 1
	Apply func(Scenario) Scenario
}

// faster is how much shorter the delays of a disk are on an NVMe drive than on a 7200 rpm one: etcdmodel's presets.
func faster() float64 {
	return float64(etcdmodel.HDD7200().FsyncMean()) / float64(etcdmodel.NVMe().FsyncMean())
}

// edit is a change to a copy of the scenario with its defaults filled in.
func edit(f func(*Scenario)) func(Scenario) Scenario {
	return func(s Scenario) Scenario {
		s = s.WithDefaults()
		s.Actions = slices.Clone(s.Actions)
		f(&s)
		return s
	}
}

// ActionItems are the report's action items and what it missed, with costs from 1 (a flag) to 8 (hardware).
func ActionItems() []Change {
	return []Change{
		{"etcd on NVMe", "1. Move etcd to NVMe drives", 8, edit(func(s *Scenario) {
			s.Etcd.Fsync = min(s.Etcd.Fsync, etcdmodel.NVMe().FsyncMean())
			for i := range s.Actions {
				if s.Actions[i].Do == Delay {
					s.Actions[i].For = time.Duration(float64(s.Actions[i].For) / faster())
				}
			}
		})},
		{"ResourceQuota of twice the pods", "2. ResourceQuotas in every namespace", 1, edit(func(s *Scenario) { s.Workload.Quota = quotaOf(2 * s.Workload.start()) })},
		{"LimitRange", "2. LimitRanges in every namespace", 1, edit(func(*Scenario) {
			// A LimitRange bounds a container's requests and limits. It says nothing about how many pods there are.
		})},
		{"HPA maxReplicas at what fits", "", 1, edit(func(s *Scenario) {
			for i := range s.Actions {
				if s.Actions[i].Do == Scale {
					s.Actions[i].N = min(s.Actions[i].N, s.Workload.Room)
				}
			}
			if s.Workload.HPA != nil {
				h := *s.Workload.HPA
				h.Max = max(min(h.Max, s.Workload.Room), or(h.Min, 1))
				s.Workload.HPA = &h
			}
		})},
		{"kube-proxy in IPVS mode", "3. Switch kube-proxy to IPVS mode", 3, edit(func(s *Scenario) { s.Proxy.Mode = proxymodel.IPVS })},
		{"kube-proxy in nftables mode", "", 3, edit(func(s *Scenario) { s.Proxy.Mode = proxymodel.NFTables })},
		{"alert on the db's size", "4. Set up an alert for etcd_mvcc_db_total_size_in_bytes", 1, edit(func(*Scenario) {
			// An alert buys the operators lead time before the quota; the cluster itself behaves the same.
		})},
		{"separate etcd for Events", "", 5, edit(func(s *Scenario) { s.Etcd.SeparateEvents = true })},
		{"separate etcd for Leases", "", 5, edit(func(s *Scenario) { s.Etcd.SeparateLeases = true })},
		{"one API server", "", 1, edit(func(s *Scenario) { s.Servers = 1 })},
		{"five API servers", "", 4, edit(func(s *Scenario) { s.Servers = 5 })},
		{"move etcd's leader after 5 min", "", 1, edit(func(s *Scenario) {
			at := 5 * time.Minute
			if i := longest(s); i >= 0 {
				at += s.Actions[i].At
			}
			s.Actions = append(s.Actions, Action{At: at, Do: Kill})
			slices.SortStableFunc(s.Actions, func(a, b Action) int { return int(a.At - b.At) })
		})},
		{"node grace of 5 min", "", 1, edit(func(s *Scenario) { s.Leases.Grace = 5 * time.Minute })},
		{"leader leases of 2 min, livez after 60 failures", "", 1, edit(func(s *Scenario) {
			s.Elections = Elections{Lease: 2 * time.Minute, Renew: 100 * time.Second, Retry: 5 * time.Second}
			s.Livez.Failures = 60
		})},
	}
}

// Both is two changes, one after the other.
func Both(a, b Change) Change {
	return Change{Name: fmt.Sprintf("%s + %s", a.Name, b.Name), Cost: a.cost() + b.cost(), Apply: func(s Scenario) Scenario { return b.Apply(a.Apply(s)) }}
}

func (c Change) cost() float64 {
	if c.Cost == 0 {
		return 1
	}
	return c.Cost
}
