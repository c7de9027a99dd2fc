package redline_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
	modmodule "golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"
)

// installed asks for the whole of an importer's commands and for every package, as `make lint`
// does. Without it light packages are resolved, and nothing is built.
var installed = flag.Bool("installed", false, "build importers of every package and install every command")

// sums holds the lines that an importer's go.sum has after `go mod tidy`, by package. A package
// without a row may cost what the longest row above its path says, and no more.
var sums = map[string]int{
	"capacity":          60,
	"capacity/live":     116,
	"cascade":           72,
	"cascade/report":    123,
	"cascade/sweep":     74,
	"etcdmodel":         12,
	"etcdmodel/alerts":  159,
	"etcdmodel/kubeops": 66,
	"hpa":               60,
	"kube":              4,
	"proxymodel":        60,
	"scheduler/retry":   18,
}

// TestImporters imports each package as a user's module does: with a plain require, and without
// replace or exclude.
func TestImporters(t *testing.T) {
	if testing.Short() {
		t.Skip("resolves modules; not in -short")
	}
	home := publish(t)
	for _, path := range importable(t) {
		sum, light := sumsOf(path)
		if !light && !*installed {
			continue
		}
		t.Run(path, func(t *testing.T) {
			w := home.importer(t, path)
			w.run(t, "mod", "tidy")
			deps := w.run(t, "list", "-deps", ".")
			require.Contains(t, deps, module+"/"+path+"\n")
			if light {
				lines := w.sums(t)
				require.LessOrEqual(t, len(lines), sum, "lines of an importer's go.sum")
				require.NotContains(t, deps, "k8s.io/kubernetes/", "in the build")
				require.NotContains(t, strings.Join(lines, "\n"), "k8s.io/kubernetes ", "in go.sum")
			}
			w.run(t, "list", "-m", "all")
			if *installed {
				w.run(t, "build", "-o", os.DevNull, ".")
				w.run(t, "vet", ".")
				w.run(t, "mod", "verify")
			}
			w.run(t, "mod", "vendor")
		})
	}
}

// TestSumsNameWhatExists holds that no row outlives the move of its package.
func TestSumsNameWhatExists(t *testing.T) {
	paths := importable(t)
	for path := range sums {
		require.Contains(t, paths, path)
	}
}

// TestModuleHasNoReplaceNorExclude holds what `go install` at a version refuses.
func TestModuleHasNoReplaceNorExclude(t *testing.T) {
	text, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	mod, err := modfile.Parse("go.mod", text, nil)
	require.NoError(t, err)
	require.Empty(t, mod.Replace)
	require.Empty(t, mod.Exclude)
}

// TestInstall installs each command at a version, as a user does, and runs it.
func TestInstall(t *testing.T) {
	if !*installed {
		t.Skip("only with -installed: `make installed` runs it")
	}
	home := publish(t)
	for _, p := range list(t, "./...") {
		path, _ := relative(p.ImportPath)
		if p.Name != "main" {
			continue
		}
		t.Run(path, func(t *testing.T) {
			w := home.workspace(t)
			w.env = append(w.env, "GOBIN="+w.dir)
			w.run(t, "install", p.ImportPath+"@"+home.version)
			out, err := exec.Command(filepath.Join(w.dir, filepath.Base(path)), "-h").CombinedOutput()
			require.NoError(t, err, string(out))
			require.NotEmpty(t, out)
		})
	}
}

// importable returns the packages that others can import, by their paths in the module.
func importable(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, p := range list(t, "./...") {
		path, _ := relative(p.ImportPath)
		if p.Name != "main" && path != "" && !strings.Contains("/"+path+"/", "/internal/") {
			paths = append(paths, path)
		}
	}
	return paths
}

// sumsOf returns the row of the longest path in sums that holds path; it reports false where
// Kubernetes may be built.
func sumsOf(path string) (int, bool) {
	lines, longest := 0, ""
	for dir, n := range sums {
		if under(path, dir) && len(dir) > len(longest) {
			lines, longest = n, dir
		}
	}
	return lines, longest != "" || !under(path, "scheduler")
}

// A proxy is a module proxy in a folder; it serves the checkout as one version.
type proxy struct {
	dir, version string
	env          []string
}

// publish lays the checkout out as a module proxy's directory. Its version is a new one, since
// the module cache of the machine keeps what it has once seen; it forgets it when the test ends.
func publish(t *testing.T) proxy {
	t.Helper()
	p := proxy{dir: t.TempDir(), version: fmt.Sprintf("v0.0.0-20240522041208-%012x", rand.Uint64()>>16)}
	dir := filepath.Join(p.dir, module, "@v")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	mod, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	file := func(ext string) string { return filepath.Join(dir, p.version+ext) }
	require.NoError(t, os.WriteFile(file(".mod"), mod, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "list"), []byte(p.version+"\n"), 0o644))
	require.NoError(t, os.WriteFile(file(".info"), []byte(`{"Version":"`+p.version+`"}`), 0o644))
	archive, err := os.Create(file(".zip"))
	require.NoError(t, err)
	require.NoError(t, modzip.CreateFromDir(archive, modmodule.Version{Path: module, Version: p.version}, "."))
	require.NoError(t, archive.Close())

	out, err := exec.Command("go", "env", "GOMODCACHE", "GOPROXY").Output()
	require.NoError(t, err)
	cache, upstream, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	p.env = append(os.Environ(), "GOPROXY=file://"+p.dir+","+upstream, "GONOSUMDB="+module, "GOFLAGS=", "GOWORK=off")
	t.Cleanup(func() { forget(t, cache, p.version) })
	return p
}

// forget removes a version of this module from the module cache, which keeps its files read-only.
func forget(t *testing.T, cache, version string) {
	downloads := filepath.Join(cache, "cache", "download", module, "@v")
	kept, err := filepath.Glob(filepath.Join(downloads, version+".*"))
	require.NoError(t, err)
	unpacked := filepath.Join(cache, module+"@"+version)
	_ = filepath.WalkDir(unpacked, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			err = os.Chmod(path, 0o755)
		}
		return err
	})
	for _, path := range append(kept, unpacked, filepath.Join(downloads, "list")) {
		require.NoError(t, os.RemoveAll(path))
	}
}

// A workspace is a folder where the go command finds the checkout at a version.
type workspace struct {
	dir string
	env []string
}

func (p proxy) workspace(t *testing.T) workspace {
	return workspace{t.TempDir(), p.env}
}

// importer writes a module that imports path and requires nothing but this module.
func (p proxy) importer(t *testing.T, path string) workspace {
	t.Helper()
	w := p.workspace(t)
	gomod := "module example.com/importer\n\ngo 1.26.0\n\nrequire " + module + " " + p.version + "\n"
	source := "package main\n\nimport _ \"" + module + "/" + path + "\"\n\nfunc main() {}\n"
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, "go.mod"), []byte(gomod), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, "main.go"), []byte(source), 0o644))
	return w
}

// sums returns the lines of go.sum that are not of this module.
func (w workspace) sums(t *testing.T) []string {
	t.Helper()
	sum, err := os.ReadFile(filepath.Join(w.dir, "go.sum"))
	require.NoError(t, err)
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(string(sum)), "\n"), func(line string) bool {
		return strings.HasPrefix(line, module+" ")
	})
}

func (w workspace) run(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.Command("go", args...)
	command.Dir, command.Env = w.dir, w.env
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	require.NoError(t, err, "go %s: %s", strings.Join(args, " "), stderr.String())
	return string(out)
}
