package cascade

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/capacity"
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
