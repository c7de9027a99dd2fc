// Command sweep runs the incident, or another scenario, over ranges of its parameters: how often
// does the control plane stay healthy, degrade, or stay down, and which parameter decides it?
//
//	go run ./examples/sweep                                 # 200 runs around the incident
//	go run ./examples/sweep -runs 100000 -range delay=0:6 -range nodes=10:1000:log
//
// On a cluster it runs as an Indexed Job of 50 pods. Each runs a shard and prints its tally:
//
//	go run ./examples/sweep manifest -image registry.example/sweep -shards 50 -runs 100000 |
//		kubectl apply -f -
//	kubectl logs -l app.kubernetes.io/name=redline-sweep --tail=-1 --max-log-requests=50 |
//		go run ./examples/sweep merge
//
// The merged tally is the single run's, bit for bit.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/term"
	"sigs.k8s.io/yaml"

	"github.com/redline-go/redline/cascade"
	"github.com/redline-go/redline/cascade/scenario"
	"github.com/redline-go/redline/cascade/sweep"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "merge":
			return merge(args[1:], stdin, stdout)
		case "manifest":
			return manifest(args[1:], stdout, stderr)
		}
		return fmt.Errorf("sweep: command is %q, want merge, manifest or none", args[0])
	}
	return run(ctx, args, stdout, stderr)
}

// ranges is a flag that may be given several times.
type ranges []sweep.Range

func (r *ranges) String() string { return fmt.Sprint([]sweep.Range(*r)) }

func (r *ranges) Set(text string) error {
	parsed, err := sweep.ParseRange(text)
	*r = append(*r, parsed)
	return err
}

// planFlags defines the flags that say what to run. A Job's pods get them too.
func planFlags(f *flag.FlagSet) func() sweep.Plan {
	runs := f.Int("runs", 200, "how many runs")
	seed := f.Uint64("seed", 8829, "of the draws")
	var along ranges
	f.Var(&along, "range", "name=low:high or name=low:high:log, several times; names: "+names()+
		" (default delay=0:6, duration=60:6000, nodes=20:200)")
	return func() sweep.Plan {
		if along == nil {
			along = ranges{
				{Parameter: scenario.ParamDelay, High: 6},
				{Parameter: scenario.ParamDuration, Low: 60, High: 6000},
				{Parameter: scenario.ParamNodes, Low: 20, High: 200},
			}
		}
		return sweep.Plan{Scenario: cascade.Incident8829(), Runs: *runs, Seed: *seed, Ranges: along}
	}
}

// names lists the parameters.
func names() string {
	var all []string
	for _, p := range scenario.Parameters() {
		all = append(all, string(p))
	}
	return strings.Join(all, ", ")
}

// run makes the runs of one shard and prints its tally.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("sweep", flag.ContinueOnError)
	f.SetOutput(stderr)
	plan := planFlags(f)
	shards := f.Int("shards", 1, "in how many parts the plan is cut")
	index := f.Int("shard", indexOfPod(), "which of them to run; an Indexed Job's pod knows by itself")
	format := f.String("o", "", "text or json; default text, and json for one of several shards")
	if err := f.Parse(args); err != nil {
		return err
	}
	progress, finish := bar(stderr)
	tally, err := sweep.Run(ctx, plan(), sweep.Shard{Index: *index, Count: *shards}, progress)
	finish()
	if err != nil {
		return err
	}
	if *format == "json" || *format == "" && *shards > 1 {
		return json.NewEncoder(stdout).Encode(tally)
	}
	return report(stdout, tally)
}

// indexOfPod returns the index that an Indexed Job gave this pod, or 0.
func indexOfPod() int {
	i, _ := strconv.Atoi(os.Getenv(sweep.IndexVariable))
	return i
}

// bar draws progress, on a terminal only.
func bar(w io.Writer) (progress func(done, of int), finish func()) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil, func() {}
	}
	var mu sync.Mutex
	shown := -1
	return func(done, of int) {
		mu.Lock()
		defer mu.Unlock()
		const width = 50
		if cells := done * width * 20 / of; cells > shown { // a thousandth at least
			shown = cells
			full := done * width / of
			fmt.Fprintf(file, "\r%s%s %d of %d", strings.Repeat("█", full), strings.Repeat("·", width-full), done, of)
		}
	}, func() { fmt.Fprint(file, "\r\033[K") }
}

// merge reads tallies, one a line, from files or standard input.
func merge(paths []string, stdin io.Reader, stdout io.Writer) error {
	format := "text"
	if len(paths) > 0 && paths[0] == "-json" {
		format, paths = "json", paths[1:]
	}
	var parts []*sweep.Tally
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		more, err := tallies(path, file)
		_ = file.Close()
		if err != nil {
			return err
		}
		parts = append(parts, more...)
	}
	if len(paths) == 0 {
		var err error
		if parts, err = tallies("standard input", stdin); err != nil {
			return err
		}
	}
	all, err := sweep.Merge(parts...)
	if err != nil {
		return err
	}
	if missing := all.Missing(); len(missing) > 0 {
		return fmt.Errorf("sweep: merge: %d of %d shards are missing, the first is %d", len(missing), all.Shards, missing[0])
	}
	if format == "json" {
		return json.NewEncoder(stdout).Encode(all)
	}
	return report(stdout, all)
}

// tallies reads a tally from each line that is not empty.
func tallies(name string, r io.Reader) (parts []*sweep.Tally, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		t := &sweep.Tally{}
		if err := json.Unmarshal(lines.Bytes(), t); err != nil {
			return nil, fmt.Errorf("sweep: merge: %s, line %d: %w", name, n, err)
		}
		parts = append(parts, t)
	}
	return parts, lines.Err()
}

// manifest prints the Indexed Job that runs the plan on a cluster.
func manifest(args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("sweep manifest", flag.ContinueOnError)
	f.SetOutput(stderr)
	plan := planFlags(f)
	var j sweep.Job
	f.StringVar(&j.Name, "name", "redline-sweep", "of the Job")
	f.StringVar(&j.Namespace, "namespace", "", "of the Job")
	f.StringVar(&j.Image, "image", "", "whose entrypoint is this command")
	f.IntVar(&j.Shards, "shards", 10, "pods")
	f.IntVar(&j.Parallel, "parallel", 0, "pods at a time; 0: all")
	f.IntVar(&j.Cores, "cores", 2, "of each pod")
	if err := f.Parse(args); err != nil {
		return err
	}
	p := plan()
	if err := p.Check(); err != nil {
		return err
	}
	j.Args = []string{fmt.Sprintf("-runs=%d", p.Runs), fmt.Sprintf("-seed=%d", p.Seed)}
	for _, r := range p.Ranges {
		j.Args = append(j.Args, "-range="+r.String())
	}
	job, err := j.Manifest()
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(job)
	if err != nil {
		return err
	}
	_, err = stdout.Write(text)
	return err
}
