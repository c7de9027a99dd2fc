package scheduler_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/scheduler"
)

const twoZones = `
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Node, metadata: {name: a-1, labels: {zone: a}},
   status: {allocatable: {cpu: "2", memory: 8Gi, pods: "10"}}}
- {apiVersion: v1, kind: Node, metadata: {name: a-2, labels: {zone: a}},
   status: {allocatable: {cpu: "2", memory: 8Gi, pods: "10"}}}
- {apiVersion: v1, kind: Node, metadata: {name: b-1, labels: {zone: b}},
   status: {allocatable: {cpu: "2", memory: 8Gi, pods: "10"}}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    replicas: 8
    selector: {matchLabels: {app: web}}
    template:
      metadata: {labels: {app: web}}
      spec:
        topologySpreadConstraints:
        - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}
        containers:
        - {name: web, image: web, resources: {requests: {cpu: 700m, memory: 1Gi}}}
`

// Zone b holds two replicas, so zone a may hold three and no more.
func ExampleEngine_Place() {
	objects, err := capacity.Read(strings.NewReader(twoZones))
	if err != nil {
		panic(err)
	}
	snapshot, err := capacity.NewSnapshot(objects...)
	if err != nil {
		panic(err)
	}
	workload, err := capacity.WorkloadOf(objects[3])
	if err != nil {
		panic(err)
	}
	engine, err := scheduler.New(scheduler.Config{})
	if err != nil {
		panic(err)
	}
	placements, answer, err := engine.Place(context.Background(), snapshot, workload)
	if err != nil {
		panic(err)
	}
	for _, p := range placements {
		fmt.Println(p.Pod, p.Node)
	}
	fmt.Println(answer.Fits, "fit")
	for _, reason := range answer.Reasons {
		fmt.Println(reason)
	}
	// Output:
	// default/web-0 a-1
	// default/web-1 b-1
	// default/web-2 a-2
	// default/web-3 b-1
	// default/web-4 a-1
	// 5 fit
	// 1 node(s) didn't match pod topology spread constraints
	// 2 Insufficient cpu
}
