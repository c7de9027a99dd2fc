// Package controlplane is a bench: a real Kubernetes control plane in the test process, put under
// a scenario, with every etcd write, every request and every scheduling attempt counted.
//
//	result := controlplane.Run(t, controlplane.Scenario{
//		Nodes: 100, NodeCPU: "100m", Length: time.Minute,
//		Actions: []controlplane.Action{controlplane.At(0, controlplane.Scale(450))},
//	})
//	fmt.Println(result.Writes(0, time.Minute)["pods/create"], result.Attempts(0, time.Minute))
//
// Real, from k8s.io/kubernetes v1.37.2: kube-apiserver with priority and fairness; kube-scheduler;
// the ReplicaSet, Deployment, horizontal pod autoscaler, node-lifecycle, taint-eviction, endpoint
// slice, pod garbage and quota controllers; and leader election. etcd is embedded and without
// fsync, or in processes of its own whose disk can be slowed while it runs. Instead of that
// kube-scheduler the real v1.29.2 can run, as a process of its own (scheduler129).
//
// Not real: the kubelets. They do what a kubelet asks of the API server (the real Lease
// controller, node status, pod status GET and PATCH, as system:nodes with the kubelet's clients)
// and run no containers.
package controlplane
