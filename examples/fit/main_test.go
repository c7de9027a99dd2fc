package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/redline-go/redline/capacity"
)

func ask(t *testing.T, o options, stdin string) string {
	t.Helper()
	if o.output == "" {
		o.output = "text"
	}
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), o, strings.NewReader(stdin), &out))
	return out.String()
}

func TestIncident(t *testing.T) {
	text := ask(t, options{replicas: -1}, "")
	want, err := os.ReadFile("testdata/incident.txt")
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}

func TestIncidentAsJSON(t *testing.T) {
	var a capacity.Answer
	require.NoError(t, json.Unmarshal([]byte(ask(t, options{replicas: -1, output: "json"}, "")), &a))
	require.Equal(t, 500, a.Desired)
	require.Equal(t, 50, a.Running)
	require.Equal(t, 0, a.Fits)
	require.Equal(t, 450, a.Pending)
	require.Equal(t, 0, a.Rejected)
	require.Len(t, a.Nodes, 100)
	require.Equal(t, []capacity.Reason{{Text: "Insufficient cpu", Nodes: 100}}, a.Reasons)
	var b capacity.Answer
	require.NoError(t, yaml.Unmarshal([]byte(ask(t, options{replicas: -1, output: "yaml"}, "")), &b))
	require.Equal(t, a, b)
}

// The dump is the cluster that the report describes.
func TestTheDumpIsTheIncidents(t *testing.T) {
	objects, err := capacity.Read(bytes.NewReader(incidentCluster))
	require.NoError(t, err)
	controlPlane, workers, gateways := 0, 0, 0
	for _, o := range objects {
		switch o := o.(type) {
		case *corev1.Node:
			require.Equal(t, "v1.29.2", o.Status.NodeInfo.KubeletVersion)
			require.Empty(t, o.Spec.Taints)
			if strings.HasPrefix(o.Name, "node-p-") {
				controlPlane++
			} else {
				workers++
			}
		case *corev1.Pod:
			if o.Labels["app"] == "api-gateway" {
				gateways++
				require.Equal(t, "200m", o.Spec.Containers[0].Resources.Requests.Cpu().String())
			}
		}
	}
	require.Equal(t, []int{3, 97, 50}, []int{controlPlane, workers, gateways})
}

func TestOwnClusterFromStdinAndWhatIf(t *testing.T) {
	const node = `{"apiVersion":"v1","kind":"Node","metadata":{"name":"a"},` +
		`"status":{"allocatable":{"cpu":"2","memory":"8Gi","pods":"110"}}}`
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	workload := file("w.json",
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"default"},`+
			`"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"500m"}}}]}}`)
	more := file("more.json", strings.Replace(node, `"a"`, `"b"`, 1))

	var a capacity.Answer
	require.NoError(t, json.Unmarshal(
		[]byte(ask(t, options{cluster: "-", workload: workload, replicas: 10, output: "json"}, node)), &a))
	require.Equal(t, 4, a.Fits)
	require.NoError(t, json.Unmarshal(
		[]byte(ask(t, options{cluster: "-", workload: workload, whatIf: more, replicas: 10, output: "json"}, node)),
		&a))
	require.Equal(t, 8, a.Fits)
	// A manifest usually has more in it than the workload.
	service := file("s.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: "+
		"s}\n---\n{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},"+
		"\"spec\":{\"containers\":[{\"name\":\"c\"}]}}\n")
	require.Contains(t, ask(t, options{cluster: "-", workload: service, replicas: -1}, node),
		"1 replicas of Pod p wanted in namespace default, 0 running, 1 nodes")
	require.Contains(t, ask(t, options{cluster: "-", replicas: -1}, node),
		"Deployment api-gateway, the incident's as no -workload is given, wanted")
	text := ask(t, options{cluster: "-", workload: workload, whatIf: more, replicas: 10}, node)
	require.Contains(t, text, "0/1 nodes are available: 1 Insufficient cpu.")
	require.Contains(t, text, "0/2 nodes are available: 2 Insufficient cpu.")

	// Whatever the answer leaves out is said in every form, and once.
	widget := file("widget.json", `{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"}}`)
	text = ask(t, options{cluster: "-", workload: workload, whatIf: widget, replicas: 1},
		node+`{"apiVersion":"example.com/v1","kind":"Gadget","metadata":{"name":"g"}}`)
	require.Equal(t, 1, strings.Count(text, "warning: capacity: skipped 1 of unknown kind example.com/v1 Gadget\n"))
	require.Equal(t, 1, strings.Count(text, "warning: capacity: skipped 1 of unknown kind example.com/v1 Widget\n"))
}

func TestWarningsOfTheClusterInJSON(t *testing.T) {
	var out bytes.Buffer
	answer := capacity.Answer{Warnings: []error{errors.New("of the answer")}}
	require.NoError(t, write(&out, "json", answer, []error{errors.New("of the cluster")}))
	require.Contains(t, out.String(), "\"warnings\": [\n    \"of the cluster\",\n    \"of the answer\"\n  ]")
	require.Len(t, answer.Warnings, 1)
}

func TestBadFlags(t *testing.T) {
	for want, o := range map[string]options{
		`-o is "xml", want text, json or yaml`:              {output: "xml"},
		"-cluster and -kubeconfig are both given, want one": {output: "text", cluster: "x", kubeconfig: "y"},
		"open none: no such file or directory":              {output: "text", cluster: "none"},
		"workloads, want one Deployment":                    {output: "text", workload: "testdata/cluster.yaml"},
		`argument "x.yaml", want flags only`:                {output: "text", rest: []string{"x.yaml"}},
		"-context is given without -kubeconfig, want both":  {output: "text", context: "x"},
		"-o json of another cluster without -workload would answer for the incident's Deployment, want -workload " +
			"FILE": {output: "json", cluster: "x"},
		"-o yaml of another cluster without " +
			"-workload": {output: "yaml",
			kubeconfig: "x"},
		"-replicas is -2, want >= 0": {output: "text", replicas: -2},
		`live: Cluster.Kubeconfig "none": stat none: no such file or directory`: {output: "text", kubeconfig: "none"},
	} {
		require.ErrorContains(t, run(context.Background(), o, strings.NewReader(""), &bytes.Buffer{}), want)
	}
}

func TestBar(t *testing.T) {
	require.Equal(t, "████", bar(1, 1, 4))
	require.Equal(t, "██··", bar(1, 2, 4))
	require.Equal(t, "▏···", bar(1, 1000, 4), "something is never drawn as nothing")
	require.Equal(t, "····", bar(0, 9, 4))
}
