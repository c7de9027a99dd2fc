package measure

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/proxymodel"
)

// fakeEnv makes this test binary a tool. If it names the tool, the tool says so in a file of
// startedEnv's directory and never ends. Otherwise the tool fails.
const (
	fakeEnv    = "REDLINE_MEASURE_FAKE"
	startedEnv = "REDLINE_MEASURE_STARTED"
)

// fakeEnds stands for tools that succeed at once.
const fakeEnds = "ends"

func TestMain(m *testing.M) {
	switch name := filepath.Base(os.Args[0]); os.Getenv(fakeEnv) {
	case "":
		os.Exit(m.Run())
	case name:
		if os.WriteFile(filepath.Join(os.Getenv(startedEnv), name), nil, 0o644) == nil {
			time.Sleep(time.Hour) // until the context kills it
		}
	}
	os.Exit(1)
}

// tools are the programs that a calibration starts, but for those that make namespaces.
var tools = []string{"ipset", "iptables", "nft", "xtables-legacy-multi", "xtables-nft-multi"}

// fakeTools puts this binary in place of all tools, so that the test needs none. For fakeEnds it
// puts a script there, since this binary takes long to start with the race detector.
func fakeTools(t *testing.T, how string) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	for _, name := range tools {
		file := filepath.Join(dir, name)
		if how == fakeEnds {
			require.NoError(t, os.WriteFile(file, []byte("#!/bin/sh\nexit 0\n"), 0o755))
			continue
		}
		require.NoError(t, os.Symlink(self, file))
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv(fakeEnv, how)
}

// testNamespace makes a namespace, or skips the test where this machine allows none.
func testNamespace(t *testing.T) *namespace {
	t.Helper()
	ns, err := newNamespace(t.Context(), filepath.Join(t.TempDir(), "lock"))
	if err != nil {
		t.Skipf("measure: needs a network namespace: %v", err)
	}
	t.Cleanup(ns.close)
	return ns
}

// Nothing stays, whichever tool runs when the context is cancelled: no process, and with them no
// namespace, no file, and no thread in another namespace.
func TestCalibrateEndsWithItsContext(t *testing.T) {
	testNamespace(t).close() // there can be one
	for _, tool := range tools {
		t.Run(tool, func(t *testing.T) {
			fakeTools(t, tool)
			started, temporary := t.TempDir(), t.TempDir()
			t.Setenv(startedEnv, started)
			t.Setenv("TMPDIR", temporary)
			before := threadNamespaces(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() { // cancels once the tool has started
				for ctx.Err() == nil {
					if _, err := os.Stat(filepath.Join(started, tool)); err == nil {
						cancel()
					}
					time.Sleep(time.Millisecond)
				}
			}()
			_, err := Calibrate(ctx)
			require.ErrorIs(t, err, context.Canceled)
			assert.Empty(t, children(t), "processes, and with them namespaces, left behind")
			left, err := os.ReadDir(temporary)
			require.NoError(t, err)
			assert.Empty(t, left)
			assert.Equal(t, before, threadNamespaces(t))
		})
	}
}

// threadNamespaces lists the network namespaces of this process's threads.
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

// children lists the processes whose end this one has not seen.
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

// A whole calibration ends with a machine that predicts. Tools that do nothing are cheap tools.
func TestCalibrateMeasuresEveryTool(t *testing.T) {
	testNamespace(t).close()
	fakeTools(t, fakeEnds)
	m, err := Calibrate(t.Context())
	require.NoError(t, err)
	assert.Contains(t, m.Source, "calibrated on linux/")
	assert.Positive(t, m.Cores)
	for _, w := range m.Warnings {
		require.ErrorIs(t, w, proxymodel.ErrUnmeasured)
		var kernel syscall.Errno
		known := slices.ContainsFunc([]error{errNoMethod, errTooSlow, errTooBusy, errOutside, context.DeadlineExceeded},
			func(why error) bool { return errors.Is(w, why) })
		assert.True(t, known || errors.As(w, &kernel), "the tools are there and succeed: %v", w)
	}
	for _, part := range append(allTerms(&m), costs{&m.Legacy.Walk, &m.IPTablesNFT.Walk, &m.NFTables.Hit}) {
		for _, c := range part {
			assert.GreaterOrEqual(t, *c, proxymodel.Nanos(0))
		}
	}
	for _, mode := range []proxymodel.Mode{proxymodel.IPTables, proxymodel.NFTables, proxymodel.IPVS} {
		p := predict(mode, m, proxymodel.Uniform(1000, 1))
		assert.Positive(t, p.Full.Duration(), mode)
	}
}

// Without its tools a calibration warns of each, and keeps the reference's proportions.
func TestCalibrateWithoutTools(t *testing.T) {
	testNamespace(t).close()
	fakeTools(t, "none of them") // all fail
	m, err := Calibrate(t.Context())
	require.NoError(t, err)
	var all strings.Builder
	for _, w := range m.Warnings {
		require.ErrorIs(t, w, proxymodel.ErrUnmeasured)
		all.WriteString(w.Error() + "\n")
	}
	for _, what := range []string{
		"measure: ipset, of ipvs mode: not measured", "measure: which iptables this node calls: not measured",
		"measure: nftables: not measured", "measure: iptables-legacy: not measured",
		"measure: iptables-nft: not measured",
	} {
		assert.Contains(t, all.String(), what)
	}
	want := proxymodel.DefaultMachine()
	ratio := float64(m.Legacy.Line / want.Legacy.Line)
	for i, c := range iptablesTerms(&m.Legacy) {
		assert.InDelta(t, ratio*float64(*iptablesTerms(&want.Legacy)[i]), float64(*c), 1e-6*float64(*c))
	}
}

// A machine that has too little time left measures no more.
func TestRoom(t *testing.T) {
	assert.NoError(t, room(t.Context(), time.Hour), "no deadline")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	assert.NoError(t, room(ctx, time.Second))
	assert.ErrorIs(t, room(ctx, time.Hour), errTooSlow)
}
