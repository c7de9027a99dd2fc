package redline_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/redline-go/redline"

// floors says on which floor a package stands. It may import what is on a lower floor, and what
// shares its first directory.
var floors = []struct {
	path  string
	floor int
}{
	{"internal", 0},
	{"kube", 0},
	{"capacity", 1},
	{"etcdmodel", 1},
	{"proxymodel", 1},
	{"scheduler/retry", 2}, // writes what it predicts with etcdmodel's operations
	{"scheduler", 2},
	{"hpa", 2},
	{"cascade", 3},
	{"examples", 4},
}

// above are the packages of the cascade, each above those that it may import. Tests may look up.
var above = []string{
	"cascade/scenario", "cascade/story", "cascade/internal/sim", "cascade/incident8829", "cascade",
	"cascade/sweep", "cascade/report",
}

// heavy are the modules that only some packages may lean on, tests included.
var heavy = map[string][]string{
	"k8s.io/kubernetes/": {"scheduler", "examples/explain"},
	"k8s.io/client-go/":  {"scheduler", "capacity/live", "examples/explain", "examples/fit"},
	"go.etcd.io/":        {"scheduler", "examples/explain"},
	"gonum.org/v1/plot":  {"examples", "cascade/report"},
}

type listed struct {
	ImportPath, ForTest, Name string
	Imports, Deps             []string
}

func list(t *testing.T, args ...string) []listed {
	t.Helper()
	args = append([]string{"list", "-json=ImportPath,ForTest,Name,Imports,Deps"}, args...)
	out, err := exec.Command("go", args...).Output()
	require.NoError(t, err)
	var packages []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p listed
		require.NoError(t, d.Decode(&p))
		packages = append(packages, p)
	}
	return packages
}

// relative is the path inside the module, "" for the root, and whether it is ours.
func relative(path string) (string, bool) {
	path, _, _ = strings.Cut(path, " ") // "p [p.test]" is p compiled for its test
	path = strings.TrimSuffix(strings.TrimSuffix(path, ".test"), "_test")
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/")
}

func under(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// floorOf is the floor of the longest listed directory that holds path.
func floorOf(path string) int {
	floor, longest := -1, -1
	for _, f := range floors {
		if under(path, f.path) && len(f.path) > longest {
			floor, longest = f.floor, len(f.path)
		}
	}
	return floor
}

func TestImportsOnlyDownward(t *testing.T) {
	for _, p := range list(t, "-test", "./...") {
		from, ours := relative(p.ImportPath)
		if !ours || from == "" {
			continue
		}
		require.GreaterOrEqual(t, floorOf(from), 0, "package %s stands on no floor: add it to this test's list", from)
		for _, path := range p.Imports {
			to, ours := relative(path)
			if !ours || to == "" {
				continue
			}
			same := strings.SplitN(from, "/", 2)[0] == strings.SplitN(to, "/", 2)[0]
			if a, b := slices.Index(above, from), slices.Index(above, to); p.ForTest == "" && b > a && a >= 0 {
				t.Errorf("%s imports %s, which stands above it", from, to)
			}
			if floorOf(to) > floorOf(from) || floorOf(to) == floorOf(from) && !same {
				t.Errorf("%s (floor %d) imports %s (floor %d): imports go downward only", from, floorOf(from), to, floorOf(to))
			}
		}
	}
}

func TestLightPackagesStayLight(t *testing.T) {
	for _, p := range list(t, "-test", "./...") {
		from, ours := relative(p.ImportPath)
		if !ours || from == "" {
			continue
		}
		for _, dep := range p.Deps {
			for prefix, allowed := range heavy {
				if !strings.HasPrefix(dep, prefix) {
					continue
				}
				ok := false
				for _, dir := range allowed {
					ok = ok || under(from, dir) && !under(from, "scheduler/retry")
				}
				if !ok {
					t.Errorf("%s depends on %s: only %v may", from, dep, allowed)
				}
			}
		}
	}
}
