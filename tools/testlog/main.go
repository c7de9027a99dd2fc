// Command testlog reads the output of `go test -json` and prints what a reader wants of it: the
// closing line of each package, and all that a failed test said. It keeps a list of the tests that
// were skipped, each with its reason.
//
//	go test -json ./... | testlog -skips skips.txt
//	testlog -report skips.txt
//
// With -log it also prints what the tests measured, without the lines of servers and controllers.
// With -report it prints the list, and fails where a reason is not one of reasons.txt.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

//go:embed reasons.txt
var reasons string

func main() {
	skips := flag.String("skips", "", "`FILE` to which the skipped tests are added")
	logs := flag.Bool("log", false, "print what tests log, too")
	report := flag.String("report", "", "print this `FILE` of skipped tests, and fail on a reason that is not listed")
	flag.Parse()
	err := run(os.Stdin, os.Stdout, *skips, *logs)
	if *report != "" {
		err = check(os.Stdout, *report)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testlog:", err)
		os.Exit(1)
	}
}

// An event is one line of `go test -json`: see `go doc test2json`.
type event struct {
	Action, Package, Test, Output string
}

func run(in io.Reader, out io.Writer, skips string, logs bool) error {
	p := printer{out: out, logs: logs, said: map[[2]string][]string{}, last: map[[2]string]string{}}
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			break
		}
		var e event
		if json.Unmarshal(line, &e) != nil {
			fmt.Fprint(out, string(line))
			continue
		}
		p.add(e)
	}
	if skips == "" || len(p.skipped) == 0 {
		return nil
	}
	f, err := os.OpenFile(skips, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(strings.Join(p.skipped, "")); err != nil {
		return err
	}
	return f.Close()
}

type printer struct {
	out     io.Writer
	logs    bool
	said    map[[2]string][]string // by package and test, until it ends
	last    map[[2]string]string   // the last line that each logged, printed or not
	skipped []string
}

func (p *printer) add(e event) {
	key := [2]string{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(p.out, e.Output)
	case "output":
		p.output(key, e)
	case "skip":
		if e.Test != "" {
			p.skipped = append(p.skipped, fmt.Sprintf("%s %s: %s\n", e.Package, e.Test, cmp.Or(p.last[key], "no reason")))
		}
		delete(p.said, key)
	case "fail":
		p.print(key)
		if e.Test == "" {
			p.unfinished(e.Package)
		}
	case "pass":
		delete(p.said, key)
	}
}

func (p *printer) print(key [2]string) {
	fmt.Fprint(p.out, strings.Join(p.said[key], ""))
	delete(p.said, key)
}

// unfinished prints the tests of a package that ended without them: a panic, or a timeout.
func (p *printer) unfinished(pkg string) {
	keys := slices.SortedFunc(maps.Keys(p.said), func(a, b [2]string) int { return strings.Compare(a[1], b[1]) })
	for _, key := range keys {
		if key[0] == pkg {
			p.print(key)
		}
	}
}

// closing matches the lines of a package that are printed at once.
var closing = regexp.MustCompile(`^(ok|FAIL|coverage:|warning:)`)

// noise matches what go test says of its own, and what servers and controllers log.
var noise = regexp.MustCompile(`^(=== |\s*--- (PASS|SKIP)|PASS|\?|[IWEF][0-9]{4} |\s+(testserver|shared_informer|` +
	`logger|crd_finalizer|feature_gate|runtime|[a-z_]*controller|reflector|warnings|trace|instance|serve[a-z]*|tlsconfig|` +
	`dynamic_[a-z]*|secure_serving|node_tree|schedule_one)\.go:)`)

func (p *printer) output(key [2]string, e event) {
	if m := logged.FindStringSubmatch(e.Output); m != nil {
		p.last[key] = m[1]
	}
	switch {
	case e.Test == "" && closing.MatchString(e.Output), p.logs && !noise.MatchString(e.Output):
		fmt.Fprint(p.out, e.Output)
	default:
		p.said[key] = append(p.said[key], e.Output)
	}
}

// logged matches a line that a test logs.
var logged = regexp.MustCompile(`^\s+\w+\.go:\d+: (.*)`)

// check prints the list and returns an error where a reason is not one of reasons.txt.
func check(out io.Writer, file string) error {
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(bytes.TrimSpace(text)) == 0 {
		lines = nil
	}
	slices.Sort(lines)
	lines = slices.Compact(lines)
	fmt.Fprintf(out, "skipped: %d tests\n", len(lines))
	unlisted := 0
	for _, line := range lines {
		_, why, _ := strings.Cut(line, ": ")
		if listed(why) {
			fmt.Fprintln(out, " ", line)
			continue
		}
		unlisted++
		fmt.Fprintln(out, "!", line)
	}
	if unlisted > 0 {
		return fmt.Errorf("%d tests were skipped for a reason that is not listed in reasons.txt", unlisted)
	}
	return nil
}

func listed(why string) bool {
	for line := range strings.Lines(reasons) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") && regexp.MustCompile("^(?:"+line+")").MatchString(why) {
			return true
		}
	}
	return false
}
