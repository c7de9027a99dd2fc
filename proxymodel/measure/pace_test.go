package measure

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// The sample finds everything as it was: nothing is left over, and each service's line is written.
func TestWorkSampleChangesNothing(t *testing.T) {
	w := newWorkSample()
	assert.Len(t, w.ports, workServices)
	lines := 0
	for name, p := range w.ports {
		lines += len("-A KUBE-SERVICES -m comment --comment \"" + name + " cluster IP\" -d " + p.ip +
			" --dport 80 -j " + p.chain + "\n")
	}
	assert.Equal(t, lines, w.walk())
}
