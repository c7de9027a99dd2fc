// Command comments checks the comments of a tree for what the linters do not: lines over 100
// columns, and sentences that open with "X is what", "X is how" and the like instead of a verb.
//
//	comments DIR
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"
)

const columns = 100

// riddle matches the opening of a comment that says "is what" where a verb belongs.
var riddle = regexp.MustCompile(`^(?:(?:A|An|The) )?[\w.\[\]]+ (?:is|are) (?:what|how|when|where|whether|who|which)\b`)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	found, err := walk(os.Stdout, root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "comments:", err)
	}
	if err != nil || found > 0 {
		os.Exit(1)
	}
}

func walk(out io.Writer, root string) (found int, err error) {
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && strings.HasPrefix(e.Name(), ".") && path != root:
			return filepath.SkipDir
		case e.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		n, err := checkFile(out, path)
		found += n
		return err
	})
	return found, err
}

func checkFile(out io.Writer, path string) (found int, err error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return 0, err
	}
	say := func(line int, what string) {
		fmt.Fprintf(out, "%s:%d: %s\n", path, line, what)
		found++
	}
	outputs := outputsOf(file)
	for _, group := range file.Comments {
		for _, comment := range group.List {
			at := set.Position(comment.Pos())
			for i, line := range strings.Split(comment.Text, "\n") {
				before := 0
				if i == 0 {
					before = at.Column - 1
				}
				width := before + utf8.RuneCountInString(line)
				if width > columns && !outputs[group] && mayBreak(line) && alone(file, set, at.Line+i) {
					say(at.Line+i, fmt.Sprintf("a comment of %d columns, want %d", width, columns))
				}
			}
		}
		if m := riddle.FindString(group.Text()); m != "" {
			say(set.Position(group.Pos()).Line, fmt.Sprintf("a comment opens with %q, want a verb", m))
		}
	}
	return found, nil
}

// mayBreak reports whether a comment can stand on two lines: a directive, a link and a line
// without spaces cannot.
func mayBreak(line string) bool {
	text := strings.TrimSpace(strings.TrimPrefix(line, "//"))
	return !strings.HasPrefix(line, "//go:") && strings.Contains(text, " ") && !strings.HasPrefix(text, "http")
}

// alone reports whether a line has no code: the limit of code lines holds for the others.
func alone(file *ast.File, set *token.FileSet, line int) bool {
	code := false
	ast.Inspect(file, func(n ast.Node) bool {
		switch n.(type) {
		case nil, *ast.File, *ast.CommentGroup, *ast.Comment:
			return n != nil && !code
		}
		from, to := set.Position(n.Pos()).Line, set.Position(n.End()).Line
		code = code || from == line || to == line
		return !code && from <= line && line <= to
	})
	return !code
}

// outputsOf returns the comments that an example's output is compared with.
func outputsOf(file *ast.File) map[*ast.CommentGroup]bool {
	outputs := map[*ast.CommentGroup]bool{}
	for _, group := range file.Comments {
		text := strings.ToLower(group.Text())
		outputs[group] = strings.HasPrefix(text, "output:") || strings.HasPrefix(text, "unordered output:")
	}
	return outputs
}
