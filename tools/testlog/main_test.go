package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const stream = `{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:12: no file beside the repository\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:3: 4 is not 5\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestC","Output":"    c_test.go:3: 10 ms measured\n"}
{"Action":"pass","Package":"p","Test":"TestC"}
{"Action":"output","Package":"p","Test":"TestD","Output":"panic: test timed out\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
{"Action":"output","Package":"q","Output":"ok  \tq\t0.1s\n"}
{"Action":"pass","Package":"q"}
`

func TestPrintsClosingLinesAndWhatFailed(t *testing.T) {
	for _, c := range []struct {
		logs bool
		want string
	}{
		{false, "    b_test.go:3: 4 is not 5\nFAIL\tp\t0.1s\npanic: test timed out\nok  \tq\t0.1s\n"},
		{true, "    a_test.go:12: no file beside the repository\n    b_test.go:3: 4 is not 5\n" +
			"    c_test.go:3: 10 ms measured\npanic: test timed out\nFAIL\tp\t0.1s\nok  \tq\t0.1s\n"},
	} {
		var out strings.Builder
		if err := run(strings.NewReader(stream), &out, "", c.logs); err != nil {
			t.Fatal(err)
		}
		if out.String() != c.want {
			t.Errorf("with logs %v:\n%s\nwant\n%s", c.logs, &out, c.want)
		}
	}
}

func TestSkipsNeedAListedReason(t *testing.T) {
	file := filepath.Join(t.TempDir(), "skips")
	if err := run(strings.NewReader(stream), &strings.Builder{}, file, false); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := check(&out, file); err == nil {
		t.Error("a missing file is no reason")
	}
	if want := "skipped: 1 tests\n! p TestA: no file beside the repository\n"; out.String() != want {
		t.Errorf("printed %q, want %q", &out, want)
	}
	if err := os.WriteFile(file, []byte("p TestA: proxymodel: needs root and nft\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := check(&out, file); err != nil {
		t.Error(err)
	}
}

// The reason of a skip is known whether or not what tests log is printed.
func TestKnowsTheReasonInBothModes(t *testing.T) {
	for _, logs := range []bool{false, true} {
		file := filepath.Join(t.TempDir(), "skips")
		if err := run(strings.NewReader(stream), io.Discard, file, logs); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if want := "p TestA: no file beside the repository\n"; string(text) != want {
			t.Errorf("with logs %v: %q, want %q", logs, text, want)
		}
	}
}
