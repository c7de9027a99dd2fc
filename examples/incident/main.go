// Command incident replays incident 8829 in virtual time: what happened and why, what of the report
// stock Kubernetes can do, and which of the action items would have prevented it.
//
//	go run ./examples/incident                         # the story and the tables
//	go run ./examples/incident -out /tmp/8829          # and incident.svg, .png, .html
//	go run ./examples/incident -scenario cluster.yaml  # the same of another cluster
//	go run ./examples/incident -print > cluster.yaml   # the incident's scenario, to start from
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/redline-go/redline/cascade"
	"github.com/redline-go/redline/cascade/incident8829"
	"github.com/redline-go/redline/cascade/report"
	"github.com/redline-go/redline/cascade/scenario"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("incident", flag.ContinueOnError)
	file := flags.String("scenario", "", "a scenario in YAML; none: the incident")
	out := flags.String("out", "", "directory for incident.svg, incident.png and incident.html; none: no files")
	seeds := flags.Int("seeds", 10, "runs with and without each change")
	show := flags.Bool("print", false, "print the scenario in YAML and do nothing else")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, err := read(*file)
	if err != nil {
		return err
	}
	if *show {
		text, err := s.YAML()
		if err != nil {
			return err
		}
		_, err = stdout.Write(text)
		return err
	}
	result, err := cascade.Run(ctx, s)
	if err != nil {
		return err
	}
	changes := scenario.Changes()
	if *file == "" {
		changes = incident8829.ActionItems()
	}
	comparison, err := cascade.Comparer{Seeds: *seeds, Pairs: true}.Compare(ctx, s, changes...)
	if err != nil {
		return err
	}
	page := pageOf(result, comparison)
	if *file == "" {
		page = withReport(page, result)
	}
	if err := print(stdout, page); err != nil {
		return err
	}
	if *out == "" {
		return nil
	}
	return write(*out, result, page)
}

// read returns the scenario in a file, or the incident's if there is none.
func read(file string) (cascade.Scenario, error) {
	if file == "" {
		return cascade.Incident8829(), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return cascade.Scenario{}, err
	}
	defer func() { _ = f.Close() }()
	return cascade.ReadScenario(f)
}

// print writes the page as text.
func print(w io.Writer, p report.Page) error {
	fmt.Fprintf(w, "%s\n\n", p.Title)
	for _, line := range p.Story {
		fmt.Fprintln(w, line)
	}
	for _, text := range p.Summary {
		fmt.Fprintf(w, "\n%s\n", text)
	}
	for _, t := range p.Tables {
		fmt.Fprintf(w, "\n%s\n", t.Title)
		tab := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
		for _, row := range append([][]string{t.Header}, t.Rows...) {
			for i, cell := range row {
				if i > 0 {
					fmt.Fprint(tab, "\t")
				}
				fmt.Fprint(tab, cell)
			}
			fmt.Fprintln(tab)
		}
		if err := tab.Flush(); err != nil {
			return err
		}
		if t.Note != "" {
			fmt.Fprintln(w, t.Note)
		}
	}
	return nil
}

// write draws the plots, and makes the one page that holds everything.
func write(dir string, r *cascade.Result, page report.Page) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	figure, err := report.Series(r)
	if err != nil {
		return err
	}
	for _, name := range []string{"incident.svg", "incident.png"} {
		if err := figure.Write(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	page.Figures = []report.Figure{figure}
	f, err := os.Create(filepath.Join(dir, "incident.html"))
	if err != nil {
		return err
	}
	if err := report.HTML(f, page); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

func round(d time.Duration) string { return d.Round(time.Second).String() }
