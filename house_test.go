package redline_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/redline-go/redline/internal/house"
)

var update = flag.Bool("update", false, "write docs/house.svg anew")

// TestHouse holds that the drawing shows the packages and imports of today.
func TestHouse(t *testing.T) {
	const file = "docs/house.svg"
	svg := house.Draw(rooms(t))
	if *update {
		require.NoError(t, os.WriteFile(file, svg, 0o644))
	}
	drawn, err := os.ReadFile(file)
	require.NoError(t, err)
	if string(svg) != string(drawn) { // a difference would be long
		t.Errorf("%s is not of today's imports: run `make house`", file)
	}
}

// rooms returns the packages as the drawing shows them: the examples as one, and of internal
// packages those that others import.
func rooms(t *testing.T) []house.Package {
	byName := map[string]*house.Package{}
	imported := map[string]bool{}
	for _, p := range list(t, "./...") {
		path, ours := relative(p.ImportPath)
		if !ours || path == "" {
			continue
		}
		name := room(path)
		if byName[name] == nil {
			byName[name] = &house.Package{Name: name, Floor: floorOf(path)}
		}
		r := byName[name]
		for _, dep := range p.Deps {
			r.Heavy = r.Heavy || strings.HasPrefix(dep, "k8s.io/kubernetes/") || strings.HasPrefix(dep, "k8s.io/client-go/")
		}
		for _, to := range p.Imports {
			if to, ours := relative(to); ours && room(to) != name {
				imported[room(to)] = true
				r.Imports = append(r.Imports, room(to))
			}
		}
	}
	var rooms []house.Package
	for name, r := range byName {
		if imported[name] || !strings.Contains("/"+name, "/internal/") {
			rooms = append(rooms, *r)
		}
	}
	slices.SortFunc(rooms, func(a, b house.Package) int { return strings.Compare(a.Name, b.Name) })
	return rooms
}

// room returns the box that shows a package.
func room(path string) string {
	for _, dir := range []string{"examples", "cmd", "page"} {
		if under(path, dir) {
			return dir
		}
	}
	return path
}
