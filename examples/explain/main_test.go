package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
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
	require.Contains(t, ask(t, options{output: "table", cluster: "-"}, "apiVersion: v1\nkind: List\nitems: []\n"), "no nodes available to schedule pods")
}

func TestBadFlags(t *testing.T) {
	require.ErrorContains(t, run(context.Background(), options{output: "xml"}, nil, nil), "want table or json")
	require.ErrorContains(t, run(context.Background(), options{output: "table", pod: "testdata/cluster.yaml"}, nil, nil), "want one")
}
