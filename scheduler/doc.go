// Package scheduler places each replica of a workload with kube-scheduler's own plugins, and
// explains why.
//
//	engine, err := scheduler.New(scheduler.Config{}) // kube-scheduler's default profile, pinned
//	placements, answer, err := engine.Place(ctx, snapshot, workload)
//	decision, err := engine.Explain(ctx, snapshot, pod) // per node: verdicts and scores
//
// An [Engine] is a capacity.Engine that answers what package capacity refuses: volumes, dynamic
// resource allocation, counts that depend on the order, any profile of a
// KubeSchedulerConfiguration, plugins of your own. Give it to a question as a capacity.Fallback.
//
// The plugins are those of k8s.io/kubernetes v1.37.2. They get the snapshot's objects through
// listers. There is no API server, no informer is started and no goroutine outlives a call.
//
// Placements equal, one for one, those of a kube-scheduler that is pinned where the real one is not
// deterministic:
//
//   - one goroutine
//   - 100 % of the nodes, unless [Config.PercentageOfNodesToScore] says otherwise
//   - opportunistic batching off
//   - nodes in the snapshot's order, with the zones interleaved as in the scheduler's cache
package scheduler
