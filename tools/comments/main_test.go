package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestComments(t *testing.T) {
	long := strings.Repeat("long ", 20)
	source := "package p\n\n" +
		"// A is what it is.\nvar A = 1 // " + long + "\n\n" +
		"// B says " + long + "\nvar B = 2\n\n" +
		"// C returns three.\nfunc C() int { return 3 }\n\n" +
		"func ExampleC() {\n\t// Output:\n\t// " + long + "\n}\n\n" +
		"// https://example.com/" + strings.Repeat("x", 100) + "\n"
	file := filepath.Join(t.TempDir(), "p.go")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	found, err := walk(&out, filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	want := file + ":6: a comment of 110 columns, want 100\n" +
		file + ":3: a comment opens with \"A is what\", want a verb\n"
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if found != 2 || lines[1]+"\n"+lines[0]+"\n" != want {
		t.Errorf("found %d:\n%s\nwant\n%s", found, &out, want)
	}
}
