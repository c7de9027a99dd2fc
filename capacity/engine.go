package capacity

import (
	"context"
	"errors"
	"fmt"

	"github.com/redline-go/redline/internal/cluster"
)

// ErrNeedsScheduler is wrapped by the error of a question that cannot be answered node by node. The
// error names the feature. Package scheduler's Engine answers such questions.
var ErrNeedsScheduler = errors.New("needs the scheduler")

// Engine answers for workloads that [Snapshot.Fit] refuses.
type Engine interface {
	Fit(ctx context.Context, s *Snapshot, w Workload) (Answer, error)
}

// refused returns an error that names the feature in the way and its place in the object.
func refused(feature, where string) error {
	return fmt.Errorf("capacity: %s (%s): %w", feature, where, ErrNeedsScheduler)
}

// Option changes how a question such as [Snapshot.Fit] is answered. [Fallback] makes one. The zero
// Option is an error, so that a forgotten value is noticed.
type Option struct{ fallback Engine }

// Fallback lets an engine answer the workloads that the snapshot refuses with
// [ErrNeedsScheduler]. All others are still counted here. A nil engine and a second Fallback are
// errors, also for a workload that needs no engine.
func Fallback(e Engine) Option { return Option{fallback: e} }

// options holds the options of one question together.
type options struct{ fallback Engine }

// gather checks the options. Its errors begin with the question's name.
func gather(question string, opts []Option) (o options, err error) {
	for i, opt := range opts {
		switch {
		case cluster.IsNil(opt.fallback):
			return options{}, fmt.Errorf("capacity: %s: option %d has no engine, want Fallback(engine)", question, i)
		case o.fallback != nil:
			return options{}, fmt.Errorf("capacity: %s: option %d is a second Fallback, want one engine", question, i)
		}
		o.fallback = opt.fallback
	}
	return o, nil
}

// answers reports whether the engine answers in the snapshot's place.
func (o options) answers(err error) bool {
	return err != nil && o.fallback != nil && errors.Is(err, ErrNeedsScheduler)
}
