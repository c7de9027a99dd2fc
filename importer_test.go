package redline_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	modmodule "golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"
)

// version is what the checkout is published as to a module proxy of the test's own.
const version = "v0.0.0-20240522041208-000000000000"

// An importer with a plain require, as any user's go.mod has it: no replace,
// and for the light packages nothing of k8s.io/kubernetes in go.sum or build.
func TestImporter(t *testing.T) {
	if testing.Short() {
		t.Skip("resolves modules; not in -short")
	}
	proxy := publish(t)
	for _, c := range []struct {
		path       string
		kubernetes bool // whether it may bring k8s.io/kubernetes along
		build      bool
	}{
		{path: "capacity", build: true},
		{path: "etcdmodel"},
		{path: "proxymodel"},
		{path: "proxymodel/measure"},
		{path: "scheduler/retry"},
		{path: "cascade"},
		{path: "scheduler", kubernetes: true},
	} {
		t.Run(c.path, func(t *testing.T) {
			if _, err := os.Stat(c.path); err != nil {
				t.Skipf("this checkout has no %s", c.path)
			}
			dir := importer(t, proxy, c.path)
			dir.run(t, "mod", "tidy")
			if c.build {
				dir.run(t, "build", "-o", os.DevNull, ".")
			}
			deps := dir.run(t, "list", "-deps", ".")
			sum, err := os.ReadFile(filepath.Join(dir.path, "go.sum"))
			require.NoError(t, err)
			require.Contains(t, deps, module+"/"+c.path+"\n")
			require.Equal(t, c.kubernetes, strings.Contains(deps, "k8s.io/kubernetes/"), "in the build")
			require.Equal(t, c.kubernetes, strings.Contains(string(sum), "k8s.io/kubernetes "), "in go.sum")
		})
	}
}

// publish lays the checkout out as a module proxy's directory.
func publish(t *testing.T) string {
	t.Helper()
	proxy := t.TempDir()
	dir := filepath.Join(proxy, module, "@v")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	mod, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, version+".mod"), mod, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, version+".info"), []byte(`{"Version":"`+version+`"}`), 0o644))
	archive, err := os.Create(filepath.Join(dir, version+".zip"))
	require.NoError(t, err)
	require.NoError(t, modzip.CreateFromDir(archive, modmodule.Version{Path: module, Version: version}, "."))
	require.NoError(t, archive.Close())
	return proxy
}

type workspace struct {
	path string
	env  []string
}

func importer(t *testing.T, proxy, path string) workspace {
	t.Helper()
	cache, err := exec.Command("go", "env", "GOMODCACHE", "GOPROXY").Output()
	require.NoError(t, err)
	lines := strings.Split(string(cache), "\n")
	dir := t.TempDir()
	gomod := "module example.com/importer\n\ngo 1.26.0\n\nrequire " + module + " " + version + "\n"
	source := "package main\n\nimport _ \"" + module + "/" + path + "\"\n\nfunc main() {}\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(gomod), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o644))
	return workspace{dir, append(os.Environ(),
		// The module cache of the machine serves as a proxy too, so that nothing is fetched twice.
		"GOPROXY=file://"+proxy+",file://"+filepath.Join(lines[0], "cache", "download")+","+lines[1],
		"GONOSUMDB="+module, "GOFLAGS=-mod=mod -modcacherw -trimpath", "GOWORK=off",
		"GOMODCACHE="+filepath.Join(t.TempDir(), "mod"))}
}

func (w workspace) run(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.Command("go", args...)
	command.Dir, command.Env = w.path, w.env
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	require.NoError(t, err, "go %s: %s", strings.Join(args, " "), stderr.String())
	return string(out)
}
