package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIncidentPrintsStoryClaimsAndCounterfactuals(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	require.NoError(t, command(context.Background(), []string{"-seeds", "2", "-out", dir}, &out))
	for _, want := range []string{
		"disk slows down", "<- L3 etcd check -> /livez -> API server restart", "Verdict: ",
		"50 -> 500, 450 pending", "impossible on stock Kubernetes",
		"etcd on NVMe", "prevented", "no effect (every run is identical)",
		"The cheapest that prevents the outage: etcd on NVMe",
		"The best two together of those that do not prevent it alone: ",
	} {
		require.Contains(t, out.String(), want)
	}
	for name, start := range map[string]string{
		"incident.svg": "<?xml", "incident.png": "\x89PNG", "incident.html": "<!doctype html>",
	} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, start, string(b[:len(start)]), name)
	}
}

func TestIncidentReadsWhatItPrints(t *testing.T) {
	var text, out bytes.Buffer
	require.NoError(t, command(context.Background(), []string{"-print"}, &text))
	file := filepath.Join(t.TempDir(), "cluster.yaml")
	require.NoError(t, os.WriteFile(file, text.Bytes(), 0o600))
	require.NoError(t, command(context.Background(), []string{"-seeds", "2", "-scenario", file}, &out))
	require.Contains(t, out.String(), "What happened: incident-8829")
	require.NotContains(t, out.String(), "The report's claims",
		"a scenario from a file is not the report's, whatever its name")
	require.NotContains(t, out.String(), "the report's action item")
	err := command(context.Background(), []string{"-scenario", filepath.Join("no", "file")}, &out)
	require.ErrorContains(t, err, "no such file")
}
