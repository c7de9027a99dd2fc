package proxymodel

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Wherever it is cancelled, nothing stays: no process, and with them no
// namespace, no file, and no thread in another namespace than before.
func TestCalibrateEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	before := threadNamespaces(t)
	for _, after := range []time.Duration{0, 20 * time.Millisecond, 300 * time.Millisecond, 1500 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		_, err := Calibrate(ctx)
		cancel()
		assert.ErrorIs(t, err, context.DeadlineExceeded, after)
		assert.Empty(t, children(t), "processes, and with them namespaces, left behind")
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Empty(t, left)
		assert.Equal(t, before, threadNamespaces(t))
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Calibrate(gone)
	assert.ErrorIs(t, err, context.Canceled)
}

// threadNamespaces are the network namespaces of this process's threads, on Linux.
func threadNamespaces(t *testing.T) (namespaces []string) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/task/*/ns/net")
	require.NoError(t, err)
	for _, link := range links {
		to, err := os.Readlink(link)
		if err == nil && !slices.Contains(namespaces, to) { // else the thread has ended
			namespaces = append(namespaces, to)
		}
	}
	return namespaces
}

// children are the processes that this one has not seen the end of, on Linux,
// but for those of its test runner.
func children(t *testing.T) (pids []string) {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	require.NoError(t, err)
	for _, list := range lists {
		b, err := os.ReadFile(list)
		if err == nil { // else the thread has ended
			pids = append(pids, strings.Fields(string(b))...)
		}
	}
	return pids
}

// A faster machine makes kube-proxy's own work cheaper, all of it alike.
func TestPaceKeepsProportions(t *testing.T) {
	m, want := DefaultMachine(), DefaultMachine()
	p := newPace()
	p.take(3)
	scale(p.ratio(), m.parts()...)
	assert.Positive(t, p.ratio())
	got, reference := m.NFTables.Proxy.terms().values(), want.NFTables.Proxy.terms().values()
	for i := range got {
		assert.InDelta(t, reference[i]*p.ratio(), got[i], 1e-6*reference[i])
	}
	assert.Equal(t, want.Legacy.Walk, m.Legacy.Walk, "a packet's cost is the kernel's")
}

// What rows do not contain follows what they do; what they do is met.
func TestFitFindsCosts(t *testing.T) {
	truth := []float64{100, 7, 0, 3}
	prior := []float64{50, 5, 0, 1}
	var rows []fitRow
	for _, units := range [][]float64{{1, 10, 5, 0}, {1, 1000, 7, 0}, {3, 200, 9, 0}, {0, 50, 1, 0}} {
		y := 0.0
		for j, u := range units {
			y += u * truth[j]
		}
		rows = append(rows, fitRow{units, y, 1 / y})
	}
	got := fit(rows, prior, 1e-6)
	assert.InEpsilon(t, 100, got[0], 0.01)
	assert.InEpsilon(t, 7, got[1], 0.01)
	assert.Zero(t, got[2], "no prior: the term is not used")
	assert.Greater(t, got[3], 1.0, "never seen: scaled like the others")
	for i := range got {
		assert.GreaterOrEqual(t, got[i], 0.0)
	}
}

func TestUnmeasuredWrapsBoth(t *testing.T) {
	why := errors.New("no iptables")
	err := unmeasured("iptables", why)
	require.ErrorIs(t, err, ErrUnmeasured)
	require.ErrorIs(t, err, why)
	assert.EqualError(t, err, "proxymodel: iptables: not measured: no iptables")
}
