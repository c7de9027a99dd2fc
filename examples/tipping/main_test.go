package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTippingDrawsTheMap(t *testing.T) {
	file := filepath.Join(t.TempDir(), "map.png")
	var out bytes.Buffer
	args := []string{"-x", "delay=0.5:4:8", "-y", "nodes=50:100:2", "-trajectories", "2", "-out", file}
	require.NoError(t, command(context.Background(), args, &out))
	require.Contains(t, out.String(), "nodes (up) over delay (right)")
	require.Contains(t, out.String(), "by Markov chain")
	require.Contains(t, out.String(), "Morris")
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "\x89PNG", string(b[:4]))
	args = []string{"-x", "delay=0:4:3", "-y", "duration=60:400:2", "-trajectories", "0"}
	require.NoError(t, command(context.Background(), args, &out))
	require.Contains(t, out.String(), "duration (up) over delay (right)", "a delay of 0 is healthy for however long")
	for _, bad := range []string{"delay", "delay=1:2", "delay=2:1:3", "delay=a:2:3"} {
		require.ErrorContains(t, command(context.Background(), []string{"-x", bad}, &out), "want parameter=from:to:n")
	}
}
