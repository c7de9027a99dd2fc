package lost

import (
	"bufio"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const childEnv = "REDLINE_LOST_CHILD"

// A process that is stopped for a second and a half knows it, and takes it for nothing else.
func TestAStoppedProcessLosesTime(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		w := Start()
		begin := time.Now()
		os.Stdout.WriteString("watching\n")
		for len(w.Time().Gaps) == 0 || w.Time().Gaps[len(w.Time().Gaps)-1].Late < time.Second { // until it has been stopped; the parent ends it otherwise
			time.Sleep(nap)
		}
		took, lost := time.Since(begin), w.Stop()
		require.LessOrEqual(t, lost.Between(begin, time.Now()), took)
		require.GreaterOrEqual(t, lost.Sum, lost.Between(begin, time.Now()))
		return
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAStoppedProcessLosesTime$")
	command.Env = append(os.Environ(), childEnv+"=1")
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	late := time.AfterFunc(time.Minute, func() { _ = command.Process.Kill() })
	defer late.Stop()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, line)
	require.NoError(t, command.Process.Signal(syscall.SIGSTOP))
	time.Sleep(1500 * time.Millisecond)
	require.NoError(t, command.Process.Signal(syscall.SIGCONT))
	assert.NoError(t, command.Wait())
}

func TestBetween(t *testing.T) {
	at := time.Unix(1000, 0)
	lost := Time{Gaps: []Gap{{at.Add(2 * time.Second), 2 * time.Second}, {at.Add(5 * time.Second), time.Second}}}
	for _, c := range []struct{ from, to, want int }{{0, 10, 3}, {-5, 0, 0}, {1, 4, 1}, {1, 5, 2}, {-1, 1, 1}, {6, 9, 0}, {0, 2, 2}} {
		from, to := at.Add(time.Duration(c.from)*time.Second), at.Add(time.Duration(c.to)*time.Second)
		assert.Equal(t, time.Duration(c.want)*time.Second, lost.Between(from, to), "%+v", c)
	}
}

// What this process does is its own, and what another does is not.
func TestOthers(t *testing.T) {
	if _, err := os.Stat("/proc/stat"); err != nil {
		t.Skip("lost: no /proc/stat")
	}
	const ticks = 30
	before := ReadProcessor()
	now, late := before, time.Now().Add(time.Minute)
	for now.Own < before.Own+ticks && time.Now().Before(late) { // reading is work
		now = ReadProcessor()
	}
	all, own := now.All-before.All-(now.Idle-before.Idle), now.Own-before.Own
	assert.GreaterOrEqual(t, own, float64(ticks))
	assert.LessOrEqual(t, own, all+ticks/4, "the kernel samples the one and sums the other")
	assert.InDelta(t, max(0, (all-own)/(now.All-before.All)), now.OthersSince(before), 1e-9)
	for share, want := range map[float64]float64{0: 0, 0.2: 0.25, 0.5: 0.5, 1: 0.5} {
		assert.InDelta(t, want, Stretch(share), 1e-9)
	}
}
