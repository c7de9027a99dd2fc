package cascade

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// each calls f(0) ... f(n-1) from so many workers, zero for all cores. It returns the error of the
// least k that failed.
func each(ctx context.Context, workers, n int, f func(k int) error) error {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	errs := make([]error, n)
	var wait sync.WaitGroup
	for range min(workers, n) {
		wait.Go(func() {
			for {
				k := int(next.Add(1)) - 1
				if k >= n || ctx.Err() != nil {
					return
				}
				errs[k] = f(k)
			}
		})
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
