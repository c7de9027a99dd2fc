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

// What the README names exists: packages, examples, pages and make targets.
func TestReadmeNamesWhatExists(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(string(readme), -1) {
		_, err := os.Stat(link[1])
		require.NoError(t, err, "linked")
	}
	for _, example := range regexp.MustCompile(`\./examples/[a-z]+`).FindAllString(string(readme), -1) {
		_, err := os.Stat(filepath.Join(example, "main.go"))
		require.NoError(t, err)
	}
	makefile, err := os.ReadFile("Makefile")
	require.NoError(t, err)
	for _, target := range regexp.MustCompile("`make ([a-z]+)").FindAllStringSubmatch(string(readme), -1) {
		require.True(t, strings.Contains(string(makefile), "\n"+target[1]+":"), "make %s", target[1])
	}
}
