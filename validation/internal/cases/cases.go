// Package cases runs a test's random cases and gathers every difference that they find.
//
//	cases.Run(t, 2000, 24, func(n uint64) error { ... })
//
// One number makes one case, the same on every machine. REDLINE_CASES is the number of cases to run
// and REDLINE_FROM the first of them. So a long campaign can be cut into pieces and one case be run
// alone: REDLINE_FROM=4106 REDLINE_CASES=1.
package cases

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
)

// Run runs usual cases, or those that the environment names, side by side at a time. It fails the
// test with the error of each that differs, in their order. It returns the number that ran.
func Run(t testing.TB, usual uint64, side int, run func(n uint64) error) uint64 {
	t.Helper()
	from, count := Span(t, usual)
	var mu sync.Mutex
	failed := map[uint64]error{}
	var group errgroup.Group
	group.SetLimit(side)
	for n := from; n < from+count; n++ {
		group.Go(func() error {
			if err := run(n); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed[n] = err
			}
			return nil
		})
	}
	_ = group.Wait()
	var order []uint64
	for n := range failed {
		order = append(order, n)
	}
	slices.Sort(order)
	for _, n := range order {
		t.Errorf("case %d: %v", n, failed[n])
	}
	if len(order) > 0 {
		t.Errorf("%d of %d cases differ", len(order), count)
	}
	return count
}

// Span returns the first case to run, and the number of cases.
func Span(t testing.TB, usual uint64) (from, count uint64) {
	t.Helper()
	return number(t, "REDLINE_FROM", 0), number(t, "REDLINE_CASES", usual)
}

func number(t testing.TB, name string, usual uint64) uint64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return usual
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		t.Fatal(fmt.Errorf("%s is %q, want a number of cases: %w", name, s, err))
	}
	return n
}
