package cascade

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/redline-go/redline/capacity"
	"github.com/redline-go/redline/cascade/scenario"
)

func TestScenarioFromSnapshot(t *testing.T) {
	var text strings.Builder
	for i := range 4 {
		fmt.Fprintf(&text, `---
apiVersion: v1
kind: Node
metadata: {name: n%d}
status:
  capacity: {cpu: 500m, memory: 8Gi, pods: "110"}
  allocatable: {cpu: 500m, memory: 8Gi, pods: "110"}
  conditions: [{type: Ready, status: "True"}]
`, i)
	}
	text.WriteString(`---
apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway, namespace: default}
spec:
  replicas: 20
  selector: {matchLabels: {app: gateway}}
  template:
    metadata: {labels: {app: gateway}}
    spec: {containers: [{name: g, image: g, resources: {requests: {cpu: 200m}}}]}
`)
	objects, err := capacity.Read(strings.NewReader(text.String()))
	require.NoError(t, err)
	snapshot, err := capacity.NewSnapshot(objects...)
	require.NoError(t, err)
	w, err := capacity.WorkloadOf(objects[len(objects)-1])
	require.NoError(t, err)
	s, err := FromSnapshot(context.Background(), snapshot, w)
	require.NoError(t, err)
	require.Equal(t, 4, s.Nodes)
	require.Equal(t, 8, s.Workload.Room)
	require.Equal(t, 0, s.Workload.Start(), "none runs")
	r := run(t, s)
	require.Equal(t, 20, r.Totals.PodsCreated)
	require.Equal(t, 8, r.Totals.Bound)
	require.Equal(t, 12, int(r.Values("pods pending")[20]))

	quota, err := capacity.Read(strings.NewReader(
		`{apiVersion: v1, kind: ResourceQuota, metadata: {name: none, namespace: default}, spec: {hard: {pods: "0"}}}`))
	require.NoError(t, err)
	snapshot, err = snapshot.With(quota...)
	require.NoError(t, err)
	s, err = FromSnapshot(context.Background(), snapshot, w)
	require.NoError(t, err)
	require.Equal(t, new(0), s.Workload.Quota, "a quota that admits nothing")
	r = run(t, s)
	require.Zero(t, r.Totals.PodsCreated)
	require.Positive(t, r.Totals.PodsRefused)
}

// gateway is a Deployment and its Services.
const gateway = `---
apiVersion: v1
kind: Service
metadata: {name: gateway, namespace: default}
spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}, {name: admin, port: 81}]}
---
apiVersion: v1
kind: Service
metadata: {name: headless, namespace: default}
spec: {clusterIP: None, ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: gateway-1, namespace: default, labels: {kubernetes.io/service-name: gateway}}
addressType: IPv4
endpoints: [{addresses: [10.1.0.1]}, {addresses: [10.1.0.2]}, {addresses: [10.1.0.3]}, {addresses: [10.1.0.4]}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway, namespace: default}
spec:
  replicas: 5
  selector: {matchLabels: {app: gateway}}
  template:
    metadata: {labels: {app: gateway}}
    spec: {containers: [{name: c, image: c, resources: {requests: {cpu: 100m}}}]}
`

// The pods beside the workload's, its replicas that run and the Services are the cluster's.
func TestScenarioFromABusySnapshot(t *testing.T) {
	var text strings.Builder
	for i := range 2 {
		fmt.Fprintf(&text, `---
apiVersion: v1
kind: Node
metadata: {name: n%d}
status: {allocatable: {cpu: "2", memory: 8Gi, pods: "110"}}
`, i)
	}
	pod := func(name, app, phase string) {
		fmt.Fprintf(&text, `---
apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: default, labels: {app: %s}}
spec: {nodeName: n0, containers: [{name: c, image: c, resources: {requests: {cpu: 100m}}}]}
status: {phase: %s}
`, name, app, phase)
	}
	for i := range 3 {
		pod(fmt.Sprintf("gateway-%d", i), "gateway", "Running")
	}
	for i := range 6 {
		pod(fmt.Sprintf("other-%d", i), "other", "Running")
	}
	pod("done", "other", "Succeeded")
	text.WriteString(gateway)
	objects, err := capacity.Read(strings.NewReader(text.String()))
	require.NoError(t, err)
	snapshot, err := capacity.NewSnapshot(objects...)
	require.NoError(t, err)
	w, err := capacity.WorkloadOf(objects[len(objects)-1])
	require.NoError(t, err)
	s, err := FromSnapshot(t.Context(), snapshot, w)
	require.NoError(t, err)
	require.Equal(t, 3, s.Workload.Start(), "those that run")
	require.Equal(t, 3, s.OtherPods, "six on two nodes, without the one that is done")
	require.Equal(t, 2, s.Proxy.Services, "the ports of those with an address")
	require.Equal(t, 2, s.Proxy.Endpoints, "four of two")
	require.Equal(t, []scenario.Action{{At: 30 * time.Second, Do: scenario.Scale, N: 5}}, s.Actions)
}

func TestBadSnapshots(t *testing.T) {
	snapshot, err := capacity.NewSnapshot()
	require.NoError(t, err)
	w := capacity.Workload{Namespace: "default"}
	_, err = FromSnapshot(t.Context(), snapshot, w)
	require.ErrorContains(t, err, "cascade: FromSnapshot: capacity: Workload.Template.Spec.Containers is empty")
	w.Template.Spec.Containers = []corev1.Container{{Name: "c", Image: "c"}}
	_, err = FromSnapshot(t.Context(), snapshot, w)
	require.EqualError(t, err, "cascade: the snapshot's number of nodes is 0, want at least 1")
}
