package measure

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A calibration removes what killed ones left, and no directory that is in use or another's.
func TestScratchSweeps(t *testing.T) {
	parent := t.TempDir()
	t.Setenv("TMPDIR", parent)
	for _, d := range []string{scratchPrefix + "1", scratchPrefix + "2", scratchPrefix + "x", scratchPrefix + "3"} {
		require.NoError(t, os.Mkdir(filepath.Join(parent, d), 0o700))
	}
	require.NoError(t, os.WriteFile(filepath.Join(parent, scratchPrefix+"2", lockName), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(parent, scratchPrefix+"3", "mine"), nil, 0o600))
	first, done, err := newScratch()
	require.NoError(t, err)
	second, doneToo, err := newScratch()
	require.NoError(t, err)
	left := func() (names []string) {
		entries, err := os.ReadDir(parent)
		require.NoError(t, err)
		for _, e := range entries {
			names = append(names, filepath.Join(parent, e.Name()))
		}
		return names
	}
	others := []string{filepath.Join(parent, scratchPrefix+"x"), filepath.Join(parent, scratchPrefix+"3")}
	assert.ElementsMatch(t, append([]string{first, second}, others...), left())
	done()
	doneToo()
	assert.ElementsMatch(t, others, left())
}
