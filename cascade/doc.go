// Package cascade couples the models of the other packages into a whole control plane and lets things go wrong in it:
// a scenario goes in, a timeline comes out, in virtual time.
//
//	result, err := cascade.Run(ctx, cascade.Incident8829())
//	for _, event := range result.Timeline {
//		fmt.Println(event) // each with its cause
//	}
//	fmt.Println(result.Verdict.State) // healthy, degraded or metastable
//
// What is simulated: every node's Lease and status client, the priority levels of each API server, the paths that a request
// takes through it into etcd and back (optimistic writes, conflicts, quorum reads, the 7 s after which etcd gives up a write
// that still commits, the client's own patience), etcd with its raft loop, its group commit and its backend, leader
// election of the scheduler and the controller manager, the liveness probe, the node lifecycle controller with its
// workers and its rate limit, the ReplicaSet controller, the scheduler's queue (package scheduler/retry), the Endpoints, how pods
// start on their nodes, crash and come back, what the nodes' kube-proxies make of that and what users see of it.
// As long as the disk is fast and nothing is wrong, heartbeats are counted instead of simulated; see docs/cascade.md for
// what was measured beside the model.
package cascade
