package controlplane

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// singletons are goroutines that Kubernetes starts once in a process and never ends;
// they do not grow with the number of clusters.
var singletons = []goleak.Option{
	goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"), // klog's flush
}

// TestNothingIsLeftBehind: a cluster that has ended has left no goroutine and no file. The
// directory for temporary files is the test's own, because others on the machine use the usual
// one.
func TestNothingIsLeftBehind(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	small := Scenario{
		Nodes: 5, RoomOn: 2, Replicas: 2, Fillers: 1, Quota: 100, Deployment: true,
		HPA: &HPA{Min: 1, Max: 5, Target: 80}, Length: time.Second,
	}
	t.Run("first", func(t *testing.T) { Run(t, small) }) // process-wide singletons start here
	current := goleak.IgnoreCurrent()
	t.Run("second", func(t *testing.T) {
		r := Run(t, small)
		assert.Less(t, r.SetupAlone, 30*time.Second)
	})
	options := append([]goleak.Option{current}, singletons...)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		runtime.GC()
		assert.NoError(c, goleak.Find(options...))
	}, 40*time.Second, time.Second)
	left, err := os.ReadDir(temporary)
	require.NoError(t, err)
	assert.Empty(t, left, "files in the directory for temporary files")
}
