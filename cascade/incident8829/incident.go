// Package incident8829 is the incident report that Redline exists for: its scenario, its claims
// and its action items. Ask what of the report stock Kubernetes can do:
//
//	result, err := cascade.Run(ctx, incident8829.Scenario())
//	for _, c := range incident8829.Claims(result) {
//		fmt.Println(c.Verdict, c.Claim, "-", c.Here)
//	}
//
// The report says that an autoscaler asked for 500 replicas where 50 ran, and that a slow etcd
// disk turned that into an outage of two hours.
package incident8829

import (
	"time"

	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/kube"
)

// Scenario returns the report's two hours, 02:00 to 04:00. Kubernetes v1.29 and etcd 3.5.10 run
// 100 nodes, 500 replicas are asked for where 50 ran, and an etcd disk slows down slowly.
// [FreeParameters] lists what the report does not say.
func Scenario() scenario.Scenario {
	s := scenario.Scenario{
		Name: "incident-8829", Seed: 8829, Length: 2 * time.Hour, Version: kube.V1_29,
		Nodes: 100, Servers: 3, OtherPods: 20,
		Etcd:     scenario.Etcd{Version: etcdmodel.V3_5, Fsync: 5 * time.Millisecond, Before3512: true}, // 3.5.10
		Workload: scenario.Workload{Replicas: new(50), Room: 50},
		Pods:     scenario.Pods{CNINeedsAPI: true}, // "we use Calico"
		Proxy:    scenario.Proxy{Services: 4499, Endpoints: 1},
	}
	at := func(minutes float64) time.Duration { return time.Duration(minutes * float64(time.Minute)) }
	s.Actions = []scenario.Action{
		// The climb: "not with a bang, but with a slow climb in etcd commit latency".
		{At: at(1), Do: scenario.Delay, For: 50 * time.Millisecond},
		{At: at(3), Do: scenario.Delay, For: 200 * time.Millisecond},
		// "It updated the Desired State from 50 pods to 500 pods".
		{At: at(5), Do: scenario.Scale, N: 500},
		{At: at(6), Do: scenario.Delay, For: 500 * time.Millisecond},
		{At: at(8), Do: scenario.Delay, For: time.Second},
		// Two pods find a node, and mostly no API server any more: "ContainerCreating 0 45m".
		{At: at(9.5), Do: scenario.Room, N: 52},
		{At: at(10), Do: scenario.Delay, For: 2 * time.Second},
		{At: at(12), Do: scenario.Delay, For: 4 * time.Second},
		// "kubectl scale deployment api-gateway --replicas=50 -n production --timeout=10m".
		{At: at(100), Do: scenario.Scale, N: 50, For: 10 * time.Minute},
		// "manually killing the etcd pods one by one to force a leader re-election".
		{At: at(112), Do: scenario.Delay},
		// "clearing out the thousands of FailedScheduling events".
		{At: at(116), Do: scenario.Clear},
	}
	return s
}

// FreeParameter is a choice that the scenario makes where the report is silent.
type FreeParameter struct {
	Field, Value string
	Pinned       string // what in the report speaks for the value
}

// FreeParameters returns the choices of [Scenario], and what in the report speaks for each.
func FreeParameters() []FreeParameter {
	return []FreeParameter{
		{
			Field: "Actions: delay", Value: "50 ms at 02:01 rising to 4 s at 02:12",
			Pinned: "weakly: a slow climb from 02:00 on, and a read that took ten minutes soon after; " +
				"4 s is where writes fail on real components, 2 s is not",
		},
		{
			Field: "Actions: end of the delay", Value: "03:52",
			Pinned: "well: stable at 04:00 after the etcd members were killed one by one",
		},
		{
			Field: "Actions: scale to 500", Value: "02:05",
			Pinned: "weakly: before 3m + 12m of FailedScheduling were seen",
		},
		{
			Field: "Actions: scale to 50", Value: "03:40",
			Pinned: "weakly: it took ten minutes and preceded the remediation",
		},
		{
			Field: "Actions: room for 52", Value: "02:09:30",
			Pinned: "weakly: two pods are shown in ContainerCreating, so they had found a node. Of 20 seeds they are " +
				"stuck in 10, as here; in the others no scheduler leads at that moment, or they start within minutes. " +
				"Room a minute earlier lets them start in all",
		},
		{Field: "Pods.Start", Value: "2 s", Pinned: "not at all"},
		{
			Field: "Etcd.Members", Value: "1, for three whose disks are all as slow",
			Pinned: "not at all: the report says one node; but a leader whose disk alone stalls for more than a second " +
				"loses an election to a member with a fast one",
		},
		{
			Field: "Etcd.Fsync when healthy", Value: "5 ms",
			Pinned: "not at all: a disk that is to be replaced by NVMe",
		},
		{Field: "Servers", Value: "3", Pinned: "well: three control-plane nodes"},
		{Field: "OtherPods", Value: "20 a node", Pinned: "weakly: thousands of services and pods"},
		{
			Field: "what asked for 500", Value: "the manifest",
			Pinned: "well: replicas: 500 stands in it; a CPU HPA with this template stops at 157 at the default target",
		},
	}
}
