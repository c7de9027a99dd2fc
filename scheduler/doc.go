// Package scheduler tells where each replica of a workload would land, and why, with kube-scheduler's own plugins.
//
//	engine, err := scheduler.New(scheduler.Config{}) // kube-scheduler's default profile, pinned
//	placements, answer, err := engine.Place(ctx, snapshot, workload)
//	decision, err := engine.Explain(ctx, snapshot, pod) // per node: which plugin said what, and every score
//
// An [Engine] is a capacity.Engine that answers what package capacity refuses: volumes, dynamic resource allocation,
// counts that depend on the order, any profile of a KubeSchedulerConfiguration, plugins of your own. The plugins are
// those of k8s.io/kubernetes v1.37.2, handed the snapshot's objects through listers: there is no API server, no
// informer is started and no goroutine outlives a call.
//
// Placements equal, one for one, those of a kube-scheduler that is pinned where the real one is not deterministic:
// one goroutine, 100 % of the nodes (unless [Config.PercentageOfNodesToScore] says otherwise), opportunistic batching
// off, nodes in the snapshot's order with the zones interleaved as the scheduler's cache does.
package scheduler
