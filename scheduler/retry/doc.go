// Package retry answers: what do pods that cannot be scheduled write to the API server? It counts
// attempts, pod patches and Events, over time and in steady state.
//
// The short answer first. A pod that no node has room for writes three objects (itself, its
// condition, one Event) and falls silent. It writes again when two things come together. Something
// wakes it (a bound pod is deleted), and the scheduler's message has changed (a node went
// NotReady).
//
//	pressure := retry.Pressure{Pods: 450, Wakes: 0.25, MessageChanges: 0.25}
//	load, err := retry.Predict(retry.V1_37, pressure)
//	fmt.Println(load.Attempts, load.PodPatches, load.EventCreates, load.Bound)
//
// [Predict] computes the steady state in closed form. [Queue] is the same machine in virtual time,
// driven step by step, for everything that is not steady: the scale-up itself, a slow or failing
// API server, a restart. [ReplicaSet] is the controller that feeds it. [Correlator] is the older
// Event recorder that the other components use. [Wakes] reports which cluster event wakes which
// pods.
//
// The model follows kube-scheduler at its defaults, in the versions of [Modelled].
// validation/controlplane runs v1.29.2 and v1.37.2 beside it, against an API server and
// controllers of v1.37.2. validation/RESULTS/retry.md has the table.
package retry
