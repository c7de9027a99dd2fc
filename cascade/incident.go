package cascade

import (
	"time"

	"github.com/redline-go/redline/scheduler/retry"
)

// incidentName marks the scenarios whose results go through the report's claims.
const incidentName = "incident-8829"

// Incident8829 is the report's two hours, 02:00 to 04:00, as a scenario: Kubernetes v1.29 on 100 nodes, an autoscaler that
// asks for 500 replicas where 50 ran, an etcd disk that slows down slowly. What the report does not say is a free
// parameter, see [FreeParameters].
func Incident8829() Scenario {
	s := Scenario{
		Name: incidentName, Seed: 8829, Length: 2 * time.Hour, Version: retry.V1_29,
		Nodes: 100, Servers: 3, OtherPods: 20,
		Etcd:     Etcd{Fsync: 5 * time.Millisecond, Before3512: true}, // 3.5.10
		Workload: Workload{Replicas: 50, Room: 50},
		Pods:     Pods{CNINeedsAPI: true}, // "we use Calico"
		Proxy:    Proxy{Services: 4499, Endpoints: 1},
	}
	at := func(minutes float64) time.Duration { return time.Duration(minutes * float64(time.Minute)) }
	s.Actions = []Action{ // the climb: "not with a bang, but with a slow climb in etcd commit latency"
		{At: at(1), Do: Delay, For: 50 * time.Millisecond},
		{At: at(3), Do: Delay, For: 200 * time.Millisecond},
		{At: at(5), Do: Scale, N: 500}, // "It updated the Desired State from 50 pods to 500 pods"
		{At: at(6), Do: Delay, For: 500 * time.Millisecond},
		{At: at(8), Do: Delay, For: time.Second},
		{At: at(9.5), Do: Room, N: 52}, // two pods find a node, and mostly no API server any more: "ContainerCreating 0 45m"
		{At: at(10), Do: Delay, For: 2 * time.Second},
		{At: at(12), Do: Delay, For: 4 * time.Second},
		{At: at(100), Do: Scale, N: 50, For: 10 * time.Minute}, // "kubectl scale deployment api-gateway --replicas=50 -n production --timeout=10m"
		{At: at(112), Do: Delay},                               // "manually killing the etcd pods one by one to force a leader re-election"
		{At: at(116), Do: Clear},                               // "clearing out the thousands of FailedScheduling events"
	}
	return s
}

// FreeParameter is something that the report does not pin down and the scenario has to choose.
type FreeParameter struct {
	Field, Value, Pinned string
}

// FreeParameters are those of [Incident8829], and what in the report speaks for each value.
func FreeParameters() []FreeParameter {
	return []FreeParameter{
		{"Actions: delay", "50 ms at 02:01 rising to 4 s at 02:12", "weakly: a slow climb from 02:00 on, and a read that took ten minutes soon after; 4 s is where writes fail on real components, 2 s is not"},
		{"Actions: end of the delay", "03:52", "well: stable at 04:00 after the etcd members were killed one by one"},
		{"Actions: scale to 500", "02:05", "weakly: before 3m + 12m of FailedScheduling were seen"},
		{"Actions: scale to 50", "03:40", "weakly: it took ten minutes and preceded the remediation"},
		{"Actions: room for 52", "02:09:30", "weakly: two pods are shown in ContainerCreating, so they had found a node. Of 20 seeds they are stuck in 10, as here; in the others no scheduler leads at that moment, or they start within minutes. Room a minute earlier lets them start in all"},
		{"Pods.Start", "2 s", "not at all"},
		{"Etcd.Members", "1, for three whose disks are all as slow", "not at all: the report says one node; but a leader whose disk alone stalls for more than a second loses an election to a member with a fast one"},
		{"Etcd.Fsync when healthy", "5 ms", "not at all: a disk that is to be replaced by NVMe"},
		{"Servers", "3", "well: three control-plane nodes"},
		{"OtherPods", "20 a node", "weakly: thousands of services and pods"},
		{"what asked for 500", "the manifest", "well: replicas: 500 stands in it; a CPU HPA with this template stops at 157 at the default target"},
	}
}
