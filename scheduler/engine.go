package scheduler

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"weak"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"

	"github.com/redline-go/redline/capacity"
)

// Engine schedules with the plugins that its [Config] chose. It is safe for concurrent use. It
// keeps the counted nodes of the last snapshot that it was asked about, as long as that snapshot is
// in use.
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

// Fit reports how many of the workload's replicas fit and what stops the next. It answers for every
// feature that kube-scheduler has.
//
// Answer.Nodes is package capacity's. It is there in the default profile, for a template whose
// replicas do not stand in each other's way. Elsewhere it is empty, and [Engine.Place] says where
// replicas go. With [Config.Evict] it also says whom they evict.
func (e *Engine) Fit(ctx context.Context, s *capacity.Snapshot, w capacity.Workload) (capacity.Answer, error) {
	out, err := e.place(ctx, s, []capacity.Workload{w}, false)
	if err != nil {
		return capacity.Answer{}, err
	}
	return out.answers[0], nil
}

// Place finds a node for each replica that fits, in the order of placement. Pods of the snapshot
// that go first ([Config.PendingFirst]) are among the placements, with Workload -1.
func (e *Engine) Place(
	ctx context.Context, s *capacity.Snapshot, w capacity.Workload,
) ([]Placement, capacity.Answer, error) {
	out, err := e.place(ctx, s, []capacity.Workload{w}, true)
	if err != nil {
		return nil, capacity.Answer{}, err
	}
	return out.placements, out.answers[0], nil
}

// PlaceAll places several workloads in one cluster, in the order of kube-scheduler's queue: by
// priority, then as given. Each has its answer.
//
// How many of a later one fit depends on where the earlier ones have gone, and the pods that
// [Config.PendingFirst] puts ahead. That alone gives an answer no [OrderDependence].
func (e *Engine) PlaceAll(
	ctx context.Context, s *capacity.Snapshot, w ...capacity.Workload,
) ([]Placement, []capacity.Answer, error) {
	out, err := e.place(ctx, s, w, true)
	return out.placements, out.answers, err
}

// place answers the workloads with all that takes more than one placing: replicas that preemption
// would save, the room of every node, other orders of the nodes.
func (e *Engine) place(
	ctx context.Context, s *capacity.Snapshot, ws []capacity.Workload, detail bool,
) (outcome, error) {
	if s == nil {
		return outcome{}, errorf("Snapshot is nil, want one of capacity.NewSnapshot")
	}
	c, err := e.cluster(ctx, s)
	if err != nil {
		return outcome{}, err
	}
	out, err := e.placeIn(ctx, s, c, ws, detail)
	if err != nil {
		return outcome{}, err
	}
	if err := e.countPreemptible(ctx, s, c, ws, out); err != nil {
		return outcome{}, err
	}
	if len(ws) == 1 {
		out.answers[0].Nodes = e.rooms(ctx, s, ws[0])
	}
	return out, e.orders(ctx, s, c, ws, out.answers)
}

// countPreemptible sets Answer.Preemptible where preemption would help: it places all workloads
// once more, with evictions, and counts how many more fit.
func (e *Engine) countPreemptible(
	ctx context.Context, s *capacity.Snapshot, c *counted, ws []capacity.Workload, out outcome,
) error {
	if !slices.Contains(out.rescuable, true) {
		return nil
	}
	evicting := &Engine{config: e.config, loaded: e.loaded}
	evicting.config.Evict = true
	more, err := evicting.placeIn(ctx, s, c, ws, false)
	if err != nil {
		return err
	}
	for i := range out.answers {
		if out.rescuable[i] {
			out.answers[i].Preemptible = max(more.answers[i].Fits-out.answers[i].Fits, 0)
		}
	}
	return nil
}

// rooms returns the room of each node as package capacity counts it. It returns nil where capacity
// refuses, and where this engine is not the scheduler that capacity models: another profile, other
// pods first, evictions.
func (e *Engine) rooms(ctx context.Context, s *capacity.Snapshot, w capacity.Workload) []capacity.NodeRoom {
	if e.config.Profile != nil || e.config.PendingFirst || e.config.Evict {
		return nil
	}
	a, err := s.Fit(ctx, w)
	if err != nil {
		return nil
	}
	return a.Nodes
}

// run starts a call's scheduling on a fresh copy of the cluster.
func (e *Engine) run(ctx context.Context, c *counted) (*run, error) {
	s, err := e.newSite(ctx, c)
	if err != nil {
		return nil, err
	}
	return &run{site: s, engine: e}, nil
}
