// Package capacity answers: how many more replicas of this workload does this cluster hold, and
// what stops the next one?
//
// A [Snapshot] is a set of Kubernetes objects, as `kubectl get -o json` prints them. [Snapshot.Fit]
// takes a [Workload] through what happens to it in the cluster: the API server's defaults,
// LimitRanges and ResourceQuotas, then kube-scheduler's filters on every node. The [Answer] has the
// counts and the very sentences that the API server and kube-scheduler v1.37 would say.
//
//	objects, err := capacity.Read(dump)
//	snapshot, err := capacity.NewSnapshot(objects...)
//	workload, err := capacity.WorkloadOf(deployment)
//	answer, err := snapshot.Fit(ctx, workload)
//	fmt.Println(answer.Fits, answer.Message)
//
// # Exact, or refused
//
// Fit answers only what can be counted node by node, and then exactly. A workload whose placement
// depends on where other pods are, on volumes to bind or on devices to allocate gets an error that
// wraps [ErrNeedsScheduler] and names the feature. A [Fallback], such as package scheduler's
// Engine, answers in its place.
//
// # What-if
//
// A Snapshot never changes and is safe for concurrent use. [Snapshot.With] and [Snapshot.Without]
// make others: more nodes, another quota, a lost zone.
package capacity
