// Package retry says what pods that cannot be scheduled write to the API
// server: attempts, pod patches and Events, over time and in steady state.
//
// The short answer first. A pod that no node has room for writes three
// objects (itself, its condition, one Event) and falls silent. It writes
// again when two things come together: something wakes it (a bound pod is
// deleted) and the scheduler's message has changed (a node went NotReady).
//
//	load, err := retry.Predict(retry.V1_37, retry.Pressure{Pods: 450, Wakes: 0.25, MessageChanges: 0.25})
//	fmt.Println(load.Attempts, load.PodPatches, load.EventCreates, load.Bound)
//
// [Predict] is the steady state in closed form. [Queue] is the same machine in
// virtual time, driven step by step, for everything that is not steady: the
// scale-up itself, a slow or failing API server, a restart. [ReplicaSet] is the
// controller that feeds it, [Correlator] the older Event recorder that the other
// components use, and [Wakes] says which cluster event wakes which pods.
//
// What is modelled is kube-scheduler's own behaviour at its defaults. Both versions,
// v1.29.2 and v1.37.2, are run beside the model in validation/controlplane, against an API
// server and controllers of v1.37.2; docs/retry.md has the table.
package retry
