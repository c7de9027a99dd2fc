package proxycost

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if args := os.Getenv(childEnv); args != "" {
		if err := runChild(strings.Fields(args), os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// needs skips a test that can't run here.
func needs(t *testing.T, modes ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("proxycost: needs root, for network namespaces")
	}
	for _, m := range modes {
		if _, err := exec.LookPath(binaryOf(m)); err != nil {
			t.Skipf("proxycost: needs %s (Debian packages iptables and nftables): %v", binaryOf(m), err)
		}
	}
}

func binaryOf(mode string) string {
	switch mode {
	case "legacy":
		return "xtables-legacy-multi"
	case "nft":
		return "xtables-nft-multi"
	}
	return "nft"
}

// measureSyncs runs a real proxier in a fresh network namespace, which ends with the process.
func measureSyncs(t *testing.T, mode string, services, endpoints, repetitions int) []measured {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := childCommand(ctx, mode, strconv.Itoa(services), strconv.Itoa(endpoints), strconv.Itoa(repetitions))
	cmd.Env = append(cmd.Env,
		"XTABLES_LOCKFILE="+filepath.Join(dir, "lock"),
		"PATH="+binaries(t, dir, mode)+string(os.PathListSeparator)+os.Getenv("PATH"),
	)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoErrorf(t, err, "%s %dx%d: %s", mode, services, endpoints, stderr.String())
	var rows []measured
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var r measured
		require.NoError(t, d.Decode(&r))
		rows = append(rows, r)
	}
	return rows
}

// childCommand returns this binary as a child.
func childCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(args, " "))
	return cmd
}

// binaries makes `iptables` mean one of the two implementations.
func binaries(t *testing.T, dir, mode string) string {
	if mode == "nftables" {
		return dir
	}
	multi, err := exec.LookPath(binaryOf(mode))
	require.NoError(t, err)
	for _, name := range []string{
		"iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore",
	} {
		require.NoError(t, os.Symlink(multi, filepath.Join(dir, name)))
	}
	return dir
}
