package scheduler

import (
	"context"
	"runtime"
	"weak"

	"github.com/redline-go/redline/capacity"
)

// cluster counts the snapshot's pods on its nodes, or finds them counted.
func (e *Engine) cluster(ctx context.Context, s *capacity.Snapshot) (*counted, error) {
	e.mu.Lock()
	if e.kept != nil && e.last.Value() == s {
		defer e.mu.Unlock()
		return e.kept, nil
	}
	e.mu.Unlock()
	c, err := count(ctx, s.Objects())
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.keep(s, c)
	return c, nil
}

// keep remembers the last snapshot alone. The cleanup that waits for the snapshot's end holds
// neither the engine nor the nodes, since a snapshot may outlive many engines.
func (e *Engine) keep(s *capacity.Snapshot, c *counted) {
	e.cleanup.Stop()
	e.last, e.kept = weak.Make(s), c
	me := weak.Make(e)
	e.cleanup = runtime.AddCleanup(s, func(of weak.Pointer[capacity.Snapshot]) {
		if e := me.Value(); e != nil {
			e.forget(of)
		}
	}, e.last)
}

// forget lets go of the nodes of a snapshot that nobody has any more.
func (e *Engine) forget(of weak.Pointer[capacity.Snapshot]) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last == of {
		e.kept = nil
	}
}
