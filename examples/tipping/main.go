// Command tipping maps where a control plane tips: healthy, degraded or metastable over two
// parameters, and where a disk that is good enough in itself is a trap after a worse spell.
//
//	go run ./examples/tipping                                       # fsync delay x nodes
//	go run ./examples/tipping -x delay=0.25:4:40 -y grace=10:120:40 -out /tmp/tipping.svg
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"github.com/redline-go/redline/cascade"
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
	flags := flag.NewFlagSet("tipping", flag.ContinueOnError)
	xs := flags.String("x", "delay=0.25:4:31", "parameter=from:to:n to the right")
	ys := flags.String("y", "nodes=20:200:10", "parameter=from:to:n upwards")
	out := flags.String("out", "", "an SVG or PNG file for the map; none: no file")
	trajectories := flags.Int("trajectories", 6, "Morris trajectories for the sensitivities; 0: none")
	if err := flags.Parse(args); err != nil {
		return err
	}
	x, err := axis(*xs)
	if err != nil {
		return err
	}
	y, err := axis(*ys)
	if err != nil {
		return err
	}
	m, err := cascade.Map(ctx, cascade.Tipping(), x, y)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, m)
	if err := chain(ctx, stdout); err != nil {
		return err
	}
	if *trajectories > 0 {
		if err := sensitivities(ctx, stdout, *trajectories); err != nil {
			return err
		}
	}
	if *out == "" {
		return nil
	}
	return draw(m, *out)
}

// axis reads parameter=from:to:n.
func axis(text string) (cascade.Axis, error) {
	bad := fmt.Errorf("tipping: axis is %q, want parameter=from:to:n", text)
	name, rest, ok := strings.Cut(text, "=")
	parts := strings.Split(rest, ":")
	if !ok || len(parts) != 3 {
		return cascade.Axis{}, bad
	}
	from, err1 := strconv.ParseFloat(parts[0], 64)
	to, err2 := strconv.ParseFloat(parts[1], 64)
	n, err3 := strconv.Atoi(parts[2])
	if err1 != nil || err2 != nil || err3 != nil || n < 1 || n > 1000 || to < from {
		return cascade.Axis{}, bad
	}
	return cascade.Linear(scenario.Parameter(name), from, to, n), nil
}
