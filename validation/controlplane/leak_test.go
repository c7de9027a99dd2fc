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

// TestNothingIsLeftBehind: a cluster that has ended has left no goroutine and no file.
func TestNothingIsLeftBehind(t *testing.T) {
	before := files(t)
	small := Scenario{Nodes: 5, RoomOn: 2, Replicas: 2, Fillers: 1, Quota: 100, Deployment: true, HPA: &HPA{Min: 1, Max: 5, Target: 80}, Length: time.Second}
	t.Run("first", func(t *testing.T) { Run(t, small) }) // process-wide singletons start here
	current := goleak.IgnoreCurrent()
	t.Run("second", func(t *testing.T) {
		r := Run(t, small)
		assert.Less(t, r.Setup, 30*time.Second)
	})
	options := append([]goleak.Option{current}, singletons...)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		runtime.GC()
		assert.NoError(c, goleak.Find(options...))
	}, 40*time.Second, time.Second)
	assert.Equal(t, before, files(t), "files in the directory for temporary files")
}

// files is what the bench could leave in the directory for temporary files.
func files(t *testing.T) (names []string) {
	entries, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	for _, e := range entries {
		for _, prefix := range []string{"kubernetes-kube-apiserver", "insecure_test_key", "TestNothing"} {
			if len(e.Name()) >= len(prefix) && e.Name()[:len(prefix)] == prefix {
				names = append(names, e.Name())
			}
		}
	}
	return names
}
