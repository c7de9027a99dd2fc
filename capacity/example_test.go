package capacity_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/redline-go/redline/capacity"
)

// How many more web servers do two nodes hold, and what stops the next?
func Example() {
	objects, err := capacity.Read(strings.NewReader(`
apiVersion: v1
kind: Node
metadata: {name: node-1}
status: {allocatable: {cpu: "4", memory: 16Gi, pods: "110"}}
---
apiVersion: v1
kind: Node
metadata: {name: node-2}
status: {allocatable: {cpu: "4", memory: 16Gi, pods: "110"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 10
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web:1
        resources: {limits: {cpu: 900m, memory: 1Gi}}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	snapshot, err := capacity.NewSnapshot(objects...)
	if err != nil {
		fmt.Println(err)
		return
	}
	workload, err := capacity.WorkloadOf(objects[2])
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := snapshot.Fit(context.Background(), workload)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.Fits, "fit,", answer.Pending, "pending")
	message, preemption, _ := strings.Cut(answer.Message, " preemption: ")
	fmt.Println(message)
	fmt.Println("preemption:", preemption)
	for _, n := range answer.Nodes {
		fmt.Println(n.Node(), n.Room(), n.Reason())
	}
	// Output:
	// 8 fit, 2 pending
	// 0/2 nodes are available: 2 Insufficient cpu.
	// preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.
	// node-1 4 Insufficient cpu
	// node-2 4 Insufficient cpu
}
