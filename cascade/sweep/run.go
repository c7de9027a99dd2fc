package sweep

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/redline-go/redline/cascade"
)

// Shard is a part of a plan: the runs i with i modulo Count = Index. The zero Shard is the whole
// plan.
type Shard struct{ Index, Count int }

// check returns the shard with its default, or an error.
func (s Shard) check() (Shard, error) {
	if s.Count == 0 && s.Index == 0 {
		s.Count = 1
	}
	if s.Count < 1 || s.Index < 0 || s.Index >= s.Count {
		return s, fmt.Errorf("sweep: Shard is %d of %d, want an index of 0 to count - 1", s.Index, s.Count)
	}
	return s, nil
}

// runs returns how many of n runs are the shard's.
func (s Shard) runs(n int) int { return (n - s.Index + s.Count - 1) / s.Count }

// Run makes the shard's runs on all cores. If progress is not nil, it is called with how many runs
// are done, from any goroutine and not in order. The tally does not depend on the number of cores.
func Run(ctx context.Context, p Plan, shard Shard, progress func(done, of int)) (*Tally, error) {
	shard, err := shard.check()
	if err != nil {
		return nil, err
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	total, err := newTally(p, shard)
	if err != nil {
		return nil, err
	}
	mine := shard.runs(p.Runs)
	var next, done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	parts := make([]*Tally, runtime.GOMAXPROCS(0))
	for w := range parts {
		parts[w], _ = newTally(p, shard)
		group.Go(func() error {
			for {
				k := int(next.Add(1)) - 1
				if k >= mine {
					return nil
				}
				if err := parts[w].run(ctx, p, shard.Index+k*shard.Count); err != nil {
					return err
				}
				if n := int(done.Add(1)); progress != nil {
					progress(n, mine)
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	for _, part := range parts {
		total.include(part)
	}
	return total, nil
}

// run makes one run and adds it to the tally.
func (t *Tally) run(ctx context.Context, p Plan, i int) error {
	shares, s, err := p.Point(i)
	if err != nil {
		return err
	}
	verdict, totals, err := cascade.Judge(ctx, s)
	if err != nil {
		return err
	}
	t.add(shares, &cascade.Result{Scenario: s, Verdict: verdict, Totals: totals})
	return nil
}
