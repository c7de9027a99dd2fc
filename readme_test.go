package redline_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The README's program is run, and must print what the README says it prints.
func TestReadmeProgram(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	found := regexp.MustCompile("(?s)```go\n(.*?)```\n.*?```text\n(.*?)```").FindStringSubmatch(string(readme))
	require.Len(t, found, 3, "a go block followed by a text block")
	file := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(file, []byte(found[1]), 0o600))
	out, err := exec.Command("go", "run", file).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, found[2], string(out))
}

// What the README names exists: examples and make targets.
func TestReadmeNamesWhatExists(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, example := range regexp.MustCompile(`\./examples/[a-z]+`).FindAllString(string(readme), -1) {
		_, err := os.Stat(filepath.Join(example, "main.go"))
		require.NoError(t, err)
	}
	makefile, err := os.ReadFile("Makefile")
	require.NoError(t, err)
	for _, target := range regexp.MustCompile("`make ([a-z]+)").FindAllStringSubmatch(string(readme), -1) {
		require.Contains(t, string(makefile), "\n"+target[1]+":")
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^):]*?)(?:#([^)]*))?\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	symbols = regexp.MustCompile("[^a-z0-9 _-]")
)

// TestLinks follows each link of a page to a file, and to a heading in it.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			target := page
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(page), m[1])
			}
			linked, err := os.ReadFile(target)
			if info, statErr := os.Stat(target); statErr == nil && info.IsDir() {
				err = nil
			}
			require.NoError(t, err, "a link in %s", page)
			if m[2] != "" {
				require.Contains(t, anchors(string(linked)), m[2], "a link in %s to %s", page, target)
			}
		}
	}
}

// pages returns the Markdown files of the checkout.
func pages(t *testing.T) []string {
	var found []string
	require.NoError(t, filepath.WalkDir(".", func(path string, e os.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			found = append(found, path)
		}
		return err
	}))
	require.NotEmpty(t, found)
	return found
}

// anchors returns the names by which a page's headings are linked to.
func anchors(text string) []string {
	var names []string
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		name := symbols.ReplaceAllString(strings.ToLower(m[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}
