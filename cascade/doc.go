// Package cascade answers: when does a control plane fall over, and what would have kept it up? It
// couples the models of the other packages into a whole control plane and simulates that in virtual
// time. A scenario goes in, a story comes out.
//
//	result, err := cascade.Run(ctx, cascade.Incident8829())
//	for _, event := range result.Timeline {
//		fmt.Println(event) // each with its cause
//	}
//	fmt.Println(result.Verdict.State) // healthy, degraded or metastable
//
// Each question has its function:
//
//   - [Run] tells what happens and why. [Judge] gives the verdict alone.
//   - [Compare] says which change would have prevented it.
//   - [Map] finds where it tips, over two parameters.
//   - [Sensitivities] ranks the parameters that decide it.
//   - [Reduce] says how long the trap holds after a worse spell.
//   - [FromSnapshot] makes a scenario of a real cluster, [ReadScenario] one of a YAML file.
//
// The packages below hold the rest:
//
//   - scenario describes a cluster and what goes wrong in it.
//   - story holds the events, causes, series and verdicts that come of it.
//   - incident8829 has the claims and action items of the report that Redline exists for.
//   - sweep runs a hundred thousand scenarios, and report draws one.
//   - internal/sim is the simulator: one kernel, and one file a component.
//
// # What is simulated
//
//   - every node's Lease and status client, and how pods start on their nodes, crash and come back
//   - the priority levels of each API server, and its liveness probe
//   - the path of each request through it into etcd and back: optimistic writes, conflicts, quorum
//     reads, the client's own patience, and the 7 s after which etcd gives up a write that still
//     commits
//   - etcd with its raft loop, its group commit and its backend
//   - leader election of the scheduler and the controller manager
//   - the node lifecycle controller with its workers and its rate limit
//   - the ReplicaSet controller, the autoscaler (package hpa), the scheduler's queue (package
//     scheduler/retry) and the Endpoints
//   - what the nodes' kube-proxies make of those (package proxymodel), and what users see of it
//
// As long as the disk is fast and nothing is wrong, heartbeats are counted instead of simulated.
// docs/cascade.md names the source of each mechanism, validation/RESULTS/cascade.md what was
// measured beside the model.
package cascade
