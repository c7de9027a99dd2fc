package capacity

import (
	"context"
	"errors"
	"fmt"
)

// ErrNeedsScheduler is wrapped by the error of a question that cannot be answered node by node.
// The error names the feature; package scheduler's Engine answers.
var ErrNeedsScheduler = errors.New("needs the scheduler")

// Engine answers for workloads that [Snapshot.Fit] refuses.
type Engine interface {
	Fit(ctx context.Context, s *Snapshot, w Workload) (Answer, error)
}

// refused names the feature that stands in the way and its place in the object.
func refused(feature, where string) error {
	return fmt.Errorf("capacity: %s (%s): %w", feature, where, ErrNeedsScheduler)
}
