package controlplane

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRoom: 100 nodes and 1,000 running pods start within 30 s and fit into 4 GB.
func TestRoom(t *testing.T) {
	if !long() {
		t.Skip("REDLINE_LONG=1 runs it: 100 kubelets")
	}
	r := Run(t, Scenario{Nodes: 100, RoomOn: 50, Replicas: 50, Fillers: 10, Length: 30 * time.Second})
	assert.Less(t, r.SetupAlone, 30*time.Second)
	peak := peakMemory(t)
	for _, e := range r.Log {
		t.Log(e.At, e.Text)
	}
	t.Logf("100 nodes, 1,050 pods: ready after %v, at most %d MB", r.Setup, peak>>20)
	assert.Less(t, peak, int64(4<<30))
	writes := r.Writes(0, 30*time.Second)
	assert.InDelta(t, 9.8*30, writes["leases/update/kube-node-lease"], 0.1*9.8*30, "Lease renewals: %v", writes)
}

// peakMemory returns the most bytes that this process has had in memory.
func peakMemory(t *testing.T) int64 {
	text, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		var kb int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	t.Skip("no VmHWM in /proc/self/status")
	return 0
}
