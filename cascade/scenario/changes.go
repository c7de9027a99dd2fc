package scenario

import (
	"cmp"
	"slices"
	"time"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/proxymodel"
)

// Changes returns what can be done to a control plane before trouble comes, with costs from 1 (a
// flag) to 8 (hardware).
func Changes() []Change {
	changes := []Change{
		{Name: "etcd on NVMe", Cost: 8, Apply: Edit(onNVMe)},
		{Name: "ResourceQuota of twice the pods", Apply: Edit(func(s *Scenario) {
			s.Workload.Quota = new(2 * s.Workload.Start())
		})},
		{Name: "LimitRange", Apply: Edit(func(*Scenario) {
			// A LimitRange bounds a container's requests and limits, not how many pods there are.
		})},
		{Name: "HPA maxReplicas at what fits", Apply: Edit(capped)},
		{Name: "kube-proxy in IPVS mode", Cost: 3, Apply: Edit(func(s *Scenario) { s.Proxy.Mode = proxymodel.IPVS })},
		{Name: "kube-proxy in nftables mode", Cost: 3, Apply: Edit(func(s *Scenario) { s.Proxy.Mode = proxymodel.NFTables })},
		{Name: "alert on the db's size", Apply: Edit(func(*Scenario) {
			// An alert buys the operators lead time before the quota. The cluster behaves the same.
		})},
		{Name: "separate etcd for Events", Cost: 5, Apply: Edit(func(s *Scenario) { s.Etcd.SeparateEvents = true })},
		{Name: "separate etcd for Leases", Cost: 5, Apply: Edit(func(s *Scenario) { s.Etcd.SeparateLeases = true })},
		{Name: "one API server", Apply: Edit(func(s *Scenario) { s.Servers = 1 })},
		{Name: "five API servers", Cost: 4, Apply: Edit(func(s *Scenario) { s.Servers = 5 })},
		{Name: "move etcd's leader after 5 min", Apply: Edit(func(s *Scenario) {
			at := 5 * time.Minute
			if i := s.LongestDelay(); i >= 0 {
				at += s.Actions[i].At
			}
			s.Actions = append(s.Actions, Action{At: at, Do: Kill})
			slices.SortStableFunc(s.Actions, func(a, b Action) int { return cmp.Compare(a.At, b.At) })
		})},
		{Name: "node grace of 5 min", Apply: Edit(func(s *Scenario) { s.Leases.Grace = 5 * time.Minute })},
		{Name: "leader leases of 2 min, livez after 60 failures", Apply: Edit(func(s *Scenario) {
			s.Elections = Elections{Lease: 2 * time.Minute, Renew: 100 * time.Second, Retry: 5 * time.Second}
			s.Livez.Failures = 60
		})},
	}
	for i := range changes {
		changes[i].Cost = changes[i].RelativeCost()
	}
	return changes
}

// onNVMe puts etcd on an NVMe drive. A delay shrinks as the mean fsync does from a 7200 rpm drive
// to an NVMe drive, by etcdmodel's presets.
func onNVMe(s *Scenario) {
	faster := float64(etcdmodel.HDD7200().FsyncMean()) / float64(etcdmodel.NVMe().FsyncMean())
	s.Etcd.Fsync = min(s.Etcd.Fsync, etcdmodel.NVMe().FsyncMean())
	for i := range s.Actions {
		if s.Actions[i].Do == Delay {
			s.Actions[i].For = time.Duration(float64(s.Actions[i].For) / faster)
		}
	}
}

// capped lets nobody ask for more replicas than the nodes have room for.
func capped(s *Scenario) {
	for i := range s.Actions {
		if s.Actions[i].Do == Scale {
			s.Actions[i].N = min(s.Actions[i].N, s.Workload.Room)
		}
	}
	if s.Workload.HPA != nil {
		h := *s.Workload.HPA
		h.Max = max(min(h.Max, s.Workload.Room), cmp.Or(h.Min, 1))
		s.Workload.HPA = &h
	}
}
