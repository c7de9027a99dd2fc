package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// incident returns the defaults of the flags.
func incident() options {
	return options{services: 4499, endpoints: 1, version: "v1.29", mode: "iptables", changes: 10, nodes: 100}
}

func TestIncident(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out, incident()))
	assert.Contains(t, out.String(), "wc -l: 4502;")
	assert.Contains(t, out.String(), "Advice: iptables mode")
	assert.Contains(t, out.String(), "removed in v1.43")
}

// dump holds one service and its slice as kubectl prints them, with a Pod among it.
const dump = `apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {namespace: shop, name: cart-1}
- apiVersion: v1
  kind: Service
  metadata: {namespace: shop, name: cart}
  spec:
    clusterIP: 10.96.0.7
    clusterIPs: [10.96.0.7]
    ipFamilies: [IPv4]
    type: ClusterIP
    ports: [{port: 80, protocol: TCP}]
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {namespace: shop, name: cart-abc, labels: {kubernetes.io/service-name: cart}}
  addressType: IPv4
  ports: [{name: "", port: 8080, protocol: TCP}]
  endpoints:
  - {addresses: [10.244.1.3], conditions: {ready: true}}
  - {addresses: [10.244.2.4], conditions: {ready: true}}
`

func TestDump(t *testing.T) {
	o := incident()
	o.dump, o.version, o.plots = "-", "v1.37", t.TempDir()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), strings.NewReader(dump), &out, o))
	assert.Contains(t, out.String(), "1 service ports, 2 endpoints")
	assert.Contains(t, out.String(), "wc -l: 4;")
	for _, name := range []string{"sync.svg", "sync.png", "packet.svg", "packet.png"} {
		info, err := os.Stat(filepath.Join(o.plots, name))
		require.NoError(t, err)
		assert.Greater(t, info.Size(), int64(1000), name)
	}
}

func TestRefusals(t *testing.T) {
	for wants, change := range map[string]func(*options){
		`-mode is "ipvs2", want one of`:    func(o *options) { o.mode = "ipvs2" },
		`-version is "v1.30", want one of`: func(o *options) { o.version = "v1.30" },
		"Shape.Ports is -1":                func(o *options) { o.services = -1 },
		"Churn.Changes is -1":              func(o *options) { o.changes = -1 },
		"- has 1 objects, but no Service":  func(o *options) { o.dump = "-" },
		"no such file":                     func(o *options) { o.dump = "no/such" },
	} {
		o := incident()
		change(&o)
		in := strings.NewReader("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")
		err := run(t.Context(), in, &bytes.Buffer{}, o)
		assert.ErrorContains(t, err, wants)
	}
}
