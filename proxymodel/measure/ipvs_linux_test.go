package measure

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/proxymodel"
)

// An ipset that does not work leaves the prior, and a warning.
func TestCalibrateWarnsOfIpset(t *testing.T) {
	ns, dir := testNamespace(t), t.TempDir()
	script := "#!/bin/sh\necho ipset: Kernel error received: Operation not permitted >&2\nexit 1\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ipset"), []byte(script), 0o755))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	m := proxymodel.DefaultMachine()
	prior := m.IPVS
	c := calibration{machine: &m, ratio: 1}
	c.ipvs(t.Context(), ns)
	require.Len(t, m.Warnings, 1)
	assert.ErrorIs(t, m.Warnings[0], proxymodel.ErrUnmeasured)
	assert.ErrorContains(t, m.Warnings[0], "measure: ipset, of ipvs mode: not measured")
	assert.ErrorContains(t, m.Warnings[0], "Operation not permitted")
	assert.Equal(t, prior.Exec, m.IPVS.Exec)
	assert.Equal(t, prior.Entry, m.IPVS.Entry)
}
