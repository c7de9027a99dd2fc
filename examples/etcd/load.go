package main

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/etcdmodel/kubeops"
)

// These are the writes that a kubelet makes without being asked to
// (pkg/kubelet/apis/config/v1beta1/defaults.go: nodeLeaseDurationSeconds 40, renewed at a quarter
// of it; nodeStatusReportFrequency).
const (
	leaseRenewal = 10 * time.Second
	statusReport = 5 * time.Minute
	imagesOnNode = 50
)

// load returns the writes of the cluster's components: kubelets' Leases and node statuses, the
// life of the pods that are replaced, and Events.
func (o options) load() (etcdmodel.Load, error) {
	for name, x := range map[string]float64{
		"-nodes": float64(o.nodes), "-pods": float64(o.pods), "-churn": o.churn, "-events": o.events,
	} {
		if x < 0 {
			return etcdmodel.Load{}, fmt.Errorf("%s is %v, want >= 0", name, x)
		}
	}
	var load etcdmodel.Load
	var failed error
	add := func(name string, rate float64, keys int, ttl time.Duration, op func(runtime.Object) (etcdmodel.Op, error),
		object runtime.Object) {
		what, err := op(object)
		if err != nil {
			failed = err
			return
		}
		if rate > 0 {
			load.Streams = append(load.Streams, etcdmodel.Stream{Name: name, Op: what, Rate: rate, Keys: keys, TTL: ttl})
		}
	}
	nodes, replaced := float64(o.nodes), float64(o.pods)*o.churn/3600
	add("node leases", nodes/leaseRenewal.Seconds(), o.nodes, 0, kubeops.Update, kubeops.NodeLease())
	add("node status", nodes/statusReport.Seconds(), o.nodes, 0, kubeops.Update, kubeops.NodeStatus(imagesOnNode))
	// A pod's life: created, bound, three statuses of its kubelet, marked for deletion, deleted. It
	// takes the place of another.
	add("pods pending", 2*replaced, max(1, o.pods), 0, kubeops.Update, kubeops.PodPending())
	add("pods running", 4*replaced, max(1, o.pods), 0, kubeops.Update, kubeops.PodRunning())
	add("pods deleted", replaced, 0, 0, kubeops.Delete, kubeops.PodRunning())
	add("events", o.events, 0, o.ttl, kubeops.Create, kubeops.FailedScheduling())
	if failed == nil && len(load.Streams) == 0 {
		failed = fmt.Errorf("nothing is written: want -nodes, -pods or -events above 0")
	}
	return load, failed
}

// rateOf returns the writes/s that are offered, in all.
func rateOf(l etcdmodel.Load) float64 {
	sum := 0.0
	for _, s := range l.Streams {
		sum += s.Rate
	}
	return sum
}

// times returns the load with every rate multiplied.
func times(l etcdmodel.Load, x float64) etcdmodel.Load {
	streams := append([]etcdmodel.Stream(nil), l.Streams...)
	for i := range streams {
		streams[i].Rate *= x
	}
	l.Streams = streams
	return l
}
