package scheduler

import (
	"context"
	"runtime"
	"sync"
	"weak"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"

	"github.com/redline-go/redline/capacity"
)

// Engine schedules with the plugins that its [Config] chose. It is safe for concurrent use. It keeps the counted
// nodes of the last snapshot that it was asked about, for as long as that snapshot is in use.
type Engine struct {
	config Config
	loaded *config.KubeSchedulerConfiguration

	mu      sync.Mutex
	last    weak.Pointer[capacity.Snapshot]
	kept    *counted
	cleanup runtime.Cleanup // of last: it calls forget
}

var _ capacity.Engine = (*Engine)(nil)

var deviceClass = &resourceapi.DeviceClass{}

// New checks the configuration as kube-scheduler does when it starts, plugins included.
func New(c Config) (*Engine, error) {
	loaded, err := c.load()
	if err != nil {
		return nil, err
	}
	e := &Engine{config: c, loaded: loaded}
	s, err := e.newSite(context.Background(), &counted{index: map[string]int{}})
	if err != nil {
		return nil, err
	}
	for i := range loaded.Profiles {
		if _, err := e.profile(s, loaded.Profiles[i].SchedulerName); err != nil {
			return nil, err
		}
	}
	return e, nil
}

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

// keep remembers the last snapshot alone. What waits for the snapshot's end holds neither the engine nor the nodes: a
// snapshot may outlive many engines.
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

// run starts a call's scheduling on a fresh copy of the cluster.
func (e *Engine) run(ctx context.Context, c *counted) (*run, error) {
	s, err := e.newSite(ctx, c)
	if err != nil {
		return nil, err
	}
	return &run{site: s, engine: e}, nil
}
