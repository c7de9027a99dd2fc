package proxycost

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/redline-go/redline/proxymodel"
	"github.com/redline-go/redline/proxymodel/measure"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rootlessEnv makes the test binary an ordinary user's process.
const rootlessEnv = "REDLINE_PROXYCOST_ROOTLESS"

// An ordinary user calibrates in user namespaces, or is told what is missing. In either case there
// is a Machine, and the warnings say what it stands on.
func TestCalibrateWithoutRoot(t *testing.T) {
	if os.Getenv(rootlessEnv) != "" {
		calibrateRootless(t)
		return
	}
	if os.Getuid() != 0 {
		t.Skip("proxycost: needs root, to become somebody else")
	}
	dir, err := os.MkdirTemp("", "rootless")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	require.NoError(t, os.Chmod(dir, 0o777))
	binary := filepath.Join(dir, "test")
	copyFile(t, binary, os.Args[0])
	cmd := exec.Command(binary, "-test.run", "^TestCalibrateWithoutRoot$", "-test.v")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), rootlessEnv+"=1", "HOME="+dir, "TMPDIR="+dir)
	const nobody = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "calibrated") || strings.HasPrefix(line, "legacy") {
			fmt.Print(line)
		}
	}
}

func calibrateRootless(t *testing.T) {
	m, err := measure.Calibrate(t.Context())
	require.NoError(t, err)
	fmt.Println("calibrated:", m.Warnings)
	reference := proxymodel.DefaultMachine()
	measured := m.Legacy.Commit/reference.Legacy.Commit != m.Legacy.Fetch/reference.Legacy.Fetch
	fmt.Printf("legacy iptables measured in a user namespace: %v\n", measured)
	if !measured {
		require.NotEmpty(t, m.Warnings)
	}
	for _, w := range m.Warnings {
		assert.ErrorIs(t, w, proxymodel.ErrUnmeasured)
	}
	warned := errors.Join(m.Warnings...)
	assert.Equal(t, reference.Legacy.Walk, m.Legacy.Walk, "its threads can't send packets there")
	if measured {
		assert.ErrorContains(t, warned,
			"a first packet past the rules of iptables (legacy): not measured: without root")
		assert.Regexp(t, `nftables: not measured|`+
			`kube-proxy's own listing of nftables chains and sets takes: not measured: without root`, warned.Error())
	}
	p, err := proxymodel.Predict(proxymodel.Query{
		Version: proxymodel.V1_37, Machine: m, Shape: proxymodel.Uniform(1000, 1), Churn: proxymodel.Churn{Changes: 1},
	})
	require.NoError(t, err)
	assert.Positive(t, p.Full.CPU())
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	in, err := os.Open(from)
	require.NoError(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Close())
	require.NoError(t, os.Chmod(to, 0o755))
}
