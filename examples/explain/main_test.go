package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/scheduler"
)

func ask(t *testing.T, o options, stdin string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), o, strings.NewReader(stdin), &out))
	return out.String()
}

func TestTable(t *testing.T) {
	got := ask(t, options{output: "table"}, "")
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile("testdata/table.txt", []byte(got), 0o644))
	}
	want, err := os.ReadFile("testdata/table.txt")
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestJSON(t *testing.T) {
	var d scheduler.Decision
	require.NoError(t, json.Unmarshal([]byte(ask(t, options{output: "json"}, "")), &d))
	require.Equal(t, "worker-4", d.Node)
	require.Len(t, d.Nodes, 8)
}

func TestClusterFromStandardInput(t *testing.T) {
	require.Contains(t, ask(t, options{output: "table", cluster: "-"}, "apiVersion: v1\nkind: List\nitems: []\n"),
		"no nodes available to schedule pods")
}

// A manifest may have other objects beside its one workload.
func TestManifestOfSeveralObjects(t *testing.T) {
	manifest := `apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: web}]}
`
	file := filepath.Join(t.TempDir(), "web.yaml")
	require.NoError(t, os.WriteFile(file, []byte(manifest), 0o644))
	require.Contains(t, ask(t, options{output: "table", pod: file}, ""), "goes to node worker-")
}

func TestBadFlags(t *testing.T) {
	require.ErrorContains(t, run(context.Background(), options{output: "xml"}, nil, nil), "want table or json")
	require.ErrorContains(t, run(context.Background(), options{output: "table", pod: "testdata/cluster.yaml"}, nil,
		nil), "want one")
}
