package scheduler

import (
	"cmp"
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/tools/events"
	resourceslicetracker "k8s.io/dynamic-resource-allocation/resourceslice/tracker"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/features"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodevolumelimits"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
	"k8s.io/kubernetes/pkg/scheduler/util/assumecache"
)

// profile is one profile of the configuration over one world: the framework as kube-scheduler
// builds it, and its plugins one by one.
type profile struct {
	fw         framework.Framework
	config     *config.KubeSchedulerProfile
	plugins    map[string]fwk.Plugin
	listed     *config.Plugins
	percentage int32
}

// site holds everything that the profiles over one world share.
type site struct {
	world    *world
	shelf    *shelf
	claims   fwk.SharedDRAManager
	profiles map[string]*profile

	deallocated bool // a PostFilter plugin has freed a claim since this was last looked at
}

// registry returns the in-tree and the caller's plugins. It notes each plugin as it is made.
func (e *Engine) registry(made map[string]fwk.Plugin) (frameworkruntime.Registry, error) {
	all := plugins.NewInTreeRegistry()
	if err := all.Merge(e.config.Registry); err != nil {
		return nil, errorf("Config.Registry: %v", err)
	}
	noting := make(frameworkruntime.Registry, len(all))
	for name, factory := range all {
		noting[name] = func(ctx context.Context, args runtime.Object, h fwk.Handle) (fwk.Plugin, error) {
			p, err := factory(ctx, args, h)
			made[name] = p
			return p, err
		}
	}
	return noting, nil
}

// newSite builds the listers and managers that plugins ask for, from the cluster's objects.
func (e *Engine) newSite(ctx context.Context, c *counted) (*site, error) {
	metrics.Register()
	s := &site{world: newWorld(c), shelf: newShelf(), profiles: map[string]*profile{}}
	for _, obj := range c.rest {
		if err := s.shelf.put(obj); err != nil {
			return nil, errorf("%T: %v", obj, err)
		}
	}
	for _, n := range c.infos {
		if err := cmp.Or(ctx.Err(), s.shelf.put(n.Node())); err != nil {
			return nil, err
		}
	}
	for _, p := range c.pending {
		if err := s.shelf.put(p); err != nil {
			return nil, err
		}
		if p.Status.NominatedNodeName != "" {
			pi, err := framework.NewPodInfo(p)
			if err != nil {
				return nil, errorf("pod %s/%s: %v", p.Namespace, p.Name, err)
			}
			s.world.names.AddNominatedPod(klog.Background(), pi, nil)
		}
	}
	if len(e.config.Registry) > 0 { // in-tree plugins only look pending pods up
		for _, p := range c.bound {
			if err := cmp.Or(ctx.Err(), s.shelf.put(p)); err != nil {
				return nil, err
			}
		}
	}
	return s, s.shareClaims()
}

// shareClaims builds the parts of dynamic resource allocation that profiles share, as scheduler.New
// does.
func (s *site) shareClaims() error {
	ctx := quiet(context.Background())
	claims := assumecache.NewAssumeCache(klog.FromContext(ctx), s.shelf.Resource().V1().ResourceClaims().Informer(),
		"ResourceClaim", "", nil)
	opts := resourceslicetracker.Options{
		EnableDeviceTaintRules:   utilfeature.DefaultFeatureGate.Enabled(features.DRADeviceTaintRules),
		EnableConsumableCapacity: utilfeature.DefaultFeatureGate.Enabled(features.DRAConsumableCapacity),
		SliceInformer:            s.shelf.Resource().V1().ResourceSlices(),
	}
	if opts.EnableDeviceTaintRules {
		opts.TaintInformer = s.shelf.Resource().V1().DeviceTaintRules()
	}
	tracker, err := resourceslicetracker.StartTracker(ctx, opts)
	if err != nil {
		return errorf("resource slices: %v", err)
	}
	// The tracker's goroutine only waits for handlers, which are told everything as they register.
	defer tracker.Stop()
	m := dynamicresources.NewDRAManager(ctx, claims, tracker, s.shelf)
	if h, ok := m.DeviceClassResolver().(interface {
		OnAdd(obj any, isInInitialList bool)
	}); ok && h != nil {
		for _, class := range s.shelf.informer(deviceClass).indexer.List() {
			h.OnAdd(class, true)
		}
	}
	s.claims = m
	return nil
}

// serves finds the profile of the configuration that a scheduler name means.
func (e *Engine) serves(name string) (int, bool) {
	for i := range e.loaded.Profiles {
		if e.loaded.Profiles[i].SchedulerName == name {
			return i, true
		}
	}
	return 0, false
}

// profile returns the framework for a scheduler name, built when it is first asked for.
func (e *Engine) profile(s *site, name string) (*profile, error) {
	if p, ok := s.profiles[name]; ok {
		return p, nil
	}
	i, ok := e.serves(name)
	if !ok {
		return nil, errorf("profile not found for scheduler name %q", name)
	}
	p, err := e.newProfile(s, &e.loaded.Profiles[i])
	if err == nil {
		s.profiles[name] = p
	}
	return p, err
}

func (e *Engine) newProfile(s *site, cfg *config.KubeSchedulerProfile) (*profile, error) {
	p := &profile{config: cfg, plugins: map[string]fwk.Plugin{}, percentage: e.config.percentage(e.loaded, cfg)}
	registry, err := e.registry(p.plugins)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(quiet(context.Background()))
	p.fw, err = frameworkruntime.NewFramework(ctx, registry, cfg,
		frameworkruntime.WithComponentConfigVersion(e.loaded.APIVersion),
		frameworkruntime.WithClientSet(writes{site: s}),
		frameworkruntime.WithInformerFactory(s.shelf),
		frameworkruntime.WithSharedDRAManager(s.claims),
		frameworkruntime.WithSharedCSIManager(
			nodevolumelimits.NewCSIManager(s.shelf.Storage().V1().CSINodes().Lister())),
		frameworkruntime.WithSnapshotSharedLister(s.world),
		frameworkruntime.WithMutableSnapshotLister(s.world),
		frameworkruntime.WithPodNominator(s.world.names),
		frameworkruntime.WithPodActivator(activator{}),
		frameworkruntime.WithParallelism(1),
		frameworkruntime.WithWaitingPods(frameworkruntime.NewWaitingPodsMap()),
		frameworkruntime.WithPodsInPreBind(frameworkruntime.NewPodsInPreBindMap()),
		frameworkruntime.WithEventRecorder(recorder{}),
	)
	cancel() // ends the recorder of metrics that NewFramework starts
	if err != nil {
		return nil, errorf("profile %q: %v", cfg.SchedulerName, err)
	}
	frameworkruntime.WaitForShutdown(p.fw)
	p.listed = p.fw.ListPlugins()
	return p, nil
}

// quiet keeps the plugins from logging. Their statuses say the same.
func quiet(ctx context.Context) context.Context { return klog.NewContext(ctx, discard) }

// activator and recorder stand for a scheduler's queue and its events, and do nothing.
type activator struct{}

func (activator) Activate(klog.Logger, map[string]*corev1.Pod) {}

type recorder struct{}

func (recorder) Eventf(runtime.Object, runtime.Object, string, string, string, string, ...any) {}
func (r recorder) WithLogger(klog.Logger) events.EventRecorderLogger                           { return r }
