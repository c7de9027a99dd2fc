//go:build unix

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
		// until it has been stopped; the parent ends it otherwise
		for len(w.Time().Gaps) == 0 || w.Time().Gaps[len(w.Time().Gaps)-1].Late < time.Second {
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
