package scheduler_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/scheduler"
	"github.com/redline-go/redline/validation/oracle"
)

// alone is the report of a process of its own that asks the engine one question: its high-water
// mark of resident memory after each step, and the times of the steps.
type alone struct {
	Objects, Snapshot, First, Again float64 // MiB: VmHWM of the process after that step
	FirstSeconds, AgainSeconds      float64
	Fits                            int
}

const aloneAt = "REDLINE_ALONE" // set in the child: it is the measured process

// The engine alone at (c): 5,000 nodes with 8 pods each and 10,000 replicas, objects and first
// count included.
func TestMemoryAtC(t *testing.T) {
	if os.Getenv(aloneAt) != "" {
		measureAlone(t)
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("the high-water mark of the resident memory is read from /proc")
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemoryAtC$", "-test.v",
		"-test.memprofile="+os.Getenv("REDLINE_MEMPROFILE"))
	command.Env = append(os.Environ(), aloneAt+"=c")
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	var got alone
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if line := lines.Bytes(); bytes.HasPrefix(line, []byte("{")) {
			require.NoError(t, json.Unmarshal(line, &got))
		}
	}
	t.Logf("peak MiB: objects %.0f, snapshot %.0f, first call %.0f, second %.0f; first call %.2f s, second %.3f s",
		got.Objects, got.Snapshot, got.First, got.Again, got.FirstSeconds, got.AgainSeconds)
	assert.Equal(t, oracle.C().Slots, got.Fits)
	assert.Less(t, got.Again, 400.0, "MiB at most")
}

func measureAlone(t *testing.T) {
	var got alone
	c := oracle.C()
	got.Objects = peakMiB()
	s := snapshot(t, c.Objects...)
	got.Snapshot = peakMiB()
	e := engine(t, scheduler.Config{})
	for _, at := range []struct{ mib, seconds *float64 }{{&got.First, &got.FirstSeconds},
		{&got.Again, &got.AgainSeconds}} {
		start := time.Now()
		placements, answer, err := e.Place(t.Context(), s, workload(c.Pod, c.Want))
		require.NoError(t, err)
		require.Len(t, placements, answer.Fits)
		got.Fits = answer.Fits
		*at.seconds, *at.mib = time.Since(start).Seconds(), peakMiB()
	}
	require.NoError(t, json.NewEncoder(os.Stdout).Encode(got))
}
