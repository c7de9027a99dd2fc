package retry_test

import (
	"fmt"
	"time"

	"github.com/redline-go/redline/etcdmodel"
	"github.com/redline-go/redline/scheduler/retry"
)

// What do 450 pods that fit nowhere write?
func ExamplePredict() {
	for _, p := range []struct {
		what string
		retry.Pressure
	}{
		{"left alone", retry.Pressure{Pods: 450}},
		{"woken every 4 s", retry.Pressure{Pods: 450, Wakes: 0.25}},
		{"and the message changes", retry.Pressure{Pods: 450, Wakes: 0.25, MessageChanges: 0.25}},
	} {
		for _, v := range []retry.Version{retry.V1_29, retry.V1_37} {
			l, err := retry.Predict(v, p.Pressure)
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Printf(
				"%v, %-24s %5.1f attempts/s, %4.1f writes/s, limited by %s\n", v, p.what+":", l.Attempts, l.Writes(),
				l.Bound,
			)
		}
	}
	// Output:
	// v1.29, left alone:                1.4 attempts/s,  0.2 writes/s, limited by 5-minute flush
	// v1.37, left alone:                1.4 attempts/s,  0.2 writes/s, limited by 5-minute flush
	// v1.29, woken every 4 s:          44.5 attempts/s,  0.2 writes/s, limited by 10 s backoff
	// v1.37, woken every 4 s:         112.5 attempts/s,  0.2 writes/s, limited by wake-ups
	// v1.29, and the message changes:  44.5 attempts/s, 89.0 writes/s, limited by 10 s backoff
	// v1.37, and the message changes:  50.0 attempts/s, 100.0 writes/s, limited by client QPS
}

// The same pods step by step: a scale-up, and then a node that goes NotReady.
func ExampleQueue() {
	q, err := retry.NewQueue(retry.Config{Version: retry.V1_37})
	if err != nil {
		fmt.Println(err)
		return
	}
	q.Add(450)
	fmt.Println("created: ", q.Advance(time.Minute).Writes(), "writes in the first minute")
	fmt.Println("silence: ", q.Advance(4*time.Minute).Writes(), "in the next three")
	q.SetMessage(1, retry.ByFit|retry.ByTaint)
	fmt.Println("NotReady:", q.Advance(5*time.Minute).Writes(), "- a new message alone wakes nobody")
	q.Event(retry.ClusterEvent{Kind: retry.BoundPodDeleted})
	fmt.Println("woken:   ", q.Advance(6*time.Minute).Writes(), "writes in a minute")
	// Output:
	// created:  900 writes in the first minute
	// silence:  0 in the next three
	// NotReady: 0 - a new message alone wakes nobody
	// woken:    900 writes in a minute
}

// The whole of the incident's workload: the controller creates, the scheduler tries.
func ExampleWorkload() {
	w, err := retry.NewWorkload(retry.V1_29)
	if err != nil {
		fmt.Println(err)
		return
	}
	w.ReplicaSet.Scale(450)
	made, tried := w.Advance(time.Minute)
	fmt.Println(made.Creates, "pods,", made.Writes()+tried.Writes(), "writes")
	// Output: 450 pods, 1377 writes
}

// Which events wake pods that were rejected for want of CPU, and by a NotReady node's
// taint?
func ExampleWakes() {
	by := retry.ByFit | retry.ByTaint
	for _, e := range []retry.ClusterEvent{
		{Kind: retry.BoundPodDeleted}, {
			Kind: retry.NodeTaintAdded, Tainted: true,
		}, {Kind: retry.NodeTaintRemoved}, {Kind: retry.NodeAdded, Fits: true},
	} {
		fmt.Print(e.Kind, " on a full node: ", !e.Fits)
		for _, v := range retry.Modelled() {
			wakes, err := retry.Wakes(v, e, by)
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Print(" ", wakes)
		}
		fmt.Println()
	}
	// Output:
	// BoundPodDeleted on a full node: true true true
	// NodeTaintAdded on a full node: true false false
	// NodeTaintRemoved on a full node: true false true
	// NodeAdded on a full node: false true true
}

// How much of etcd's log is that?
func ExampleWAL() {
	l, err := retry.Predict(retry.V1_37, retry.Pressure{Pods: 450, Wakes: 0.25, MessageChanges: 0.25})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.0f kB/s\n", retry.WAL(etcdmodel.V3_5, l.Streams(retry.MeasuredSizes()))/1000)
	// Output: 160 kB/s
}
